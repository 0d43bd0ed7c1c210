"""Clean and robust accuracy on the held-out images, in eval mode, with the same noise whenever an epoch is repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from rkblocks import distributed
from rkblocks.attacks import pgd
from rkblocks.data import Split
from rkblocks.data.split import unit
from rkblocks.runs.config import ATTACKED, Config
from rkblocks.training import parallel
from rkblocks.training.examples import training_threat
from rkblocks.training.seeds import stream


def measure(
    model: nn.Module,
    split: Split,
    config: Config,
    epoch: int,
    memory_format: torch.memory_format,
    check: Callable[[], None],
) -> dict[str, float]:
    """{"validation_clean": …}, and "validation_robust" where training is adversarial; empty where nothing is held out.

    check: called before every batch; it raises to stop (a signal has come). Several processes divide every batch.
    """
    if not len(split):
        return {}
    model.eval()
    size = config.training.eval_batch_size
    correct = torch.zeros((), dtype=torch.int64, device=split.labels.device)
    for rows in torch.split(torch.arange(len(split), device=split.labels.device), size):
        check()
        batch = split.take(rows[distributed.part(len(rows))])
        if not len(batch):  # fewer images left than processes
            continue
        with torch.no_grad():
            logits = model(unit(batch.images).contiguous(memory_format=memory_format))
        correct += (logits.argmax(1) == batch.labels).sum()
    found = {"validation_clean": distributed.total(correct).item() / len(split)}
    if config.training.method in ATTACKED:
        found["validation_robust"] = _robust(model, split, config, epoch, memory_format, check)
    return found


def _robust(
    model: nn.Module,
    split: Split,
    config: Config,
    epoch: int,
    memory_format: torch.memory_format,
    check: Callable[[], None],
) -> float:
    threat = replace(training_threat(config), steps=config.validation.steps)
    device = split.labels.device
    count = min(config.validation.images, len(split))
    chosen = torch.arange(count, device=device) * len(split) // count  # spread out: a folder is sorted by class
    generator = stream(config.training.seed, "validation", epoch, device=device)
    correct = torch.zeros((), dtype=torch.int64, device=device)
    for rows in torch.split(chosen, config.training.eval_batch_size):
        check()
        batch = split.take(rows[distributed.part(len(rows))])
        if not len(batch):
            continue
        x = unit(batch.images).contiguous(memory_format=memory_format)
        noise = parallel.part_streams({"start": generator}, len(rows))["start"]
        x_adv = pgd(model, x, batch.labels, threat, noise)
        with torch.no_grad():
            correct += (model(x_adv).argmax(1) == batch.labels).sum()
    return distributed.total(correct).item() / count
