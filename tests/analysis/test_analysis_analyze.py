"""The driver: every analysis on a real network, its files, its determinism, and slices and examples that are right."""

import csv
import json

import pytest
import torch

import rkblocks
from rkblocks.analysis import ANALYSES, Sample, analyze_network
from rkblocks.analysis.analyze import chosen
from rkblocks.analysis.examples import examples
from rkblocks.analysis.save import save
from rkblocks.analysis.surface import surface
from rkblocks.attacks import Threat
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import of_model, perturbation_growth

GROUPED = tuple(name for name in ANALYSES if name != "certificate")  # that is of bounded networks alone
THREAT = Threat(eps="1/10", steps=2, step="1/20")


@pytest.fixture(scope="module")
def subject():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    net = rkblocks.nets.grouped("ark,ssp3", 1, widths=(2, 4), channels=1, classes=3, generator=generator)
    images = torch.rand(9, 1, 8, 8, generator=generator)
    return of_model(net, images, torch.arange(9) % 3, name="runs/x", blocks="ark,ssp3", dataset="digits")


@pytest.fixture(scope="module")
def found(subject):
    labels = set()
    analysis = analyze_network(subject, THREAT, batch=4, progress=lambda label, *_: labels.add(label))
    assert {"adversarial perturbations", "growth, random", "premise of Lemma 1", "Lipschitz constants"} <= labels
    return analysis


def test_all_analyses_run_and_the_json_is_json(found):
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(content["analyses"]) == list(GROUPED)
    assert all(content["analyses"].values())
    assert set(content["growth"]) == {"adversarial", "random"}
    assert {row["group"] for row in content["growth"]["random"]} == {"group1", "group2"}
    assert [verdict["place"] for verdict in content["verdicts"]] == ["groups.0.0", "groups.1.0"]
    assert content["verdicts"][1]["C"] == 1
    brief = found.to_dict(brief=True)["analyses"]
    assert "loss" not in brief["surface"][0]
    assert "clean_image" not in brief["examples"][0]


def test_the_growth_of_groups_is_that_of_eq_17(subject, found):
    sample = Sample(subject, THREAT, batch=4)
    for kind, rows in found.to_dict()["growth"].items():
        assert rows == [row.to_dict() for row in perturbation_growth(subject.model, sample.pairs(kind))]


def test_the_network_is_left_as_it_was(subject):
    model = subject.model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    analyze_network(subject, THREAT)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


def test_twice_is_the_same_and_another_seed_is_not(subject, found):
    again = analyze_network(subject, THREAT, batch=4, only="growth,lemma1,lipschitz,surface,examples").tables
    assert again == {name: found.tables[name] for name in again}
    assert analyze_network(subject, THREAT, batch=4, seed=1, only="growth").tables["growth"] != found.tables["growth"]


def test_batches_change_nothing_but_rounding(subject, found):
    other = analyze_network(subject, THREAT, batch=9, only="growth,variance").tables
    for name, keys in (("growth", ("mean", "largest")), ("variance", ("growth", "own", "between"))):
        for one, two in zip(found.tables[name], other[name], strict=True):
            assert [one[key] for key in keys] == pytest.approx([two[key] for key in keys], rel=1e-3)


def test_the_files(found, tmp_path):
    save(found.to_dict(), tmp_path / "analysis")
    files = {path.name for path in (tmp_path / "analysis").iterdir()}
    assert files == {f"{name}.csv" for name in (*GROUPED, "verdicts")} | {"analysis.json", "growth.json"}
    written = json.loads((tmp_path / "analysis" / "analysis.json").read_text())
    assert written == json.loads(json.dumps(found.to_dict()))
    for name in (*GROUPED, "verdicts"):
        with (tmp_path / "analysis" / f"{name}.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert all(row["run"] == "runs/x" and None not in row and None not in row.values() for row in rows)
    with (tmp_path / "analysis" / "surface.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3 * 21 * 21
    (tmp_path / "file").write_text("")
    with pytest.raises(RkblocksError) as caught:
        save(found.to_dict(), tmp_path / "file" / "analysis")
    assert [d.code for d in caught.value.diagnostics] == ["RK824"]


@pytest.mark.parametrize("only", ["", " , ", "growth,lyapunov", ["nothing"], []])
def test_unknown_analyses_are_named(only):
    with pytest.raises(RkblocksError) as caught:
        chosen(only)
    assert [d.code for d in caught.value.diagnostics] == ["RK832"]


def test_names_come_in_the_order_of_the_page():
    assert chosen(" lemma1 , growth") == ("growth", "lemma1")
    assert chosen(None) == tuple(ANALYSES)


def test_the_middle_of_a_slice_is_the_loss_of_the_image_and_its_edge_that_of_fgsm(subject):
    rows = surface(Sample(subject, THREAT), images=2, points=5)
    x, y = subject.floats(torch.arange(2)), subject.labels[:2]
    model = subject.model.eval()
    point = x.clone().requires_grad_(True)
    loss = torch.nn.functional.cross_entropy(model(point), y, reduction="none")
    (gradient,) = torch.autograd.grad(loss.sum(), point)
    stepped = (x + 0.1 * gradient.sign()).clamp(0, 1)
    with torch.no_grad():
        edge = torch.nn.functional.cross_entropy(model(stepped), y, reduction="none")
        predicted = model(stepped).argmax(1)
    for k, row in enumerate(rows):
        assert row["axis"] == [-1, -0.5, 0, 0.5, 1]
        assert row["loss"][2][2] == pytest.approx(float(loss[k].detach()), rel=1e-4)
        assert row["loss"][4][2] == pytest.approx(float(edge[k]), rel=1e-4)
        assert row["prediction"][4][2] == int(predicted[k])
        assert (row["eps"], row["norm"], row["label"]) == ("1/10", "linf", int(y[k]))


def test_examples_stay_in_the_ball_and_have_their_predictions(subject):
    sample = Sample(subject, THREAT)
    rows = examples(sample, 4)
    assert [row["index"] for row in rows] == [0, 1, 2, 3]
    clean, other = (torch.tensor([row[f"{kind}_image"] for row in rows]) for kind in ("clean", "adversarial"))
    assert torch.allclose(clean, subject.images[:4], atol=1e-4)
    assert float((clean - other).abs().max()) <= 0.1 + 1e-4
    assert max(row["largest"] for row in rows) == pytest.approx(0.1, abs=1e-5)
    with torch.no_grad():
        logits = subject.model.eval()(sample.perturbed("adversarial")[:4]).softmax(1)
    assert [row["adversarial"] for row in rows] == logits.argmax(1).tolist()
    assert [row["adversarial_confidence"] for row in rows] == pytest.approx(logits.amax(1).tolist(), rel=1e-4)


def test_the_first_images_of_a_sample_keep_what_was_made(subject):
    sample = Sample(subject, THREAT, batch=4)
    whole = sample.perturbed("random")
    few = sample.first(3)
    assert len(few) == 3
    assert torch.equal(few.perturbed("random"), whole[:3])
    assert torch.equal(Sample(few.subject, THREAT).perturbed("random"), whole[:3])
    assert sample.first(100) is sample
