"""Attacks: functions of a problem (model, images, labels, threat model, streams) that return adversarial images."""

from rkblocks.attacks.deepfool import distances as distances
from rkblocks.attacks.run import fgsm as fgsm
from rkblocks.attacks.run import frozen as frozen
from rkblocks.attacks.run import noise as noise
from rkblocks.attacks.run import pgd as pgd
from rkblocks.attacks.run import run as run
from rkblocks.attacks.streams import ExampleStreams as ExampleStreams
from rkblocks.attacks.trials import Counter as Counter
from rkblocks.settings.attacks import ATTACKS as ATTACKS
from rkblocks.settings.attacks import Attack as Attack
from rkblocks.settings.attacks import lookup as lookup
from rkblocks.settings.threat import Threat as Threat
from rkblocks.settings.threat import fraction_text as fraction_text

__all__ = [
    "ATTACKS",
    "Attack",
    "Counter",
    "ExampleStreams",
    "Threat",
    "distances",
    "fgsm",
    "fraction_text",
    "frozen",
    "lookup",
    "noise",
    "pgd",
    "run",
]
