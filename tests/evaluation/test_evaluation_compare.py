"""Comparisons of two runs on the same images: counts by hand, refusals, and when a sentence may be said."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import (
    Item,
    Outcomes,
    base_threat,
    compare,
    compare_all,
    evaluate_subject,
    load_outcomes,
    mcnemar,
    save_evaluation,
)

CLEAN, PGD = "clean", "pgd"
SETTINGS = {"net.blocks": ["ssp3"], "training.seed": 0, "training.epochs": 10, "optimizer.lr": 0.1}


def outcomes(name, clean, attacked, images="sha", split="test"):
    """Outcomes of a run from lists of bits; a string is repeated to a list."""
    rows = {CLEAN: torch.tensor(clean).bool(), PGD: torch.tensor(attacked).bool()}
    n = len(clean)
    data = {"name": "digits", "split": split, "n": n, "images": images}
    return Outcomes(name, data, torch.arange(n), torch.zeros(n, dtype=torch.long), rows)


def pattern(both, first, second, neither):
    """Two lists of bits with so many images right in both, in the first alone, in the second alone, in neither."""
    one = [1] * both + [1] * first + [0] * second + [0] * neither
    other = [1] * both + [0] * first + [1] * second + [0] * neither
    return one, other


def test_counts_by_hand():
    ours, theirs = pattern(10, 6, 1, 3)
    found = compare(outcomes("a", [1] * 20, ours), outcomes("b", [1] * 20, theirs)).to_dict()
    clean, pgd = found["rows"]
    assert (clean["row"], clean["only_first"], clean["p"]) == (CLEAN, 0, 1.0)
    assert (pgd["n"], pgd["accuracy"], pgd["only_first"], pgd["only_second"]) == (20, [0.8, 0.55], 6, 1)
    assert pgd["difference"] == 0.25
    assert pgd["interval"][0] < 0.25 < pgd["interval"][1]
    assert pgd["p"] == mcnemar(6, 1) == 0.125  # 2 (1 + 7) / 2^7
    assert found["worst"]["accuracy"] == pgd["accuracy"]


def test_two_networks_that_nothing_stands_in_are_both_broken():
    said = compare(outcomes("a", [1] * 20, [0] * 20), outcomes("b", [1] * 20, [0] * 20)).statement
    assert said.startswith(
        "both a and b are broken, so nothing is shown: compare them at a smaller eps: 0.0000 and 0.0000"
    )


def test_the_sentence_is_said_only_with_evidence():
    weak, strong = pattern(10, 6, 1, 3), pattern(100, 60, 20, 30)
    said = compare(outcomes("a", [1] * 210, strong[0]), outcomes("b", [1] * 210, strong[1])).statement
    assert said.startswith("a is more robust than b: 0.7619 and 0.5714 of 210 images stand every attack")
    assert f"p = {mcnemar(60, 20):.2g} (McNemar)" in said
    turned = compare(outcomes("b", [1] * 210, strong[1]), outcomes("a", [1] * 210, strong[0])).statement
    assert turned == said, "whichever comes first, the numbers are in the order of the names"
    silent = compare(outcomes("a", [1] * 20, weak[0]), outcomes("b", [1] * 20, weak[1])).statement
    assert silent.startswith("no difference in robustness is shown between a and b: 0.8000 and 0.5500")
    assert "more robust" not in silent


def test_clean_images_alone_show_no_robustness():
    ours, theirs = pattern(0, 60, 0, 10)
    first, second = outcomes("a", ours, ours), outcomes("b", theirs, theirs)
    del first.rows[PGD], second.rows[PGD]
    assert "more robust" not in compare(first, second).statement


def test_what_differs_beside_scheme_and_seed_and_what_is_unhealthy_is_said():
    ours, theirs = pattern(100, 60, 20, 30)
    first = replace(outcomes("a", [1] * 210, ours), settings=SETTINGS, failed=("deterministic", "three seeds"))
    other = SETTINGS | {"net.blocks": ["euler"], "training.seed": 1}
    second = replace(outcomes("b", [1] * 210, theirs), settings=other)
    found = compare(first, second)
    assert found.to_dict()["settings"] == {}
    assert found.to_dict()["unhealthy"] == ["a"]
    assert found.statement.endswith("(McNemar) (health checks of a failed: see above)")
    found = compare(first, replace(second, settings=other | {"training.epochs": 2}, failed=("reachability",)))
    assert found.to_dict()["settings"] == {"training.epochs": [10, 2]}
    assert "(health checks of a and b failed: " in found.statement
    single = compare(replace(first, failed=("three seeds",)), second)
    assert single.to_dict()["unhealthy"] == [], "two single networks are compared, and said to be"
    unknown = compare(replace(first, failed=()), outcomes("b", [1] * 210, theirs))
    assert unknown.to_dict()["settings"] == {}
    assert unknown.statement.endswith("(McNemar)")


def test_several_comparisons_are_corrected_together():
    """Two equal runs and one that loses 9 of 9 differing images: p = 2/2^9 alone, three times that after Holm."""
    ours, theirs = pattern(50, 9, 0, 1)
    runs = [outcomes(name, [1] * 60, bits) for name, bits in (("a", ours), ("b", theirs), ("c", ours))]
    found = compare_all(runs)
    assert [(one.first, one.second) for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [one.p for one in found] == [3 * mcnemar(9, 0), 1.0, 3 * mcnemar(9, 0)]
    assert found[0].statement.startswith("a is more robust than b")
    assert "Holm over 3 comparisons" in found[0].statement
    ours, theirs = pattern(50, 7, 0, 3)  # 2/2^7 = 0.016 alone, 0.047 after Holm: said; with 6 no longer
    assert compare_all([outcomes("a", [1] * 60, ours), outcomes("b", [1] * 60, theirs)])[0].p == mcnemar(7, 0)
    ours, theirs = pattern(50, 6, 0, 4)
    runs = [outcomes(name, [1] * 60, bits) for name, bits in (("a", ours), ("b", theirs), ("c", ours))]
    assert mcnemar(6, 0) < 0.05 < compare_all(runs)[0].p
    assert not any("more robust" in one.statement for one in compare_all(runs))


@pytest.mark.parametrize("change", [{"images": "other"}, {"split": "train"}])
def test_other_images_are_refused(change):
    first, second = outcomes("a", [1], [1]), outcomes("b", [1], [0], **change)
    with pytest.raises(RkblocksError, match="RK827"):
        compare(first, second)
    assert compare_all([first, second]) == []


def test_evaluations_compare_and_so_do_their_files(honest, subject_of, tmp_path):
    """Another budget is another row; the hash of the images tells the samples apart."""
    torch.manual_seed(0)
    weaker = nn.Sequential(nn.Dropout(0.0), honest, nn.Linear(10, 10))
    plan = [Item("fgsm", base_threat("digits")), Item("fgsm", base_threat("digits", eps="0.05"))]
    done = [evaluate_subject(subject_of(model, 60), plan, probe=0) for model in (honest, weaker)]
    direct = compare(*(one.outcomes for one in done))
    paths = [save_evaluation(one, tmp_path, f"e{k}") for k, one in enumerate(done)]
    assert compare(*map(load_outcomes, paths)).to_dict() == direct.to_dict()
    assert len(direct.rows) == 3
    for k, row in enumerate(direct.rows):
        ours, theirs = (one.measurements[k].correct for one in done)
        assert (row.only_first, row.only_second) == (int((ours & ~theirs).sum()), int((theirs & ~ours).sum()))
    other = evaluate_subject(subject_of(honest, 50), plan, probe=0)
    with pytest.raises(RkblocksError, match="images of the data"):
        compare(other.outcomes, done[0].outcomes)
    alone = evaluate_subject(subject_of(honest, 60), [Item("fgsm", base_threat("digits", eps="0.2"))], probe=0)
    assert [row.row for row in compare(alone.outcomes, done[0].outcomes).rows] == [direct.rows[0].row]  # clean alone


def test_the_failed_checks_of_a_file_are_those_of_the_evaluation(honest, subject_of, tmp_path):
    subject = subject_of(honest, 10)
    broken = replace(subject, labels=(subject.labels + 1) % 10)  # worse than chance: the first check fails
    done = evaluate_subject(broken, [], probe=2)
    assert done.outcomes.failed == tuple(verdict.check for verdict in done.health if not verdict.ok)
    assert "clean accuracy first" in done.outcomes.failed
    assert load_outcomes(save_evaluation(done, tmp_path, "e")).failed == done.outcomes.failed


def test_damaged_files_are_named(honest, subject_of, tmp_path):
    path = save_evaluation(evaluate_subject(subject_of(honest, 10), [], probe=0), tmp_path, "e")
    for damage in ('{"entries": []}', "{", path.read_text().replace('"accuracy": ', '"accuracy": 0.1')):
        whole = path.read_text()
        path.write_text(damage)
        with pytest.raises(RkblocksError, match="RK826"):
            load_outcomes(path)
        path.write_text(whole)
    path.with_suffix(".safetensors").unlink()
    with pytest.raises(RkblocksError, match="RK826"):
        load_outcomes(path)
