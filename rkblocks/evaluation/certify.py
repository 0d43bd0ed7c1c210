"""`rkblocks certify`: the radius within which no attack changes the class of an image, by the network's constant.

With features that are L-Lipschitz in l2 and the last layer z_j = <w_j, h> + b_j, an image of class y keeps it within

    min over j of (z_y - z_j - r_j) / (L |w_y - w_j|)

in pixels, where r_j bounds twice the rounding of z_y - z_j, at the image and at any image near it
(`rkblocks.nets.bounds`).  The network is evaluated in double precision, with the weights as they are stored; `rounding`
is the largest r_j / (L |w_y - w_j|), and `rounding_float32` what it would be in single precision.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rkblocks.attacks import frozen
from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.evaluation.subject import Images, Subject, of_run
from rkblocks.intervals import wilson
from rkblocks.nets import GroupedNet, bounds
from rkblocks.nets.bounded_layers import UnitHead
from rkblocks.runs.outcomes import save_outcomes
from rkblocks.settings.data import data_set
from rkblocks.settings.fractions import parse_fraction
from rkblocks.settings.options import folders

CERTIFICATES = "certificates"
QUANTILES = 10
BATCH = 500


@dataclass(frozen=True)
class Certificate:
    """What is proved of one network on the images of a subject: ``radii`` [n] in l2, 0 where the class is wrong.

    ``lipschitz`` is the constant of the features; ``blocks`` name and guarantee of each block.
    """

    subject: Subject
    lipschitz: float
    rounding: float
    rounding_float32: float
    radii: Tensor
    correct: Tensor
    blocks: tuple[tuple[str, Any], ...]

    def entry(self, eps: Fraction) -> dict[str, Any]:
        """The share of images that are right within eps against every attack, with its 95 % Wilson interval."""
        n, sure = len(self.radii), int((self.radii > float(eps)).sum())
        right = int(self.correct.sum())
        interval = list(wilson(sure, n))
        return {"eps": str(eps), "n": n, "certified": sure / n, "interval": interval, "clean": right / n}

    def to_dict(self, eps: Sequence[Fraction]) -> dict[str, Any]:
        """One element of "runs" in the JSON of INTERFACE section 6."""
        shares = torch.linspace(0, 1, QUANTILES + 1, dtype=torch.float64)
        return {
            "run": self.subject.name,
            "norm": "l2",
            "lipschitz": self.lipschitz,
            "rounding": self.rounding,
            "rounding_float32": self.rounding_float32,
            "data": self.subject.data,
            "weights": self.subject.weights,
            "entries": [self.entry(one) for one in eps],
            "radii": {"quantiles": torch.quantile(self.radii, shares).tolist(), **histogram(self.radii)},
            "blocks": [{"block": name, **found.to_dict()} for name, found in self.blocks],
        }


def histogram(radii: Tensor, bins: int = 12) -> dict[str, list[float]]:
    """Edges and counts of the certified radii, from 0 to the largest."""
    largest = max(float(radii.max()), 1e-6)
    counts = torch.histc(radii.double(), bins, 0.0, largest)
    return {"edges": torch.linspace(0, largest, bins + 1).tolist(), "counts": [int(c) for c in counts]}


def certify_subject(subject: Subject) -> Certificate:
    """The certificate of a network on all images of the subject.

    Raises:
        RkblocksError: RK880 where a block has no guarantee, RK881 where a constant is not known.
    """
    return _certificate(subject, bounds.lipschitz(subject.model))


def certificate_of(subject: Subject) -> Certificate | None:
    """The certificate of a network that has one, else None."""
    if not isinstance(subject.model, GroupedNet):
        return None
    try:
        return certify_subject(subject)
    except RkblocksError:
        return None


def claimed(subject: Subject) -> Certificate:
    """The same formula without the right to it: as if every block had a guarantee.  What it gives is not proved.

    Raises RkblocksError RK881 where the constant of another module is not known.
    """
    return _certificate(subject, bounds.lipschitz(subject.model, assumed=True))


def _certificate(subject: Subject, constant: float) -> Certificate:
    model = subject.model
    assert isinstance(model, GroupedNet)
    images = subject.floats(torch.zeros(1, dtype=torch.long, device=subject.labels.device))
    shape: Any = tuple(images.shape[1:])
    double = copy.deepcopy(model).double().to("cpu").eval()
    assert isinstance(double.head, nn.Sequential)
    head = double.head[-1]
    assert isinstance(head, UnitHead)
    with torch.no_grad():
        exact, single = (_rounding(double, shape, constant, dtype) for dtype in (torch.float64, torch.float32))
        weight = head.in_use()[0]
        distances = (weight[:, None] - weight[None]).norm(dim=2) * constant * (1 + 1e-12)
        radii, right = [], []
        with frozen(double):
            for rows in torch.split(torch.arange(len(subject), device=subject.labels.device), BATCH):
                x, y = subject.images[rows].cpu(), subject.labels[rows].cpu()
                x = x.double() if x.is_floating_point() else x.double() / 255
                logits = double(x)
                own = logits.gather(1, y[:, None])
                reach = (own - logits) / distances[y].clamp_min(1e-300) - exact
                reach.scatter_(1, y[:, None], float("inf"))
                least = reach.min(1).values
                radii.append(least.clamp_min(0))
                right.append(logits.argmax(1) == y)
    blocks = tuple(bounds.guarantees(model))
    return Certificate(subject, constant, exact, single, torch.cat(radii), torch.cat(right), blocks)


def _rounding(model: GroupedNet, shape: tuple[int, int, int], constant: float, dtype: torch.dtype) -> float:
    """Twice the largest error of a margin over its constant, in pixels."""
    state = bounds.rounding(model, shape, dtype)
    return 2 * bounds.margin_error(model, state, dtype) / constant


def budgets(text: str | Sequence[str] | None, dataset: str) -> tuple[Fraction, ...]:
    """The radii asked for, each a fraction or a decimal; None: those in print for the data set.

    Raises RkblocksError RK803 for what is no number, RK882 for none at all.
    """
    given = data_set(dataset).certified if text is None else text
    words = [w.strip() for w in (given.split(",") if isinstance(given, str) else given)]
    if not any(words):
        fail("RK882", "no radius is named", help="--eps 1/4,1/2,1")
    return tuple(parse_fraction(word, "eps") for word in words)


def certify(
    runs: str | Path | Sequence[str | Path],
    *,
    eps: str | Sequence[str] | None = None,
    split: str = "test",
    limit: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    data_root: str | Path | None = None,
    weights: str = "best",
    save: bool = True,
) -> dict[str, Any]:
    """The JSON object of `rkblocks certify --format json`; each certificate is saved in its run's ``certificates/``.

    Args:
        runs: folders as `train` wrote them, of networks of kind bounded.
        eps: radii in l2, pixels in [0, 1].

    Raises:
        RkblocksError: RK880 (a block without guarantee), RK881, RK882, RK803, and what opening a run or data raises.
    """
    found = []
    images = Images(split, limit, seed, weights, data_root)
    paths = folders(runs)
    budgets(eps, "")  # before any run is opened
    for path in paths:
        subject = of_run(path, images, device=device)
        certificate = certify_subject(subject)
        content = certificate.to_dict(budgets(eps, subject.dataset))
        if save:
            tensors = {"index": subject.indices.contiguous(), "label": subject.labels.cpu().contiguous()}
            tensors |= {"radius": certificate.radii.contiguous(), "correct": certificate.correct.contiguous()}
            stem = f"{split}-{'all' if limit is None else len(subject)}"
            saved = save_outcomes(path / CERTIFICATES, stem, content, tensors, {"run": str(path)})
            content = {**content, "saved": str(saved)}
        found.append(content)
    return {"version": 1, "runs": found}
