"""Where the text of Kim et al. (2020) and their published code differ, or one of them is silent: the switches.

Each is a setting like any other. What a run chose stands in its run.json under "variants", beside what the text says
and what the code does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rkblocks.runs.config import Config
from rkblocks.settings.reader import plain

GREY = ("digits", "mnist", "fashion")


@dataclass(frozen=True)
class Switch:
    """A setting ("section.key"), what it decides, its value in the text and in the code, and where it matters.

    None: the text says nothing of it.
    """

    key: str
    about: str
    text: Any
    code: Any
    matters: Callable[[Config], bool]

    def value(self, config: Config) -> Any:
        """The value in use."""
        section, _, key = self.key.partition(".")
        return plain(getattr(getattr(config, section), key))


def _attacked(config: Config) -> bool:
    return config.training.method in ("adversarial", "single-step")


SWITCHES = (
    Switch(
        "net.statistics",
        "running statistics of batch norm in a shared F: a set for each stage, or one, which fits none of them",
        None,
        "shared",
        lambda config: config.net.norm == "batch",
    ),
    Switch(
        "net.init",
        "initial weights; the code has torch's own on MNIST, and about 13 times below He's on CIFAR-10 at N = 6",
        None,
        "paper",
        lambda config: True,
    ),
    Switch(
        "net.norm",
        "normalisation of the MNIST network",
        None,
        "group",
        lambda config: config.net.kind == "mnist",
    ),
    Switch(
        "net.inconsistent",
        "mid-RK2; the text's is midpoint, the code's midrk2_published, whose weights sum to 3/2",
        False,
        True,
        lambda config: bool({"midpoint", "midrk2_published"} & set(config.net.blocks)),
    ),
    Switch(
        "attack.mode",
        "mode of the network under attack in training; in train mode running statistics move with every attack step",
        None,
        "train",
        _attacked,
    ),
    Switch(
        "attack.rounded",
        "8-bit images after the start and after every step of the attack",
        False,
        True,
        _attacked,
    ),
    Switch(
        "schedule.milestones",
        "epochs at which the rate falls in adversarial training",
        [60, 100, 140],
        [80, 140, 180],
        lambda config: _attacked(config) and config.schedule.kind == "steps" and config.data.name != "tiny-imagenet",
    ),
    Switch(
        "optimizer.lr",
        "Adam's rate on MNIST",
        1e-4,
        1e-3,
        lambda config: config.training.method == "noise" and config.optimizer.name == "adam",
    ),
    Switch(
        "optimizer.decayed",
        "whether decay acts on the coefficients of schemes, which pulls them to other schemes",
        None,
        "published",
        lambda config: config.optimizer.weight_decay > 0,
    ),
    Switch(
        "noise.copies",
        "noisy copies of every image in a step",
        None,
        5,
        lambda config: config.training.method == "noise",
    ),
    Switch(
        "data.normalization",
        "the first layer; the code's CIFAR-10 mean has 0.2265 where 0.4465 is meant; Tiny ImageNet has 1/2 and 1/2",
        None,
        "published",
        lambda config: config.data.name not in GREY,
    ),
    Switch(
        "data.validation",
        "share held out to choose weights; the code holds out none and chooses by the test images (not offered here)",
        None,
        0.0,
        lambda config: True,
    ),
)


def in_force(config: Config) -> dict[str, dict[str, Any]]:
    """setting -> {"value", "text", "code", "follows", "about"} of every switch that matters to the configuration.

    `follows` is "text", "code", "both" or "neither"; a text that is silent is followed by nothing.
    """
    found = {}
    for switch in SWITCHES:
        if switch.matters(config):
            value = switch.value(config)
            same = {"text": switch.text is not None and value == switch.text, "code": value == switch.code}
            follows = "both" if all(same.values()) else next((name for name in same if same[name]), "neither")
            about = {"value": value, "text": switch.text, "code": switch.code, "follows": follows}
            found[switch.key] = about | {"about": switch.about}
    return found


def comment(config: Config) -> str:
    """The same as comment lines that may end a TOML file."""
    lines = ["# Where the text of Kim et al. (2020) and their code differ, this configuration has"]
    for key, found in in_force(config).items():
        text = "the text is silent" if found["text"] is None else f"text {_toml(found['text'])}"
        lines.append(f"#   {key} = {_toml(found['value'])} ({text}, code {_toml(found['code'])}): {found['about']}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
