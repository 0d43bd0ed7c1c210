"""Tiny ImageNet's own layout, in a folder of three classes that is made here."""

import pytest
import torch
from PIL import Image

from rkblocks import data
from rkblocks.diagnostics import RkblocksError
from rkblocks.training import load, train

torch.set_num_threads(1)

CLASSES = ("n03", "n01", "n02")  # wnids.txt is not sorted


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def pixel(level: int) -> Image.Image:
    return Image.new("RGB", (16, 16), (level, 100, 50))


@pytest.fixture
def root(tmp_path):
    """Four training and two test images a class; red is 10 times the class (1 to 3) plus the image's number."""
    base = tmp_path / "tiny-imagenet-200"
    (base / "val" / "images").mkdir(parents=True)
    (base / "test" / "images").mkdir(parents=True)
    pixel(0).save(base / "test" / "images" / "test_0.png")
    (base / "wnids.txt").write_text("\n".join(CLASSES) + "\n")
    lines = []
    for name in CLASSES:
        (base / "train" / name / "images").mkdir(parents=True)
        (base / "train" / name / f"{name}_boxes.txt").write_text(f"{name}_0.png\t0\t0\t9\t9\n")
        for i in range(4):
            pixel(10 * int(name[1:]) + i).save(base / "train" / name / "images" / f"{name}_{i}.png")
        for i in (8, 9):
            file = f"val_{i}{name}.png"
            pixel(10 * int(name[1:]) + i).save(base / "val" / "images" / file)
            lines.append(f"{file}\t{name}\t0\t32\t44\t62\n")
    (base / "val" / "val_annotations.txt").write_text("".join(lines))
    return tmp_path


def test_read(root):
    found = data.load("tiny-imagenet", root, validation=0)
    assert found.classes == ("n01", "n02", "n03")
    assert found.shape == (3, 16, 16)
    assert found.train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert found.train.images[:, 0, 0, 0].tolist() == [10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33]
    assert found.test.labels.tolist() == [2, 2, 0, 0, 1, 1]
    assert found.test.images[:, 0, 5, 5].tolist() == [38, 39, 18, 19, 28, 29]
    assert found.mean[1] == pytest.approx(100 / 255)
    assert torch.equal(data.load("tiny-imagenet", root, validation=0).test.images, found.test.images)  # from the cache


def test_it_is_not_there(tmp_path):
    with pytest.raises(RkblocksError, match="RK602") as error:
        data.load("tiny-imagenet", tmp_path)
    assert str(tmp_path / "tiny-imagenet-200" / "wnids.txt") in str(error.value)
    assert "--data-root" in error.value.diagnostics[0].help


def test_all_that_is_missing_at_once(root):
    base = root / "tiny-imagenet-200"
    for file in (base / "train" / "n02" / "images").iterdir():
        file.unlink()
    (base / "val" / "images" / "val_8n01.png").unlink()
    with pytest.raises(RkblocksError) as error:
        data.load("tiny-imagenet", root)
    assert [problem.code for problem in error.value.diagnostics] == ["RK607", "RK607"]
    text = str(error.value)
    assert str(base / "train" / "n02" / "images") in text
    assert str(base / "val" / "images" / "val_8n01.png") in text


@pytest.mark.parametrize("line", ["val_8n01.png n01", "val_8n01.png\tn09\t0", "\tn01", "../val_8n01.png\tn01", ""])
def test_a_wrong_annotation_is_named_with_its_line(line, root):
    file = root / "tiny-imagenet-200" / "val" / "val_annotations.txt"
    file.write_text(file.read_text() + line + "\n" + "rest\n")
    with pytest.raises(RkblocksError) as error:
        data.load("tiny-imagenet", root)
    (problem,) = error.value.diagnostics
    assert (problem.code, problem.line) == ("RK607", 7)


def test_annotations_that_cannot_be_read(root):
    file = root / "tiny-imagenet-200" / "val" / "val_annotations.txt"
    for content in (b"", b"\xff\xfe"):
        file.write_bytes(content)
        with pytest.raises(RkblocksError, match="RK607"):
            data.load("tiny-imagenet", root)
    file.unlink()
    with pytest.raises(RkblocksError, match=r"RK607.*val_annotations.txt cannot be read"):
        data.load("tiny-imagenet", root)


def test_images_are_checked_as_in_any_folder(root):
    base = root / "tiny-imagenet-200"
    (base / "train" / "n02" / "images" / "n02_0.png").write_bytes(b"no image")
    Image.new("RGB", (8, 8)).save(base / "val" / "images" / "val_8n01.png")
    with pytest.raises(RkblocksError) as error:
        data.load("tiny-imagenet", root)
    assert sorted(problem.code for problem in error.value.diagnostics) == ["RK605", "RK606"]


def test_the_recipe_trains_on_it(root, tmp_path):
    """One step of the preset's network, cut to one block a group."""
    config = load(
        "tiny-imagenet-paper",
        {
            "data.root": str(root),
            "data.validation": 0,
            "data.normalization": "published",
            "net.blocks": "ark,euler,ssp2,ssp2",
            "net.depth": 1,
            "training.epochs": 1,
            "training.batch_size": 12,
            "training.device": "cpu",
            "attack.steps": 1,
        },
    )
    folder = train(config, tmp_path / "run", progress=False)
    assert (folder / "last.safetensors").is_file()
