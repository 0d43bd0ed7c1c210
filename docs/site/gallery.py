"""The gallery: every kind of figure, with the commands that made the picture beside them.

The commands run in a folder in build/ and are run again when the package changes; the figures of studies are those
that lie in docs/results, which tests/test_result_pages.py compares with what the command makes.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from kept import KEPT, SUBSET, key
from pages import LANGUAGES, ROOT, fenced


@dataclass(frozen=True)
class Picture:
    """A figure: its file, the function of `rkblocks.figures` that draws it, and what it says."""

    file: str
    function: str
    says: str


@dataclass(frozen=True)
class Scene:
    """Commands and the pictures that they make. slow: left out of a part of the site (`kept.SUBSET`)."""

    title: str
    commands: tuple[str, ...]
    pictures: tuple[Picture, ...]
    slow: bool = True
    at_root: bool = False
    """The commands are those of a kept study; they run in the repository, where the pictures lie."""
    script: tuple[str, str] | None = None
    """The name and the text of a script that the commands run."""


_ALONG = {
    "growth": "How a perturbation grows from block to block: adversarial beside random, in each norm.",
    "variation": "The total variation of the images in each block, which an SSP step of a monotone F cannot raise.",
    "variance": "The variance after each block beside the growth that Lemma 3 expects.",
    "lemma1": "The step up to which each block's F contracts, beside the step that is taken.",
    "lipschitz": "Local Lipschitz constants of the blocks.",
}
_LADDER = """preset = "digits"

[set]
training.epochs = 1

[grid]
blocks = ["midpoint", "ssp2"]
seeds = [0, 1]

[evaluation]
preset = "quick"
limit = 50
probe = 0

[[trend]]
name = "C at equal stages and order"
property = "ssp"
ladders = [["midpoint", "ssp2"]]
"""
_BESIDE = """import json
from pathlib import Path

from rkblocks import figures

runs = [json.loads(Path("runs", run, "analysis/analysis.json").read_text()) for run in ("ark", "euler")]
figures.save(figures.depth_comparison(runs), "depth.png")
"""
SCENES = (
    Scene(
        "A scheme",
        (
            "rkblocks show ssprk104 --figure stability -o stability.png",
            "rkblocks show ssp3 --figure monotonicity -o monotonicity.png",
            "rkblocks show rk33_family --figure region -o region.png",
            "rkblocks show rk22_family --figure region -o curve.png",
        ),
        (
            Picture(
                "stability.png",
                "of_scheme",
                "Where one step does not grow: the stability region, its intervals, the disc of the threshold.",
            ),
            Picture("monotonicity.png", "of_scheme", "Why C is not larger: the entry that turns negative."),
            Picture("region.png", "of_scheme", "The SSP coefficient of a family over two parameters."),
            Picture("curve.png", "of_scheme", "The SSP coefficient of a family over one parameter."),
        ),
        slow=False,
    ),
    *(
        Scene(
            f"A study: {name}",
            (f"rkblocks study docs/results/{name} --report-only",),
            (
                Picture(
                    f"docs/results/{name}/results/accuracy.svg",
                    "comparison",
                    "Accuracy of each scheme under each attack, over seeds.",
                ),
            ),
            slow=False,
            at_root=True,
        )
        for name in sorted(path.parent.name for path in (ROOT / "docs/results").glob("*/study.toml"))
    ),
    Scene(
        "A ladder of schemes, on its smallest settings",
        ("rkblocks study ladder.toml --out ladder --workers 1",),
        (Picture("ladder/results/ladders.png", "ladders", "Accuracy along schemes of which one property moves."),),
        script=("ladder.toml", _LADDER),
    ),
    Scene(
        "A trained network",
        (
            "rkblocks train --preset digits --blocks ark --set training.epochs=2 --out runs/ark",
            "rkblocks train --preset digits --blocks euler --set training.epochs=2 --out runs/euler",
            "rkblocks analyze runs/ark runs/euler --limit 64 --figure growth.png --report report.html",
            "python beside.py",
        ),
        (
            Picture(
                "growth.png", "growth", "Figure 4 of the paper: the growth of perturbations over the groups of blocks."
            ),
            *(Picture(f"runs/ark/analysis/{name}.png", "ALONG_DEPTH", says) for name, says in _ALONG.items()),
            Picture("depth.png", "depth_comparison", "The same measures of two networks beside one another."),
            Picture(
                "runs/ark/analysis/surface.png",
                "loss_surface",
                "Slices of the loss around an image: a smooth one can be searched by gradients.",
            ),
            Picture(
                "runs/ark/analysis/examples.png",
                "adversarial_images",
                "Images, perturbations and what they are taken for.",
            ),
            Picture("runs/ark/analysis/training.png", "training_curves", "Loss and accuracies by epoch."),
        ),
        script=("beside.py", _BESIDE),
    ),
    Scene(
        "A certificate",
        (
            "rkblocks train --preset digits-certified --blocks ssprk43 --set training.epochs=3 --out runs/certified",
            "rkblocks analyze runs/certified --only certificate --limit 64",
        ),
        (
            Picture(
                "runs/certified/analysis/certificate.png",
                "certificate",
                "Accuracy that is proved, beside accuracy under attack: the truth lies between.",
            ),
        ),
    ),
    Scene(
        "The demo, on its smallest settings",
        ("rkblocks demo --tiny --out demo",),
        (
            Picture("demo/figures/accuracy.png", "summary", "Clean and attacked accuracy of the paper's schemes."),
            Picture("demo/figures/eps.png", "accuracy_against_eps", "Accuracy against the size of the perturbation."),
        ),
    ),
    Scene(
        "A search for schemes",
        ("python examples/design.py --tiny --out design",),
        (Picture("design/tradeoff.png", "tradeoff", "The price of an SSP coefficient: the least growth with it."),),
    ),
)


def page() -> tuple[str, dict[str, Path]]:
    """Return the page, and the pictures of it by address."""
    only_quick = bool(os.environ.get(SUBSET))
    scenes = [scene for scene in SCENES if not (scene.slow and only_quick)]
    folder = KEPT / f"gallery-{key(repr(scenes).encode())}"
    for old in KEPT.glob("gallery-*"):
        if old != folder:
            shutil.rmtree(old)
    folder.mkdir(parents=True, exist_ok=True)
    for number, scene in enumerate(scenes):
        done = folder / f"done-{number}"
        if not scene.at_root and not done.exists():
            _run(scene, folder)
            done.touch()
    lines = [
        "# Gallery",
        "",
        "Every kind of figure, with the commands that made it. [How figures are drawn](figures.md).",
    ]
    files = {}
    for scene in scenes:
        lines += [
            "",
            f"## {scene.title}",
            "",
            fenced("\n".join(f"$ {command}" for command in scene.commands), "console"),
        ]
        if scene.script is not None:
            language = LANGUAGES[Path(scene.script[0]).suffix]
            lines += ["", fenced(scene.script[1].rstrip("\n"), f'{language} title="{scene.script[0]}"')]
        for picture in scene.pictures:
            address = picture.file.removeprefix("docs/") if scene.at_root else f"gallery/{picture.file}"
            if not scene.at_root:
                files[address] = folder / picture.file
            lines += ["", f"[![{picture.says}]({address})]({address})", "", picture.says]
    return "\n".join(lines) + "\n", files


def _run(scene: Scene, folder: Path) -> None:
    """Run commands in a folder as their reader would; one that fails ends the build with its output."""
    tools = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
    }
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(ROOT / "examples")
    if scene.script is not None:
        (folder / scene.script[0]).write_text(scene.script[1], encoding="utf-8")
    for command in scene.commands:
        done = subprocess.run(
            shlex.split(command), cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{command}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
