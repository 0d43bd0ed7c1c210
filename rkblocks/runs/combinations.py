"""Settings that are sound alone and not together: what is impossible, what is refused, what is worth a warning."""

from __future__ import annotations

from rkblocks.diagnostics import Diagnostic, diagnostic
from rkblocks.runs.sections import ATTACKED, Config

FEW = 400  # images; with fewer, accuracies near 1/2 differ by more than 0.05 by chance (two standard errors)


def impossible(config: Config) -> list[Diagnostic]:
    """What each setting alone allows and two together do not."""
    problems = []
    milestones = config.schedule.milestones
    if list(milestones) != sorted(set(milestones)):
        problems.append(("schedule.milestones", f"{list(milestones)}, expected ascending epochs"))
    if len(config.optimizer.betas) != 2:
        problems.append(("optimizer.betas", f"{list(config.optimizer.betas)}, expected two numbers"))
    if config.net.kind == "mnist" and len(config.net.widths) != 1:
        problems.append(
            ("net.widths", f"{list(config.net.widths)}, expected one width for the one group of kind mnist")
        )
    if (config.net.kind == "module") != bool(config.net.module):
        found = f"{config.net.module!r} with net.kind {config.net.kind}"
        problems.append(("net.module", f"{found}, expected FILE.py:NAME with net.kind module, and with no other"))
    if not config.net.widths:
        problems.append(("net.widths", "empty, expected a width for each group"))
    if not config.net.blocks or "" in config.net.blocks:
        problems.append(("net.blocks", f"{','.join(config.net.blocks)!r}, expected one scheme, or one for each group"))
    return [diagnostic("RK704", f"{path} is {text}", path=path) for path, text in problems]


def at_odds(config: Config) -> list[Diagnostic]:
    """RK706 for settings of which each is sound and one would silently be ignored, or make no sense, beside another."""
    training, attack, averaging = config.training, config.attack, config.averaging
    problems = []
    if training.loss in ("trades", "mart") and training.method != "adversarial":
        help = 'set training.method to "adversarial", or training.loss to "cross-entropy"'
        problems.append(("training.loss", f"{training.loss} with method {training.method}", help))
    if training.loss in ("margin", "hkr") and training.method == "free":
        help = 'set training.loss to "cross-entropy", or training.method to another'
        problems.append(("training.loss", f"{training.loss} with method free, which has the cross-entropy", help))
    if attack.rounded and training.loss == "trades":
        problems.append(("attack.rounded", "true with loss trades, whose attack has small steps", "leave one of both"))
    if attack.rounded and training.method in ("adversarial", "single-step"):
        leaves = f"true, and rounding would leave the {attack.norm} ball of {attack.eps}"
        if attack.norm != "linf":
            problems.append(("attack.rounded", leaves, "set attack.norm to linf, or leave out attack.rounded"))
        elif (255 * attack.eps).denominator != 1:
            help = "give attack.eps as a multiple of 1/255, or leave out attack.rounded"
            problems.append(("attack.rounded", leaves, help))
    if training.cuda_graph and config.net.memory == "stage":
        help = 'set net.memory to "norm" or "full", or leave out training.cuda_graph'
        found = "true with net.memory stage, which looks at the random state before it computes again"
        problems.append(("training.cuda_graph", found, help))
    if training.cuda_graph and training.method == "free":
        help = "leave out training.cuda_graph, or choose another method"
        problems.append(("training.cuda_graph", "true with method free, which moves weights between its replays", help))
    if averaging.kind != "none" and averaging.start >= training.epochs:
        help = f"choose an epoch below {training.epochs}; epochs count from 0"
        problems.append(("averaging.start", f"{averaging.start}, and there are {training.epochs} epochs", help))
    if averaging.evaluated and averaging.kind == "none":
        help = 'set averaging.kind to "ema" or "uniform", or leave out averaging.evaluated'
        problems.append(("averaging.evaluated", "true with averaging.kind none: there is no average", help))
    if config.net.inconsistent and config.net.kind in ("bounded", "module"):
        help = "leave out net.inconsistent"
        problems.append(("net.inconsistent", f"true with net.kind {config.net.kind}, which does not read it", help))
    schedule = config.schedule
    if schedule.milestones and schedule.kind != "steps":
        help = 'set schedule.kind to "steps", or schedule.milestones to nothing'
        problems.append(("schedule.milestones", f"{list(schedule.milestones)} with schedule {schedule.kind}", help))
    if schedule.kind == "steps" and not schedule.milestones:
        help = 'name epochs in schedule.milestones, or set schedule.kind to "constant"'
        problems.append(("schedule.kind", "steps without schedule.milestones: the rate would be constant", help))
    return [diagnostic("RK706", f"{path} is {text}", path=path, help=help) for path, text, help in problems]


def without_effect(config: Config) -> list[Diagnostic]:
    """RK746 for milestones that the epochs do not reach. A warning: whoever shortens a recipe is not held up by it."""
    schedule, epochs = config.schedule, config.training.epochs
    late = [milestone for milestone in schedule.milestones if milestone >= epochs]
    if schedule.kind != "steps" or not late:
        return []
    effect = f"{', '.join(map(str, late))} {'is' if len(late) == 1 else 'are'} never reached"
    if late == list(schedule.milestones):
        effect = f"the rate stays at {config.optimizer.lr:g}"
    message = f"schedule.milestones is {list(schedule.milestones)}, with training.epochs = {epochs}: {effect}"
    help = f"name epochs below {epochs}, say in proportion to training.epochs; or, " if epochs > 1 else ""
    help += 'for one rate, set schedule.kind to "constant" and schedule.milestones to nothing'
    return [diagnostic("RK746", message, path="schedule.milestones", help=help)]


def measured(config: Config, held_out: int) -> tuple[str, int]:
    """What chooses the best epoch, "clean" or "robust" accuracy, and on how many of the held-out images."""
    if config.training.method in ATTACKED:
        return "robust", min(config.validation.images, held_out)
    return "clean", held_out


def by_chance(config: Config, held_out: int) -> list[Diagnostic]:
    """RK749 where the best of several epochs is chosen by so few images that chance decides among them."""
    kind, n = measured(config, held_out)
    if not 0 < n < FEW or config.training.epochs < 2 or config.validation.choice == "last":
        return []
    message = (
        f"the best of {config.training.epochs} epochs is chosen by {kind} accuracy on {n} images, on which accuracies "
        f"differ by {n**-0.5:.2f} by chance (two standard errors at 1/2)"
    )
    help = "use the last weights (--weights last, or validation.choice), or hold out more (data.validation)"
    return [diagnostic("RK749", message, path="data.validation", help=help)]
