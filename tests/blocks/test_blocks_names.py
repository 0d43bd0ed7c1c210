"""A parameter of any name that the reader takes builds, is emitted, saved, loaded and audited."""

import io
import json
import re
from keyword import kwlist, softkwlist

import pytest
import torch
from torch import nn

from rkblocks import files
from rkblocks.blocks import build
from rkblocks.blocks.emitted.judge import judge
from rkblocks.blocks.emitted.observe import read, run_here
from rkblocks.files.parameters import OF_MODULES
from rkblocks.program import emit
from rkblocks.verify import check

ATTRIBUTES = sorted(n for n in dir(nn.ParameterDict()) if re.fullmatch(r"[A-Za-z]\w*", n))
WORDS = """
    raw self weight bias residual step clock run memory inspected tableau program source dt x y t u1 f0 v1 s1 q1
    mean error torch nn math Tensor Decay evaluate coefficients dict super float_ int print abs len E I S N O Q
    C oo zoo nan pi GoldenRatio Symbol Integer beta10 name __class__ sqrt_ exp log sin Abs Min Max
"""


def family(name: str) -> str:
    return json.dumps(
        {
            "name": "mine",
            "parameters": {name: {"domain": ["1/2", "1"], "init": "3/4"}},
            "A": [[], [name]],
            "b": [f"1 - 1/(2*{name})", f"1/(2*{name})"],
        }
    )


def test_the_list_is_what_torch_has() -> None:
    assert set(dir(nn.Module())) <= set(dir(nn.ParameterDict()))
    assert set(ATTRIBUTES) <= OF_MODULES


@pytest.mark.parametrize("name", sorted({*ATTRIBUTES, *kwlist, *softkwlist, *WORDS.split()}))
def test_every_name_works_or_is_refused(name: str, tmp_path) -> None:
    reading = files.read_text(family(name), "mine.json")
    if reading.tableau is None:
        assert {d.code for d in reading.diagnostics} == {"RK143"}
        assert name in OF_MODULES or name in kwlist or name in softkwlist or name.startswith("_")
        return
    t = reading.tableau
    assert files.read_text(files.to_json(t), "mine.json").tableau == t
    assert check(t).order.value == 2
    block = build(t, residual=nn.Tanh(), dtype=torch.float64)
    x = torch.linspace(-1, 1, 5, dtype=torch.float64)
    with torch.no_grad():
        block.raw[name].add_(0.5)
    saved = io.BytesIO()
    torch.save(block.state_dict(), saved)
    saved.seek(0)
    twin = build(t, residual=nn.Tanh(), dtype=torch.float64)
    twin.load_state_dict(torch.load(saved, weights_only=True))
    assert torch.equal(block(x), twin(x))
    member = t.at(twin.exact_coefficients())  # what `audit` checks
    assert check(member).order.exact == 2
    path = tmp_path / "block.py"
    path.write_text(emit(t))
    emitted = read(str(path))
    assert judge(emitted, run_here(emitted.text, emitted.class_name), t).diagnostics == ()
