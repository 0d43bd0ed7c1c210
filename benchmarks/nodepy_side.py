"""The other side of benchmarks/verification.py: runs in an environment with nodepy, one JSON line in, one out.

    pip install nodepy six

In: {"A": rows below the diagonal, "b": weights, "times": n}, exact numbers as text. Out: {"order": p, "seconds": [...]}
of `order(mode="exact")`, the method made anew each time and not timed.
"""

import contextlib
import io
import json
import sys
import time
import warnings
from typing import Any

warnings.simplefilter("ignore")

import sympy  # noqa: E402
from nodepy import rk, snp  # noqa: E402


def answer(request: dict[str, Any]) -> dict[str, Any]:
    m = len(request["b"])
    rows = [[sympy.sympify(x) for x in row] + [sympy.Integer(0)] * (m - len(row)) for row in request["A"]]
    weights = [sympy.sympify(x) for x in request["b"]]
    seconds = []
    for _ in range(request["times"]):
        method = rk.ExplicitRungeKuttaMethod(snp.array(rows), snp.array(weights))
        with contextlib.redirect_stdout(io.StringIO()):
            start = time.process_time()
            order = method.order(mode="exact")
            seconds.append(time.process_time() - start)
    return {"order": int(order), "seconds": seconds}


if __name__ == "__main__":
    print(json.dumps({"sympy": sympy.__version__}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
