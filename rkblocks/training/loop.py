"""Training, top to bottom: settings, data, network, optimiser, then epochs of steps, each measured and kept."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from rkblocks import data as datasets
from rkblocks.data import augment
from rkblocks.data.split import Dataset, fingerprint, unit
from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.nets import GroupedNet
from rkblocks.nets.schemes import schemes
from rkblocks.training import checkpoint, runs, variants
from rkblocks.training import model as networks
from rkblocks.training.averaging import Average
from rkblocks.training.checkpoint import Progress
from rkblocks.training.config import Config
from rkblocks.training.interrupt import Stop, stop_on_signal
from rkblocks.training.optimizers import optimizer as make_optimizer
from rkblocks.training.progress import Reporter, duration, reporter
from rkblocks.training.schedule import learning_rate
from rkblocks.training.seeds import epoch_streams, stream
from rkblocks.training.step import training_step
from rkblocks.training.storage import append_line, save_weights
from rkblocks.training.validation import measure

Listener = Callable[[Mapping[str, Any]], None]
LOOK_EVERY = 50  # steps between looks at the loss on a GPU, where each look waits for all work queued


def train(config: Config, out: str | Path, progress: bool | Listener = True) -> Path:
    """Train a network and return its run folder.

    Args:
        config: see `training.config.load`.
        out: the new run folder; must not exist, or be empty.
        progress: True for bars or lines on standard error, False for silence, or a function that is given the metrics
            of every epoch.

    Raises:
        RkblocksError: RK711 (`out` is in use), RK716 (cannot save), RK718 (stopped by a signal; the state is saved),
        RK719 (loss is no number), RK721 to RK723 (device, image size, too few images), and what tableaus, networks,
        data and attacks raise. A run that was stopped continues with `resume`.
    """
    out = Path(out)
    runs.vacant(out)
    groups = 1 if config.net.kind == "mnist" else len(config.net.widths)
    tableaus = schemes(config.net.blocks, groups)
    device = networks.device_of(config)
    data = _data(config, device)
    mean, std = networks.constants(config, data)
    init = stream(config.training.seed, "init")
    model = networks.build(config, tableaus, data.shape, len(data.classes), mean, std, init)
    weights = sum(parameter.numel() for parameter in model.parameters())
    record = {"mean": mean, "std": std, "parameters": weights, "device": str(device), "dtype": "float32"}
    record["variants"] = variants.in_force(config)
    model = model.to(device).to(memory_format=networks.memory_format(config, device))
    optimizer = make_optimizer(config.optimizer, model)
    start = Progress(streams=epoch_streams(config.training.seed, 0, device))
    save = partial(_save, out, model, optimizer, start, fingerprint(data))
    runs.create(out, config, tableaus, data, record)  # last, so that a run stopped before its first step leaves nothing
    save()
    return _run(out, config, data, model, optimizer, start, reporter(progress), save)


def resume(folder: str | Path, progress: bool | Listener = True) -> Path:
    """Continue a run where it was saved, to the same weights as if it had never stopped; returns its folder.

    Raises:
        RkblocksError: RK712, RK713 (no or damaged files), RK714, RK715, RK717 (tableau, configuration, data changed),
        and as `train`.
    """
    folder = Path(folder)
    config, record, tableaus = runs.read(folder)
    device = networks.device_of(config)
    data = _data(config, device)
    model = runs.network(config, record, tableaus)
    model = model.to(device).to(memory_format=networks.memory_format(config, device))
    optimizer = make_optimizer(config.optimizer, model)
    fresh = partial(epoch_streams, config.training.seed, device=device)
    start = checkpoint.restore(folder, model, optimizer, fresh, fingerprint(data))
    save = partial(_save, folder, model, optimizer, start, fingerprint(data))
    return _run(folder, config, data, model, optimizer, start, reporter(progress), save)


def _data(config: Config, device: torch.device) -> Dataset:
    settings = config.data
    data = datasets.load(settings.name, settings.root or None, device, settings.validation, settings.split_seed)
    if len(data.classes) < 2:
        only = ", ".join(data.classes)
        fail("RK604", f"{data.name} has one class, {only}: there is nothing to tell apart", help="two classes at least")
    if len(data.train) < config.training.batch_size:
        size = config.training.batch_size
        fail(
            "RK723",
            f"{len(data.train)} training images do not fill a batch of {size}",
            help="lower training.batch_size",
        )
    return data


def _run(
    folder: Path,
    config: Config,
    data: Dataset,
    model: GroupedNet,
    optimizer: torch.optim.Optimizer,
    at: Progress,
    report: Reporter,
    save: Callable[[], None],
) -> Path:
    """The training itself, from where `at` stands to the last epoch; `save` keeps the state, `at` included."""
    settings, device = config.training, data.train.labels.device
    size, steps = settings.batch_size, len(data.train) // settings.batch_size
    layout = networks.memory_format(config, device)
    report.say(f"{folder}: {','.join(config.net.blocks)} on {data.name}, {device}, float32, {steps} steps an epoch")
    if data.note:
        report.say(f"{data.name}: {data.note}")
    began = saved = time.monotonic()
    average = Average(config.averaging, model, at.carried)

    with stop_on_signal() as check:
        try:
            while at.epoch < settings.epochs:
                order = torch.randperm(len(data.train), generator=stream(settings.seed, "order", at.epoch)).to(device)
                move = training_step(config, model, optimizer, at.streams, at.carried)
                total = torch.tensor([at.loss, at.correct], dtype=torch.float64, device=device)
                started = time.monotonic() - at.seconds

                while at.step < steps:
                    batch = data.train.take(order[at.step * size : (at.step + 1) * size])
                    x = unit(_augmented(batch.images, config, at)).contiguous(memory_format=layout)
                    for group in optimizer.param_groups:
                        group["lr"] = learning_rate(config, at.epoch, at.step, steps)

                    with _naming_divergence(model, at):
                        outcome = move(x, batch.labels)
                    average.after_step(at.epoch)
                    total += outcome.sums
                    at.seen += outcome.seen
                    at.step += 1
                    now = time.monotonic()
                    late = now - saved > 60 * settings.save_minutes
                    if device.type == "cpu" or at.step % LOOK_EVERY == 0 or at.step == steps or late:
                        at.loss, at.correct, at.seconds = float(total[0]), int(total[1]), now - started
                        if not math.isfinite(at.loss):
                            _diverged(at)
                        if late:
                            save()
                            saved = now
                    report.step(at.epoch, at.step, steps)
                    check()

                average.after_epoch(at.epoch)
                with average.evaluated():
                    with _naming_divergence(model, at):
                        measured = measure(model, data.validation, config, at.epoch, layout, check)
                    at.seconds = time.monotonic() - started
                    metrics = _metrics(at, measured, learning_rate(config, at.epoch, steps - 1, steps))
                    _keep(folder, model, at, metrics)
                if average.state() and not config.averaging.evaluated:
                    save_weights(folder / runs.WEIGHTS["average"], average.state(), {"metrics": json.dumps(metrics)})
                at.next_epoch(epoch_streams(settings.seed, at.epoch + 1, device))
                save()
                saved = time.monotonic()
                report.epoch(metrics, settings.epochs, metrics["seconds"] * (settings.epochs - at.epoch))
        except Stop as stop:
            at.loss, at.correct = float(total[0]), int(total[1])
            save()
            where = f"in epoch {at.epoch + 1} after step {at.step} of {steps}"
            fail("RK718", f"{stop} stopped training {where}; all is saved", help=f"rkblocks train --resume {folder}")
    report.say(f"{folder}: done, {duration(time.monotonic() - began)}")
    return folder


def _augmented(images: Tensor, config: Config, at: Progress) -> Tensor:
    padding, flip = config.data.padding, config.data.flip
    if not padding and not flip:
        return images
    return augment(images, at.streams["augment"], padding=padding, flip=flip)


def _metrics(at: Progress, measured: Mapping[str, float], rate: float) -> dict[str, Any]:
    return {
        "epoch": at.epoch + 1,
        "lr": rate,
        "train_loss": at.loss / at.seen,
        "train_accuracy": at.correct / at.seen,
        **measured,
        "seconds": round(at.seconds, 3),
    }


def _keep(folder: Path, model: nn.Module, at: Progress, metrics: dict[str, Any]) -> None:
    """Write the weights of this epoch, also as the best if they are, and its line of metrics."""
    score = metrics.get("validation_robust", metrics.get("validation_clean"))
    best = score is None or score > at.best  # nothing held out: the last epoch is all there is to choose
    if best:
        at.best, at.best_epoch = (at.best if score is None else score), at.epoch + 1
    metrics["best"] = best
    line = json.dumps(metrics)
    for name in ("best", "last") if best else ("last",):
        save_weights(folder / runs.WEIGHTS[name], model.state_dict(), {"metrics": line})
    append_line(folder / runs.METRICS, line)


def _save(folder: Path, model: GroupedNet, optimizer: torch.optim.Optimizer, at: Progress, data: str) -> None:
    """Keep the state for resuming, unless the weights are no numbers: the last good state stays then."""
    if not _finite(model):
        _diverged(at)
    checkpoint.save(folder, model, optimizer, at, data)


@contextmanager
def _naming_divergence(model: nn.Module, at: Progress) -> Iterator[None]:
    """Weights that are no numbers are reported as such, not by what they make of an attack."""
    try:
        yield
    except RkblocksError:
        if not _finite(model):
            _diverged(at)
        raise


def _finite(model: nn.Module) -> bool:
    return all(bool(parameter.isfinite().all()) for parameter in model.parameters())


def _diverged(at: Progress) -> NoReturn:
    fail(
        "RK719",
        f"the loss is no number in epoch {at.epoch + 1}, step {at.step}; what was saved before is kept",
        help="lower optimizer.lr, or check the images",
    )
