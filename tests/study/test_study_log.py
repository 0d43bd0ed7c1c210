"""The time that a study says is left: from what networks took, in this sitting and in those before."""

from pathlib import Path

import pytest

from rkblocks.diagnostics import fail
from rkblocks.study import load, log
from rkblocks.study.main import tasks_of
from rkblocks.study.results import Key, States
from rkblocks.study.state import ABSENT, PARTIAL, TRAINED, State

EPOCHS = 10


def outlook(tiny: Path, out: Path, workers: int | None, states: States, monkeypatch: pytest.MonkeyPatch) -> log.Outlook:
    """Of the study with ten epochs; what a run folder says once its network has ended is 100 s an epoch."""
    monkeypatch.setattr(log, "state", lambda *_: State(TRAINED, (EPOCHS, EPOCHS), 100.0 * EPOCHS, {}))
    return log.Outlook(load(tiny), states, tasks_of(load(tiny), out, 1, None, None), out, workers)


def absent(keys: list[Key]) -> dict[Key, State]:
    return dict.fromkeys(keys, State(ABSENT, (0, EPOCHS), 0.0, {}))


@pytest.mark.parametrize("workers", [0, 1, 2, 4, None])
def test_a_network_that_goes_on_counts_with_all_that_it_took(
    tiny: Path, tmp_path: Path, workers: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first to end had one epoch to go: that it took no longer today says nothing about the others."""
    tasks = tasks_of(load(tiny), tmp_path, 1, None, None)
    first, *others = tasks
    states = {first: State(PARTIAL, (EPOCHS - 1, EPOCHS), 900.0, {}), **absent(others)}
    about = outlook(tiny, tmp_path, workers, states, monkeypatch)
    log.note(tmp_path, tasks[first].name, "done", training=100.0, evaluation=50.0)
    each = 100.0 * EPOCHS + 50.0
    expected = {0: 3 * each, 1: 3 * each, 2: 1.5 * each, 4: each, None: None}  # four: all others side by side
    tasks[first].folder.mkdir()
    assert about.after(first) == expected[workers]
    assert about.after(others[0]) == (None if workers is None else max(2 / max(workers, 1), 1) * each)  # failed


def test_each_scheme_is_told_by_its_own(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = tasks_of(load(tiny), tmp_path, 1, None, None)
    of = {(name, seed): State(TRAINED, (EPOCHS, EPOCHS), 400.0, {}) for name, seed in tasks if name == "ssp2"}
    states = {**absent(list(tasks)), **of}
    about = outlook(tiny, tmp_path, 1, states, monkeypatch)
    log.note(tmp_path, "ssp2-seed0", "done", training=400.0, evaluation=20.0)
    log.note(tmp_path, "euler-seed0", "done", training=1000.0, evaluation=50.0)
    tasks["euler", 0].folder.mkdir()
    assert about.after(("euler", 0)) == (1000.0 + 50.0) + 2 * 20.0  # ssp2: both to be measured


def test_networks_under_way_count_with_what_they_have_taken(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a dearer scheme none is done yet; one has three epochs, and its files are just being written once."""
    tasks = tasks_of(load(tiny), tmp_path, 1, None, None)
    about = outlook(tiny, tmp_path, 2, absent(list(tasks)), monkeypatch)
    cheap, dear = State(TRAINED, (EPOCHS, EPOCHS), 1000.0, {}), State(PARTIAL, (3, EPOCHS), 900.0, {})
    busy = True

    def look(folder: Path, *_: object) -> State:
        if folder.name == "euler-seed0":
            return cheap
        assert folder.name == "ssp2-seed0", "the others have not been begun"
        if busy:
            fail("RK742", "half a line")
        return dear

    monkeypatch.setattr(log, "state", look)
    tasks["euler", 0].folder.mkdir()
    tasks["ssp2", 0].folder.mkdir()
    log.note(tmp_path, "euler-seed0", "done", training=1000.0, evaluation=50.0)
    assert about.after(("euler", 0)) == (3 * 1050.0) / 2
    busy = False
    assert about.after(("euler", 1)) == 10 * 300.0 + 50.0, "that of ssp2-seed1, beside which the other one ends"


def test_the_line_of_a_network_that_is_done() -> None:
    assert log.ended("a", 75.0, (1, 4), 3700.0) == "a: done in 1 min 15 s (1 of 4), about 1 h 01 min left"
    assert log.ended("a", 75.0, (1, 4), None) == "a: done in 1 min 15 s (1 of 4)"
    assert log.ended("a", 75.0, (4, 4), 0.0) == "a: done in 1 min 15 s (4 of 4)"
