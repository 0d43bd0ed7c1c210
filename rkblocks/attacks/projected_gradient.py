"""Projected gradient descent (Madry et al. 2018; paper section 4.3), for every norm and loss of the threat model; and
FGSM (Goodfellow et al. 2015), which is one step of it from the clean image; and what is made of it:

- momentum: steps follow an accumulated gradient (MI-FGSM, Dong et al. 2018, algorithm 1);
- transfer: examples made so, or by plain PGD, on one model, the source, and tried on another (Papernot et al. 2016).
  What a source's examples break and PGD on the model itself does not is a sign of masked gradients;
- targeted: each search climbs toward one wrong class (after Croce & Hein 2020, section 5: APGD-T's targets).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from rkblocks.attacks.losses import input_gradient, labels_of
from rkblocks.attacks.projection import per_example, project, project_rounded, steepest
from rkblocks.attacks.trials import Inner, Problem, Trial, goals, repeat, starting_point
from rkblocks.settings.threat import Threat

Turn = Callable[[Tensor, Tensor], Tensor]
"""Called as turn(gradient, rows): the direction that a step takes instead of the gradient of these rows."""


def pgd(problem: Problem) -> Tensor:
    """Return adversarial examples [n, ...].

    A further restart goes only to examples that are not broken yet; of an example never broken the point of highest
    loss is kept. With one restart and `final` there are exactly `steps` forward and input-only backward passes.
    """
    return repeat(problem, ascent(problem))


def fgsm(problem: Problem) -> Tensor:
    """Return adversarial examples [n, ...]; for l2 the step is along the gradient. The clean image is no iterate of its
    own, so both definitions agree here.
    """
    return pgd(replace(problem, definition="final"))


def momentum(problem: Problem) -> Tensor:
    """Return adversarial examples [n, ...]; the decay of the threat is the paper's mu. In linf with decay 0 it is PGD,
    bit for bit.
    """
    decay = float(problem.threat.decay or 0)
    return repeat(problem, ascent(problem, lambda anchor: accumulated(anchor, decay)))


def transfer(problem: Problem) -> Tensor:
    """Return last iterates of PGD on the source, with momentum where the threat has a decay; the first of `restarts`
    that breaks the model, else the one of highest loss on it.

    Both definitions agree: an iterate that just breaks the source would transfer less. The observer sees the logits of
    the source.
    """
    assert problem.source is not None
    decay, there = problem.threat.decay, replace(problem, model=problem.source, definition="final")
    return repeat(problem, ascent(there, (lambda anchor: accumulated(anchor, float(decay))) if decay else None))


def accumulated(anchor: Tensor, decay: float) -> Turn:
    """Return the directions g <- decay g + gradient / |gradient|_1 (eq. 6), which start at g = 0 for each example."""
    total = torch.zeros_like(anchor)

    def turn(gradient: Tensor, rows: Tensor) -> Tensor:
        length = gradient.flatten(1).abs().sum(1).clamp_min(torch.finfo(gradient.dtype).tiny)
        total[rows] = decay * total[rows] + gradient / per_example(length, gradient)
        return total[rows]

    return turn


def targeted(problem: Problem) -> Tensor:
    """Return adversarial examples [n, ...], one search for each restart and target class of the threat.

    An example counts as broken where it is misclassified, as whatever class: targets only guide the searches.
    """
    return repeat(problem, ascent(problem), goals(problem))


def ascent(problem: Problem, turned: Callable[[Tensor], Turn] | None = None) -> Inner:
    """Return one search of PGD from a starting point of its own; turned(anchor) makes the directions of its steps."""
    climb = _last_iterate if problem.definition == "final" else _first_broken

    def search(trial: Trial) -> Tensor:
        start = starting_point(trial.anchor, problem.threat, trial.streams)
        if problem.threat.rounded:
            start = project_rounded(trial.anchor, start, problem.threat.eps)
        return climb(problem, trial, start, turned(trial.anchor) if turned else None)

    return search


def advance(x: Tensor, anchor: Tensor, gradient: Tensor, threat: Threat) -> Tensor:
    """Return the next iterate: a step of steepest ascent from x, projected to ball and box around the anchor, or to the
    8-bit images in them.
    """
    moved = x + steepest(gradient, x, float(threat.length), threat.norm, threat.box)
    if threat.rounded:
        return project_rounded(anchor, moved, threat.eps)
    return project(anchor, moved, float(threat.eps), threat.norm, threat.box)


def _last_iterate(problem: Problem, trial: Trial, start: Tensor, turn: Turn | None) -> Tensor:
    model, threat, anchor, watch = problem.model, problem.threat, trial.anchor, trial.watch
    x, rows = start, torch.arange(len(anchor), device=anchor.device)
    for step in range(threat.steps):
        logits, gradient = input_gradient(model, x, trial.goal, threat.loss)
        if watch:
            watch(step, rows, logits)
        x = advance(x, anchor, turn(gradient, rows) if turn else gradient, threat)
    if watch:
        with torch.no_grad():
            watch(threat.steps, rows, model(x))
    return x


def _first_broken(problem: Problem, trial: Trial, start: Tensor, turn: Turn | None) -> Tensor:
    """Return for each example the first misclassified iterate, else the last one; broken examples leave the batch at
    once.
    """
    model, threat, anchor, watch = problem.model, problem.threat, trial.anchor, trial.watch
    result, x, labels = start.clone(), start, labels_of(trial.goal)
    rows = torch.arange(len(anchor), device=anchor.device)
    for step in range(threat.steps):
        logits, gradient = input_gradient(model, x, trial.goal[rows], threat.loss)
        if watch:
            watch(step, rows, logits)
        holds = logits.argmax(1) == labels[rows]
        if not holds.all():
            result[rows[~holds]] = x[~holds]
            rows, x, gradient = rows[holds], x[holds], gradient[holds]
            if not len(rows):
                return result
        x = advance(x, anchor[rows], turn(gradient, rows) if turn else gradient, threat)
    result[rows] = x
    if watch:
        with torch.no_grad():
            watch(threat.steps, rows, model(x))
    return result
