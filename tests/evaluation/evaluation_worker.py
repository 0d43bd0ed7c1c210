"""What each process of a group does in the tests of sharded evaluation."""

import json
from pathlib import Path

from rkblocks.evaluation import evaluate, journal, measure

journal.SAVE_SECONDS = 0.0


def evaluated(run, options):
    """The evaluation as JSON text, and the number of batches that this process attacked for the rows."""
    attacked, really = [], measure._attacked

    def counting(subject, item, rows, seed):
        attacked.append(len(rows))
        return really(subject, item, rows, seed)

    measure._attacked = counting
    try:
        return json.dumps(evaluate(run, **options)), len(attacked)
    finally:
        measure._attacked = really


def interrupted(run, options):
    """One process receives a signal after the second round: the code with which each ends, then the continuation."""
    import os
    import signal

    from rkblocks import distributed
    from rkblocks.diagnostics import RkblocksError

    def stop(label, done, total):
        assert (Path(run) / "in-use").is_file()  # process 0 holds the lock for both
        if label.startswith("pgd") and done >= 20 and distributed.rank() == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        evaluate(run, **options, progress=stop)
    except RkblocksError as error:
        return [error.diagnostics[0].code, *evaluated(run, {**options, "resume": True})]
    return ["not stopped"]
