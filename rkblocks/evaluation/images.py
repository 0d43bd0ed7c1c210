"""Adversarial examples as files: of the first images of an evaluation, for every attack of it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.evaluation.measure import attacked
from rkblocks.evaluation.subject import Subject
from rkblocks.runs.storage import write
from rkblocks.settings.plan import Plan


def save_examples(subject: Subject, plan: Plan, count: int) -> Path:
    """Return the path of a safetensors file: index and label [k], "0.images" the clean images [k, ...], and "1.images"
    and so on those of each attack of the plan that can be run, floats in [0, 1]; its metadata have the labels of the
    rows.

    Raises RkblocksError RK824 where it cannot be written.
    """
    assert subject.folder is not None
    rows = torch.arange(min(count, len(subject)))
    at = rows.to(subject.labels.device)
    tensors: dict[str, Tensor] = {"index": subject.indices[rows], "label": subject.labels[at]}
    tensors["0.images"], labels = subject.floats(at), {"0": "clean"}
    for number, item in enumerate(plan.items, 1):
        with suppress(RkblocksError):  # it is a missing row of the evaluation, with the reason
            tensors[f"{number}.images"] = attacked(subject, item, rows, plan.seed)
            labels[str(number)] = item.label
    folder = subject.folder / "evaluations"
    free = next(
        k for k in range(1, 10**6) if not (folder / f"images-{subject.split}-seed{plan.seed}-{k}.safetensors").exists()
    )
    path = folder / f"images-{subject.split}-seed{plan.seed}-{free}.safetensors"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write(path, save({name: value.cpu().contiguous() for name, value in tensors.items()}, metadata=labels))
    except OSError as error:
        fail("RK824", f"cannot save the images in {folder}: {error.strerror}", help="check space and rights")
    return path
