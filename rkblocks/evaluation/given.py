"""A model and images from somebody's own hands, brought into the form that an evaluation takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from rkblocks.diagnostics import RkblocksError, fail, named
from rkblocks.evaluation.request import Running, Search
from rkblocks.evaluation.subject import Images, Subject, of_model
from rkblocks.runs.network import named_device


def given(model: nn.Module, images: Any, labels: Any, wanted: Images, device: str) -> Subject:
    """Return the subject of a model with images and labels, or with batches of both; at most wanted.limit images.

    Raises RkblocksError RK808 or RK814 where the model does not fit one of the images, RK822, RK823, RK863.
    """
    if labels is None:
        images, labels = _gathered(images)
    subject = of_model(model, images, labels, name=type(model).__name__)
    x = subject.images
    if x.is_floating_point() and not bool(((x >= 0) & (x <= 1)).all()):
        fail(
            "RK863",
            f"pixels go from {float(x.min()):.4g} to {float(x.max()):.4g}; expected images in [0, 1], or uint8",
            help="let normalisation be the first layer: nn.Sequential(rkblocks.Normalize(mean, std), model)",
        )
    if not x.is_floating_point() and x.dtype != torch.uint8:
        fail("RK863", f"images are {x.dtype}; expected floats in [0, 1], or uint8", help="x.float() / 255")
    state = (*model.parameters(), *model.buffers())
    at = named_device(device) if device != "auto" else state[0].device if state else torch.device("cpu")
    if wanted.limit is not None:
        subject = subject.sample(wanted.limit, wanted.seed)
    subject = replace(subject, model=model.to(at), images=subject.images.to(at), labels=subject.labels.to(at))
    first = subject.floats(torch.zeros(1, dtype=torch.long, device=at))
    try:
        subject.logits(first)
    except RkblocksError:
        raise
    except Exception as error:
        shape = tuple(first.shape)
        fail(
            "RK863",
            f"the model fails on an image {first.dtype} of shape {shape}: {named(error)}",
            help="give the images the shape [n, ...] and the dtype that the model takes",
        )
    return subject


def unfit(images: Images, search: Search, running: Running) -> None:
    """Raise RkblocksError RK863 for options that are about run folders."""
    default = Images()
    names = [n for n in ("split", "weights", "data_root") if getattr(images, n) != getattr(default, n)]
    names += ["source"] if search.search.get("source") is not None else []
    names += ["resume"] if running.resume else []
    if names:
        fail("RK863", f"{', '.join(names)} is about run folders; here a model was given", help="leave the option out")


def _gathered(batches: object) -> tuple[Tensor, Tensor]:
    """Return the images and labels of all batches."""
    if isinstance(batches, Tensor) or not isinstance(batches, Iterable):
        found = f"a {type(batches).__name__} and no labels"
        fail("RK863", f"the images are {found}; expected images and labels", help="evaluate(model, images, labels)")
    pairs = []
    for batch in batches:
        if not isinstance(batch, tuple | list) or len(batch) < 2 or not all(isinstance(p, Tensor) for p in batch[:2]):
            found = type(batch).__name__
            fail("RK863", f"a batch of the loader is a {found}; expected (images, labels)", help="pass tensors instead")
        pairs.append((batch[0], batch[1]))
    if not pairs:
        fail("RK863", "the loader has no batch", help="pass images and labels")
    return torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])
