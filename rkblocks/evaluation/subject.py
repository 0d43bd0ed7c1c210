"""What is evaluated: a model with the images of one split, from a run folder or from one's own hands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rkblocks.attacks import frozen
from rkblocks.attacks.checked_forward import logits_of
from rkblocks.diagnostics import fail, typed
from rkblocks.runs.folder import WEIGHTS
from rkblocks.runs.storage import described
from rkblocks.settings.options import LARGEST_SEED, SPLITS, check_types, folders


@dataclass(frozen=True)
class Images:
    """Which images of a run's data set, at most `limit` of them drawn by `seed`, and under which of its weights."""

    split: str = "test"
    limit: int | None = None
    seed: int = 0
    weights: str = "best"
    data_root: str | Path | None = None

    def check(self) -> None:
        """Raise RkblocksError RK822 or RK823 for a value that is none."""
        check_types(vars(self))
        if self.split not in SPLITS:
            fail("RK823", f"split is {self.split!r}; expected one of {', '.join(SPLITS)}", help="choose split 'test'")
        if self.limit is not None and self.limit < 1:
            fail(
                "RK823",
                f"limit is {self.limit}; expected at least one image",
                help="leave --limit out for the whole split",
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            expected = f"expected a whole number from 0 to {LARGEST_SEED}"
            fail("RK823", f"seed is {self.seed}; {expected}", help="leave --seed out for 0")
        if self.weights not in WEIGHTS:
            fail(
                "RK823",
                f"weights is {self.weights!r}; expected {', '.join(WEIGHTS)}",
                help="best: chosen on the validation images",
            )


@dataclass(frozen=True)
class Origin:
    """What is known of a trained network beside its weights.

    chosen: "best" (on the validation images), "last" or "average"; held_out: number of validation images; seeds: of all
    runs of this configuration that are evaluated together, none where a study judges them; siblings: run folders of
    other networks on the same data, evaluated together; choice: which epoch the run calls its best, validation.choice.
    """

    chosen: str
    held_out: int
    seeds: tuple[int, ...] = ()
    siblings: tuple[Path, ...] = ()
    choice: str = "best"


@dataclass(frozen=True)
class Subject:
    """A model and the images it is measured on.

    images: [n, C, H, W], uint8 or floats in [0, 1]; labels: integers [n], on the model's device; indices: the
    position of each image in its whole split, which names its stream of random numbers; weights: hash that identifies
    the weights (of a run: of their file); state: hash of the model's state when the subject was made; origin: None
    for a model that comes from no run folder; sources: other models by name, for attack `transfer`; occurring: the
    classes that occur among labels or predictions, once they are known.
    """

    name: str
    model: nn.Module
    images: Tensor
    labels: Tensor
    indices: Tensor
    weights: str
    blocks: str = ""
    dataset: str = ""
    split: str = "test"
    folder: Path | None = None
    state: str = ""
    origin: Origin | None = None
    sources: Mapping[str, nn.Module] = field(default_factory=dict)
    occurring: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def floats(self, rows: Tensor) -> Tensor:
        """Return these images as floats in [0, 1], in the dtype of the model."""
        images = self.images[rows]
        if images.is_floating_point():
            return images
        floating = (p.dtype for p in self.model.parameters() if p.is_floating_point())
        return images.to(next(floating, torch.float32)) / 255

    @cached_property
    def data(self) -> dict[str, Any]:
        """Which images these are: name, split, n, and the sha256 of images, labels and places."""
        digest = hashlib.sha256()
        for tensor in (self.images, self.labels, self.indices):
            digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
            digest.update(_raw(tensor))
        return {"name": self.dataset, "split": self.split, "n": len(self), "images": digest.hexdigest()}

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits [n, classes] of the model in eval mode; raises RkblocksError RK808 or RK814 as an attack
        does.
        """
        with torch.no_grad(), frozen(self.model):
            return logits_of(self.model, x)

    @cached_property
    def classes(self) -> int:
        """The number of classes that the model tells apart."""
        return int(self.logits(self.floats(torch.zeros(1, dtype=torch.long, device=self.labels.device))).shape[1])

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield (rows, images, labels) in order."""
        for rows in torch.split(torch.arange(len(self), device=self.labels.device), size):
            yield rows, self.floats(rows), self.labels[rows]

    def sample(self, size: int, seed: int = 0) -> Subject:
        """Return the subject with at most `size` of its images, drawn by `seed`, in their order."""
        if size >= len(self):
            return self
        rows = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))[:size].sort().values
        return self.only(rows)

    def only(self, rows: Tensor) -> Subject:
        """Return the subject with these of its images, rows [k]."""
        at = rows.to(self.labels.device)
        return replace(self, images=self.images[at], labels=self.labels[at], indices=self.indices[rows.cpu()])


def of_model(
    model: nn.Module, images: Tensor, labels: Tensor, *, name: str = "model", blocks: str = "", dataset: str = ""
) -> Subject:
    """Return the subject of one's own model. Raises RkblocksError RK822 for other types, RK823 where there is no
    image or a label too few.
    """
    images, labels = (torch.as_tensor(v) if hasattr(v, "__array__") else v for v in (images, labels))
    tensor = (Tensor,), "a tensor"
    table = {"model": ((nn.Module,), "a torch.nn.Module"), "images": tensor, "labels": tensor}
    typed({"model": model, "images": images, "labels": labels}, table)
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        fail("RK823", f"labels are {labels.dtype}; expected integers", help="pass one class index per image")
    images, labels = images.detach(), labels.long()
    if not images.dim() or not len(images) or labels.shape != images.shape[:1]:
        fail(
            "RK823",
            f"{len(images)} images and labels of shape {tuple(labels.shape)}; expected a label for each, one at least",
            help="pass images [n, C, H, W] and labels [n]",
        )
    state = state_hash(model)
    return Subject(name, model, images, labels, torch.arange(len(images)), state, blocks, dataset, state=state)


def of_run(folder: str | Path, images: Images = Images(), *, device: str = "auto") -> Subject:
    """Return the subject of a run folder: its weights and its data set.

    Raises RkblocksError RK822 for values of another type, RK823 for an unfit split, limit, seed or weights, and what
    opening the run or the data raises.
    """
    from rkblocks.data import load
    from rkblocks.runs.network import named_device, open_run

    images.check()
    check_types({"device": device})
    (folder,) = folders(folder)
    where = named_device(device)
    run = open_run(folder, where, images.weights)
    kept = run.config.data
    root = images.data_root or kept.root or None
    data = load(kept.name, root=root, device=where, validation=kept.validation, seed=kept.split_seed)
    part = getattr(data, images.split)
    if not len(part.images):
        fail("RK823", f"the {images.split} split of {data.name} is empty in this run", help="evaluate --split test")
    whole = Subject(
        name=str(folder),
        model=run.model,
        images=part.images,
        labels=part.labels,
        indices=torch.arange(len(part.labels)),
        weights=run.weights_hash,
        blocks=run.blocks,
        dataset=data.name,
        split=images.split,
        folder=Path(folder),
        state=state_hash(run.model),
        origin=Origin(
            images.weights,
            len(data.validation.labels),
            (run.config.training.seed,),
            choice=run.config.validation.choice,
        ),
    )
    return whole if images.limit is None else whole.sample(images.limit, images.seed)


def state_hash(model: nn.Module) -> str:
    """Return the sha256 of a model's state: names, shapes, types and bytes, in order of names; what is no tensor
    (`get_extra_state`) as it prints.
    """
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if not isinstance(value, Tensor):
            digest.update(f"{name}:{value!r};".encode())
            continue
        digest.update(described(name, str(value.dtype), value.shape))
        digest.update(_raw(value))
    return digest.hexdigest()


def _raw(tensor: Tensor) -> bytes:
    """Return the bytes of a tensor of any type, bfloat16 too, which numpy has not."""
    flat = tensor.detach().cpu().contiguous().flatten()
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
