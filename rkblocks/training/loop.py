"""Training, top to bottom: settings, data, network, optimiser, then epochs of steps, each measured and kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rkblocks import data as datasets
from rkblocks import distributed, invocation
from rkblocks.data import augment
from rkblocks.data.split import Dataset, fingerprint, unit
from rkblocks.diagnostics import fail
from rkblocks.files.group_schemes import schemes
from rkblocks.progress import duration
from rkblocks.runs import combinations, lock, variants
from rkblocks.runs import folder as runs
from rkblocks.runs import network as networks
from rkblocks.runs.config import Config
from rkblocks.runs.interrupt import Stop, stop_on_signal
from rkblocks.tableau import Tableau
from rkblocks.training import checkpoint, parallel, recorded
from rkblocks.training.averaging import Average
from rkblocks.training.checkpoint import Position
from rkblocks.training.keeper import Keeper
from rkblocks.training.optimizers import learning_rate
from rkblocks.training.optimizers import optimizer as make_optimizer
from rkblocks.training.progress import Board, Reporter, board_writer, reporter
from rkblocks.training.seeds import epoch_streams, stream
from rkblocks.training.step import naming_failures, training_step
from rkblocks.training.validation import measure

Listener = Callable[[Mapping[str, Any]], None]
LOOK_EVERY = 50  # steps between looks at the loss on a GPU, where each look waits for all work queued


def train(config: Config, out: str | Path, progress: bool | Listener = True, tensorboard: bool = False) -> Path:
    """Train a network and return its run folder.

    Args:
        config: see `training.config.load`.
        out: the new run folder; must not exist, or be empty.
        progress: True for bars or lines on standard error, False for silence, or a function that is given the metrics
            of every epoch.
        tensorboard: whether to write the metrics for TensorBoard as well, into the folder `tensorboard` of the run.

    Raises:
        RkblocksError: RK711 (`out` is in use), RK716 (cannot save), RK718 (stopped by a signal; the state is saved),
            RK719 (loss is no number), RK721 to RK723 (device, image size, too few images), RK742 (a process is lost),
            RK858 (another process trains there), RK901 (no tensorboard), and what tableaus, networks, data and attacks
            raise.

    A run that was stopped continues with `resume`.
    """
    device = networks.device_of(config)
    if tensorboard:
        board_writer()
    with distributed.group(device.type == "cuda"), ExitStack() as stack:
        out = Path(distributed.agreed(str(out)))
        with distributed.together():
            parallel.check(config)
            recorded.check(config, device)
            if distributed.rank() == 0:
                runs.vacant(out)
            tableaus = schemes(config.net.blocks, config.net.groups)
            data = _data(config, device)
            mean, std = networks.constants(config, data)
            record: dict[str, Any] = {"data": runs.about(data), "mean": mean, "std": std}
            keeper = _prepared(out, config, record, tableaus, data, begins=True)[0]
        with distributed.together():
            if distributed.rank() == 0:  # last, so that a run stopped before its first step leaves nothing
                stack.enter_context(lock.held(out))
                weights = sum(parameter.numel() for parameter in keeper.model.parameters())
                record |= {"parameters": weights, "device": str(device), "dtype": "float32"}
                record |= {"variants": variants.in_force(config), "processes": distributed.size()}
                runs.create(out, config, tableaus, record)
        keeper.state()
        return _run(config, data, keeper, _reporter(progress, keeper, tensorboard))


def resume(folder: str | Path, progress: bool | Listener = True, tensorboard: bool = False) -> Path:
    """Continue a run where it was saved, to the same weights as if it had never stopped; returns its folder.

    One that was stopped before anything was saved begins.

    Raises:
        RkblocksError: RK712, RK713 (no or damaged files), RK714, RK715, RK717 (tableau, configuration, data changed),
            and as `train`.
    """
    folder = Path(folder)
    config, record, tableaus = runs.read(folder)
    device = networks.device_of(config)
    with distributed.group(device.type == "cuda"), ExitStack() as stack:
        with distributed.together():
            if distributed.rank() == 0:
                stack.enter_context(lock.held(folder))
            parallel.check(config)
            recorded.check(config, device)
            data = _data(config, device)
            begins = not runs.made(folder)
            if begins:
                checkpoint.same_data(record, data)
            keeper, note = _prepared(folder, config, record, tableaus, data, begins)
            note = [f"{folder} has nothing saved yet: it begins"] if begins else note
        with distributed.together():
            report = _reporter(progress, keeper, tensorboard)
            for line in [*note, *keeper.repair()]:
                report.say(line)
        if begins:
            keeper.state()
        return _run(config, data, keeper, report)


def _prepared(
    folder: Path,
    config: Config,
    record: Mapping[str, Any],
    tableaus: Sequence[Tableau],
    data: Dataset,
    begins: bool,
) -> tuple[Keeper, list[str]]:
    """The network with its optimiser where training stands, at the beginning or as it was saved; and what the user has
    to be told.

    record: "data", "mean" and "std" of run.json.
    """
    device, seed = data.train.labels.device, config.training.seed
    with naming_failures(config):
        model = networks.build(config, tableaus, record, stream(seed, "init") if begins else None)
        model = model.to(device).to(memory_format=networks.memory_format(config, device, model))
    optimizer = make_optimizer(config.optimizer, model)
    fresh, note = partial(epoch_streams, seed, device=device), list[str]()
    at, own = Position(streams=fresh(0)), fingerprint(data)
    if not begins:
        steps = len(data.train) // config.training.batch_size
        with naming_failures(config):
            at, note = checkpoint.restore(folder, model, optimizer, fresh, own, (config.training.epochs, steps))
    average = Average(config.averaging, model, at.carried)
    return Keeper(folder, model, optimizer, average, at, own, config.net.blocks, config.validation.choice), note


def _reporter(progress: bool | Listener, keeper: Keeper, tensorboard: bool) -> Reporter:
    if distributed.rank() > 0:
        return reporter(False)
    report = reporter(progress)
    return Board(report, keeper.folder, keeper.at.epoch) if tensorboard else report


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


def _run(config: Config, data: Dataset, keeper: Keeper, report: Reporter) -> Path:
    """The training itself, from where `keeper.at` stands to the last epoch."""
    settings, device = config.training, data.train.labels.device
    folder, model, optimizer, at, average = keeper.folder, keeper.model, keeper.optimizer, keeper.at, keeper.average
    size, steps = settings.batch_size, len(data.train) // settings.batch_size
    layout = networks.memory_format(config, device, model)
    report.say(
        f"{folder}: {','.join(config.net.blocks)} on {data.name}, {device}, float32, {steps} steps an epoch"
        + (f", {distributed.size()} processes" if distributed.size() > 1 else "")
    )
    if data.note:
        report.say(f"{data.name}: {data.note}")
    chance = combinations.by_chance(config, len(data.validation)) if not at.epoch else []
    layout_changed = networks.unsafe_layout(config, device, model)
    for warning in (*combinations.without_effect(config), *chance, *layout_changed):
        report.say(str(warning))
    if config.data.validation and not len(data.validation):
        report.say(f"data.validation {config.data.validation:g} rounds to no image of any class: nothing is held out")
    began = saved = time.monotonic()
    network, own = parallel.divide(model, device), distributed.part(size)

    with stop_on_signal() as check, parallel.synchronised():
        try:
            while at.epoch < settings.epochs:
                order = torch.randperm(len(data.train), generator=stream(settings.seed, "order", at.epoch)).to(device)
                streams = parallel.part_streams(at.streams, size)
                move = training_step(config, model, optimizer, streams, at.carried, network)
                total = torch.tensor([at.loss, at.correct], dtype=torch.float64, device=device)
                total = total if distributed.rank() == 0 else torch.zeros_like(total)
                started = time.monotonic() - at.seconds

                while at.step < steps:
                    batch = data.train.take(order[at.step * size : (at.step + 1) * size])
                    x = unit(_augmented(batch.images, config, at)[own]).contiguous(memory_format=layout)
                    for group in optimizer.param_groups:
                        group["lr"] = learning_rate(config, at.epoch, at.step, steps)

                    with keeper.naming_divergence(), naming_failures(config):
                        outcome = move(x, batch.labels[own])
                    average.after_step(at.epoch)
                    total += outcome.sums
                    at.seen += outcome.seen // (own.stop - own.start) * size
                    at.step += 1
                    if look := (device.type == "cpu" or at.step % LOOK_EVERY == 0 or at.step == steps):
                        now = time.monotonic()
                        at.loss, at.correct, at.seconds = *_sums(total), now - started
                        if not math.isfinite(at.loss):
                            keeper.diverged()
                        if distributed.anywhere(now - saved > 60 * settings.save_minutes):
                            keeper.state()
                            saved = now
                    report.step(at.epoch, at.step, steps)
                    if look or distributed.size() == 1:
                        check()

                average.after_epoch(at.epoch)
                with average.evaluated(), keeper.naming_divergence(), naming_failures(config):
                    measured = measure(model, data.validation, config, at.epoch, layout, check)
                at.seconds = time.monotonic() - started
                metrics = _metrics(at, measured, learning_rate(config, at.epoch, steps - 1, steps))
                keeper.epoch(metrics)
                at.next_epoch(epoch_streams(settings.seed, at.epoch + 1, device))
                keeper.state()
                saved = time.monotonic()
                report.epoch(metrics, settings.epochs, metrics["seconds"] * (settings.epochs - at.epoch))
        except Stop as stop:
            at.loss, at.correct = _sums(total)
            keeper.state()
            where = f"in epoch {at.epoch + 1} after step {at.step} of {steps}"
            help = invocation.line("train", resume=folder)
            fail("RK718", f"{stop} stopped training {where}; all is saved", help=help)
    report.say(f"{folder}: done, {duration(time.monotonic() - began)}")
    return folder


def _sums(total: Tensor) -> tuple[float, int]:
    """Loss and right answers of this epoch so far, over all processes."""
    loss, correct = distributed.total(total).tolist()
    return loss, int(correct)


def _augmented(images: Tensor, config: Config, at: Position) -> Tensor:
    padding, flip = config.data.padding, config.data.flip
    if not padding and not flip:
        return images
    return augment(images, at.streams["augment"], padding=padding, flip=flip)


def _metrics(at: Position, measured: Mapping[str, float], rate: float) -> dict[str, Any]:
    return {
        "epoch": at.epoch + 1,
        "lr": rate,
        "train_loss": at.loss / at.seen,
        "train_accuracy": at.correct / at.seen,
        **measured,
        "seconds": round(at.seconds, 3),
    }
