"""The same study on a Ray cluster of two nodes on this machine, and what Ray would wait for forever."""

import json
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ray = pytest.importorskip("ray")
utilities = pytest.importorskip("ray.cluster_utils")

from rkblocks import study  # noqa: E402
from rkblocks.diagnostics import RkblocksError  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of two nodes with one core each; ray leaves a handler of SIGTERM, which others test."""
    handler = signal.getsignal(signal.SIGTERM)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nodes = utilities.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        nodes.add_node(num_cpus=1)
        nodes.wait_for_nodes()
        yield nodes.address
        ray.shutdown()
        nodes.shutdown()
    signal.signal(signal.SIGTERM, handler)


def test_two_nodes_give_the_networks_of_one_machine(cluster: str, finished: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    progress: list[tuple[str, int, int]] = []
    content = study.run(
        finished / "study.toml",
        tmp_path / "out",
        ray=cluster,
        say=lines.append,
        progress=lambda *at: progress.append(at),
    )
    assert content["failed"] == {}
    assert len([line for line in lines if ": done in" in line]) == 4
    assert {label for label, done, total in progress if done == total} == {
        entry["run"][5:] for entry in content["entries"]
    }
    here = json.loads((finished / "results" / "results.json").read_text())
    assert content["summary"] == here["summary"]


def test_a_network_that_fails_there_is_reported(cluster: str, tiny: Path, tmp_path: Path) -> None:
    text = tiny.read_text().replace("[set]\n", "[set]\noptimizer.lr = 1e30\n")
    tiny.write_text(text.replace("seeds = [0, 1]", "seeds = [0]"))
    failed = study.run(tiny, tmp_path / "out", only="euler-*", ray=cluster, say=lambda line: None)["failed"]
    assert list(failed) == ["euler-seed0"]
    assert failed["euler-seed0"].startswith("RK719")


def test_ctrl_c_saves_there_and_the_same_call_continues(cluster: str, tiny: Path, tmp_path: Path) -> None:
    out, lines = tmp_path / "out", list[str]()
    text = tiny.read_text().replace("training.epochs = 1", "training.epochs = 40")
    tiny.write_text(text.replace("seeds = [0, 1]", "seeds = [0]"))

    def interrupt(label: str, done: int, total: int) -> None:
        if 0 < done < total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study.run(tiny, out, only="euler-*", ray=cluster, say=lines.append, progress=interrupt)
    assert "Stopped; all is saved." in lines[-1]
    metrics = out / "runs" / "euler-seed0" / "metrics.jsonl"
    before = metrics.read_text()
    assert 0 < len(before.splitlines()) < 40
    assert study.run(tiny, out, only="euler-*", ray=cluster, say=lines.append)["failed"] == {}
    after = metrics.read_text()
    assert after.startswith(before)
    assert len(after.splitlines()) == 40


def test_what_no_node_has_is_refused(cluster: str, tiny: Path, tmp_path: Path) -> None:
    tiny.write_text(tiny.read_text() + "[resources]\ngpus = 3\n")
    with pytest.raises(RkblocksError) as caught:
        study.run(tiny, tmp_path / "out", ray=cluster, say=lambda line: None)
    assert [one.code for one in caught.value.diagnostics] == ["RK856"]
    assert "3 GPUs" in str(caught.value)
