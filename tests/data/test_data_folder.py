"""Image folders: read as they are, cached, and refused with everything that is wrong with them."""

import os

import pytest
import torch
from PIL import Image

from rkblocks import data
from rkblocks.data import cache, images, jpeg
from rkblocks.diagnostics import RkblocksError

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    """Two classes, three training images and one test image each; pixel (0, 0) tells which image it is."""
    for part, count in (("train", 3), ("test", 1)):
        for label, name in enumerate(("cat", "dog")):
            (tmp_path / "set" / part / name).mkdir(parents=True)
            for i in range(count):
                image = Image.new("RGB", (6, 4), (10 * label + i, 100, 200 if part == "train" else 30))
                image.save(tmp_path / "set" / part / name / f"{i}.png")
    return tmp_path / "set"


def codes(error) -> list[str]:
    return sorted(found.code for found in error.value.diagnostics)


def test_read(folder):
    (folder / "train" / "cat" / ".hidden.png").write_text("no image")
    (folder / "train" / "cat" / "notes.txt").write_text("no image")
    found = data.load(str(folder), validation=0)
    assert found.classes == ("cat", "dog")
    assert found.shape == (3, 4, 6)
    assert found.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.train.images[:, 0, 0, 0].tolist() == [0, 1, 2, 10, 11, 12]
    assert found.test.images[:, 2, 3, 5].tolist() == [30, 30]
    assert found.mean[1] == pytest.approx(100 / 255)
    assert found.note == ""


def test_grey_images_have_one_channel(folder):
    for path in folder.glob("*/*/*.png"):
        Image.open(path).convert("L").save(path)
    assert data.load(str(folder)).shape == (1, 4, 6)


def test_jpeg_quality_is_noted(folder):
    for path in folder.glob("*/*/*.png"):
        Image.open(path).save(path.with_suffix(".jpg"), quality=75)
        path.unlink()
    assert data.load(str(folder)).note == "JPEG quality 75"
    assert data.load(str(folder)).note == "JPEG quality 75"  # from the cache
    assert len(list((folder.parent / "cache" / "rkblocks").iterdir())) == 1


def test_jpeg_notes():
    assert jpeg.note([None, None]) == ""
    assert jpeg.note([75, 90, 75, None]) == "JPEG: 2 of quality 75, 1 of quality 90; 1 other images"
    assert jpeg.quality({0: list(range(64))}) == 0
    assert jpeg.quality({0: list(jpeg.LUMINANCE)}) == 50


def test_the_cache_spares_decoding(folder, monkeypatch):
    first = data.load(str(folder))
    with monkeypatch.context() as patch:
        patch.setattr(images, "decode", lambda *_: pytest.fail("decoded again"))
        second = data.load(str(folder))
    assert torch.equal(first.train.images, second.train.images)
    Image.new("RGB", (6, 4), (77, 0, 0)).save(folder / "train" / "cat" / "0.png")
    assert 77 in data.load(str(folder), validation=0).train.images[:, 0, 0, 0]


def test_one_copy_of_a_folder_and_a_command_that_lists_and_clears(folder, capsys):
    from rkblocks.cli import main

    data.load(str(folder))
    Image.new("RGB", (6, 4), (77, 0, 0)).save(folder / "train" / "cat" / "0.png")
    data.load(str(folder))
    (copy,) = cache.copies()
    assert copy.root == str(folder.resolve())
    (cache.folder() / "left.part").write_text("by a process that was killed")
    assert main(["cache"]) == 0
    out = capsys.readouterr().out
    assert str(folder.resolve()) in out
    assert "(unknown: left.part)" in out
    assert main(["cache", "--clear"]) == 0
    assert list(cache.copies()) == []
    assert main(["cache"]) == 0
    assert "nothing is kept" in capsys.readouterr().err


def test_a_damaged_or_unwritable_cache_costs_nothing_but_time(folder, monkeypatch):
    expected = data.load(str(folder)).train.images
    (stored,) = cache.folder().iterdir()
    stored.write_bytes(stored.read_bytes()[:50])
    assert torch.equal(data.load(str(folder)).train.images, expected)
    blocked = folder.parent / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert torch.equal(data.load(str(folder)).train.images, expected)


def test_all_problems_of_the_layout_at_once(folder):
    (folder / "train" / "bird").mkdir()
    (folder / "test" / "fish").mkdir()
    Image.new("RGB", (6, 4)).save(folder / "test" / "fish" / "0.png")
    with pytest.raises(RkblocksError) as error:
        data.load(str(folder))
    assert codes(error) == ["RK604"] * 3
    text = str(error.value)
    assert "bird has no images" in text
    assert f"bird in {folder / 'train'}, but not in" in text
    assert f"fish in {folder / 'test'}, but not in" in text


def test_missing_parts(tmp_path):
    with pytest.raises(RkblocksError) as error:
        data.load(str(tmp_path))
    assert codes(error) == ["RK604", "RK604"]
    (tmp_path / "train").mkdir()
    with pytest.raises(RkblocksError, match="no class folders"):
        data.load(str(tmp_path))


def test_broken_and_uneven_images_are_named_together(folder):
    (folder / "train" / "dog" / "1.png").write_bytes(b"not an image")
    Image.new("RGB", (7, 4)).save(folder / "test" / "cat" / "0.png")
    Image.new("I;16", (6, 4)).save(folder / "test" / "dog" / "0.png")
    with pytest.raises(RkblocksError) as error:
        data.load(str(folder))
    assert codes(error) == ["RK605", "RK606"]
    text = str(error.value)
    assert "2 images cannot be read" in text
    assert f"{folder / 'train' / 'dog' / '1.png'} (not an image)" in text
    assert "more than 8 bits" in text
    assert f"most are 6x4, but not {folder / 'test' / 'cat' / '0.png'} (7x4)" in text


def test_a_file_cut_off_after_its_header(folder):
    victim = folder / "train" / "dog" / "1.png"
    Image.effect_noise((6, 4), 90).convert("RGB").save(victim)
    victim.write_bytes(victim.read_bytes()[:60])
    with pytest.raises(RkblocksError, match="RK605") as error:
        data.load(str(folder))
    assert str(victim) in str(error.value)
    assert not cache.folder().exists()


def test_a_dangling_link(folder):
    os.symlink(folder / "nowhere.png", folder / "train" / "cat" / "9.png")
    with pytest.raises(RkblocksError, match="RK605"):
        data.load(str(folder))
