"""Every setting of a training: its section, key, type, default, meaning and range, and nothing else.

A setting is declared here once; reading, writing, `--set`, `--print-config` and the messages about it follow from that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from rkblocks.settings.fractions import LARGEST
from rkblocks.settings.reader import at_least, between, choice, plain, positive, setting

ATTACKED = ("adversarial", "free", "single-step")
"""The methods whose networks are meant to be robust: validation measures that they are."""


LARGEST_SEED = 2**63 - 1
"""Beyond it torch's generators take no seed."""


@dataclass(frozen=True)
class Data:
    """Which images, and how many of them are held out of training for validation."""

    name: str = setting(
        "digits", "digits, mnist, fashion, cifar10, tiny-imagenet, or a folder with train/CLASS/* and test/CLASS/*"
    )
    root: str = setting("", "folder of downloaded data sets; empty: RKBLOCKS_DATA, then data/")
    validation: float = setting(0.1, "share of each class held out of training", between(0, 1, high_open=True))
    split_seed: int = setting(
        0, "seed of that choice; the same for all runs that are compared", between(0, LARGEST_SEED)
    )
    normalization: str = setting(
        "dataset",
        "dataset: mean and deviation of the data set; none; published: as the published code, whose CIFAR-10 mean has "
        "0.2265 where 0.4465 is meant (Tiny ImageNet: 1/2 and 1/2)",
        choice("dataset", "none", "published"),
    )
    padding: int = setting(0, "random crops from images padded by so many pixels; 0: none", between(0, 256))
    flip: bool = setting(False, "mirror images by chance")


@dataclass(frozen=True)
class Net:
    """The network; see rkblocks.nets."""

    kind: str = setting(
        "grouped",
        "grouped; mnist: the one-group network for 28x28 images; bounded: Lipschitz by construction, for `certify`; "
        "module: a network of your own",
        choice("grouped", "mnist", "bounded", "module"),
    )
    module: str = setting("", "of module: FILE.py:NAME, a network or a function that returns one")
    blocks: tuple[str, ...] = setting(("ssp3",), "scheme of all groups, or one a group")
    depth: int = setting(6, "blocks in a group (N of the paper)", between(1, 10_000))
    widths: tuple[int, ...] = setting((16, 32, 64), "channels of each group (mnist: one number)", between(1, 65_536))
    norm: str = setting("batch", "normalisation", choice("batch", "group"))
    statistics: str = setting(
        "stage",
        "running statistics of batch norm inside a shared F: one set a stage, or shared as published",
        choice("stage", "shared"),
    )
    memory: str = setting(
        "full",
        "what the backward pass computes again: full: nothing; norm: normalisation and activation; stage: all of F; "
        "the same bits in each",
        choice("full", "norm", "stage"),
    )
    init: str = setting("he", "initial weights; paper: as the published code", choice("he", "paper"))
    inconsistent: bool = setting(
        False, "whether a scheme may be of order 0, as a control: midrk2_published, what the published mid-RK2 computes"
    )
    step: str = setting("1", "of bounded: length of a block's step, or largest: the longest that is guaranteed in l2")
    residual: str = setting("convex-potential", "of bounded: F", choice("convex-potential", "relaxation"))
    layers: str = setting("convolution", "of bounded: of which kind", choice("convolution", "dense"))
    pool: str = setting("flatten", "of bounded, before the last layer", choice("flatten", "mean"))
    halved: int = setting(0, "of bounded: how often the map is halved before the first block", between(0, 8))
    dense: int = setting(0, "of bounded: features of one more group, of dense blocks; 0: none", between(0, 65_536))
    start: str = setting("random", "of bounded: weights of convex potentials at first", choice("random", "orthogonal"))

    @property
    def groups(self) -> int:
        """The number of groups, which may have a scheme each."""
        if self.kind in ("mnist", "module"):
            return 1
        return len(self.widths) + (self.kind == "bounded" and self.dense > 0)


@dataclass(frozen=True)
class Optimizer:
    """How weights move. Decay never acts on the coefficients of a scheme."""

    name: str = setting("sgd", "sgd (with momentum) or adam", choice("sgd", "adam"))
    lr: float = setting(0.1, "learning rate", positive())
    momentum: float = setting(0.9, "of sgd", between(0, 1, high_open=True))
    nesterov: bool = setting(True, "Nesterov's momentum, for sgd")
    betas: tuple[float, ...] = setting((0.9, 0.999), "of adam", between(0, 1, high_open=True))
    weight_decay: float = setting(0.0, "added to the gradient of weights, not of scheme coefficients", at_least(0))
    decayed: str = setting(
        "network",
        "what decays; network: all but scheme coefficients; weights: of these no biases and no normalisation; "
        "published: everything, coefficients as well",
        choice("network", "weights", "published"),
    )


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes; epochs count from 0."""

    kind: str = setting(
        "constant",
        "constant; steps: times gamma at each milestone; one-cycle: up for the first 30 %, then down, linearly",
        choice("constant", "steps", "one-cycle"),
    )
    milestones: tuple[int, ...] = setting((), "epochs from which on the rate is lower, ascending", at_least(0))
    gamma: float = setting(0.1, "factor at a milestone", positive())


@dataclass(frozen=True)
class Training:
    """How long, on what, and with which examples."""

    method: str = setting(
        "standard",
        "standard; noise: uniform noise added; adversarial: PGD examples alone; free, single-step: see their sections",
        choice("standard", "noise", *ATTACKED),
    )
    loss: str = setting(
        "cross-entropy",
        "cross-entropy; trades, mart: with method adversarial, on images and examples both; margin: cross-entropy with "
        "temperature and offset; hkr: hinge and Kantorovich-Rubinstein",
        choice("cross-entropy", "trades", "mart", "margin", "hkr"),
    )
    beta: float = setting(6.0, "weight of the divergence in trades and mart, of the hinge in hkr", at_least(0))
    offset: float = setting(0.5, "of margin: taken from the right logit; of hkr: the margin of the hinge", at_least(0))
    temperature: float = setting(0.25, "of margin: divides the logits, multiplies the loss", positive())
    epochs: int = setting(1, "passes over the training images", at_least(1))
    batch_size: int = setting(128, "images a step; an incomplete last batch is left out", at_least(1))
    eval_batch_size: int = setting(1000, "images at once in validation", at_least(1))
    seed: int = setting(0, "of everything random but the choice of the validation images", between(0, LARGEST_SEED))
    device: str = setting("auto", "auto, cpu, cuda or cuda:N")
    memory_format: str = setting(
        "auto", "auto: channels_last except below 8 channels on a CPU", choice("auto", "contiguous", "channels_last")
    )
    compile: bool = setting(
        False,
        "torch.compile of the network in training steps: minutes at the start, then fewer kernels; equal to rounding",
    )
    cuda_graph: bool = setting(
        False,
        "record a step as a CUDA graph and replay it: for small networks, whose kernels take longer to launch than to "
        "run; equal to rounding",
    )
    save_minutes: float = setting(10.0, "save for resuming at least so often, besides every epoch", positive())


@dataclass(frozen=True)
class Noise:
    """method = "noise": x + uniform noise in [-eps, eps], clamped to [0, 1]."""

    eps: Fraction = setting(Fraction(3, 10), "largest change of a pixel", between(0, 1))  # noqa: RUF009 (immutable)
    copies: int = setting(1, "noisy copies of every image of a batch", at_least(1))


@dataclass(frozen=True)
class Attack:
    """method = "adversarial": the PGD attack of training."""

    norm: str = setting("linf", "norm of the ball", choice("linf", "l2", "l1"))
    eps: Fraction = setting(Fraction(8, 255), "radius of the ball", between(0, LARGEST))  # noqa: RUF009 (immutable)
    steps: int = setting(7, "K of the paper", at_least(1))
    step: Fraction = setting(Fraction(2, 255), "length of a step", between(0, LARGEST))  # noqa: RUF009 (immutable)
    random_start: bool = setting(True, "begin at a random point of the ball")
    mode: str = setting(
        "eval",
        "mode of the network under attack; train: as published, running statistics move with every step",
        choice("eval", "train"),
    )
    fold: bool = setting(
        False,
        "attack batch norm inside blocks as constants of the convolutions, where mode is eval and nothing is compiled: "
        "faster, equal to rounding",
    )
    rounded: bool = setting(False, "round the start and every step to 8-bit images, as published")


@dataclass(frozen=True)
class Free:
    """method = "free": every batch several times, one backward pass for weights and perturbation (Shafahi et al. 2019).

    attack.norm and attack.eps are the ball; the attack's steps serve validation alone.
    """

    replays: int = setting(8, "steps on each batch; an epoch costs as many passes over the images", at_least(1))
    alpha: Fraction = setting(Fraction(1), "step of the perturbation, in units of attack.eps", between(0, 1000))  # noqa: RUF009


@dataclass(frozen=True)
class SingleStep:
    """method = "single-step": one step from a random point of the ball (Wong et al. 2020).

    attack.norm, attack.eps, attack.mode and attack.random_start count; the attack's steps serve validation alone.
    """

    alpha: Fraction = setting(Fraction(5, 4), "length of the step, in units of attack.eps", between(0, 1000))  # noqa: RUF009


@dataclass(frozen=True)
class Averaging:
    """An average of the weights over training, kept beside them; see rkblocks.training.averaging."""

    kind: str = setting(
        "none",
        "none; ema: exponential, after every step; uniform: mean of the epochs' ends (SWA)",
        choice("none", "ema", "uniform"),
    )
    decay: float = setting(0.999, "of ema: the share of the old average that stays", between(0, 1, high_open=True))
    start: int = setting(0, "epoch from which on, counted from 0", at_least(0))
    evaluated: bool = setting(
        False,
        "validate the average and save it as weights.safetensors and last.safetensors; false: as average.safetensors",
    )


@dataclass(frozen=True)
class Validation:
    """What is measured on the held-out images after each epoch, and whether that chooses weights.safetensors."""

    choice: str = setting(
        "best",
        "epoch of weights.safetensors; best: highest robust accuracy (clean, where training is not adversarial); last",
        choice("best", "last"),
    )
    steps: int = setting(10, "PGD steps of robust accuracy in adversarial training, same ball and step", at_least(1))
    images: int = setting(1000, "at most so many images are attacked", at_least(1))


@dataclass(frozen=True)
class Config:
    """Everything that decides a training. Equal configurations give equal weights on equal machines."""

    data: Data = field(default_factory=Data)
    net: Net = field(default_factory=Net)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    training: Training = field(default_factory=Training)
    noise: Noise = field(default_factory=Noise)
    attack: Attack = field(default_factory=Attack)
    free: Free = field(default_factory=Free)
    single_step: SingleStep = field(default_factory=SingleStep)
    averaging: Averaging = field(default_factory=Averaging)
    validation: Validation = field(default_factory=Validation)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Sections and keys as TOML and JSON values: lists for tuples, text for fractions."""
        found: dict[str, dict[str, Any]] = plain(self)
        return found
