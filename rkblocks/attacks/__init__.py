"""Attacks: functions of (model, images, labels, threat model, generator) that return adversarial images."""

from rkblocks.attacks.deepfool import distances as distances
from rkblocks.attacks.guard import frozen as frozen
from rkblocks.attacks.registry import ATTACKS as ATTACKS
from rkblocks.attacks.registry import Attack as Attack
from rkblocks.attacks.run import fgsm as fgsm
from rkblocks.attacks.run import lookup as lookup
from rkblocks.attacks.run import noise as noise
from rkblocks.attacks.run import pgd as pgd
from rkblocks.attacks.run import run as run
from rkblocks.attacks.search import Counter as Counter
from rkblocks.attacks.streams import ExampleStreams as ExampleStreams
from rkblocks.settings.threat import Threat as Threat
from rkblocks.settings.threat import fraction_text as fraction_text
