"""Data sets by name: torchvision's layout on disk, and messages that say how to get what is missing."""

import struct
import sys
from types import SimpleNamespace

import numpy
import pytest
import torch

from rkblocks import data
from rkblocks.data import vision
from rkblocks.diagnostics import RkblocksError

torch.set_num_threads(1)


@pytest.fixture
def mnist_root(tmp_path):
    """Twenty training and ten test images in MNIST's file format."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 20), ("t10k", 10)):
        labels = bytes(i % 10 for i in range(count))
        pixels = b"".join(bytes([i]) * 784 for i in range(count))
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, count, 28, 28) + pixels)
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + labels)
    return tmp_path


def test_mnist(mnist_root, monkeypatch):
    found = data.load("mnist", mnist_root, validation=0.5)
    assert found.shape == (1, 28, 28)
    assert (len(found.train), len(found.validation), len(found.test)) == (10, 10, 10)
    monkeypatch.setenv("RKBLOCKS_DATA", str(mnist_root))
    assert torch.equal(data.load("mnist").test.images, found.test.images)


def test_colour_images_become_channels_first():
    pixels = numpy.arange(2 * 32 * 32 * 3, dtype=numpy.uint32).astype(numpy.uint8).reshape(2, 32, 32, 3)
    split = vision._split(SimpleNamespace(data=pixels, targets=[3, 4]))
    assert split.images.shape == (2, 3, 32, 32)
    assert split.images[1, 2, 5, 7] == pixels[1, 5, 7, 2]
    assert split.images.is_contiguous()
    assert split.labels.tolist() == [3, 4]


@pytest.mark.parametrize("name", ["mnist", "fashion", "cifar10"])
def test_a_missing_data_set_says_how_to_get_it(name, tmp_path):
    with pytest.raises(RkblocksError, match="RK602") as error:
        data.load(name, tmp_path)
    assert str(tmp_path) in str(error.value)
    assert "download=True" in str(error.value)
    assert "--data-root" in str(error.value)
    assert not list(tmp_path.iterdir())  # nothing was downloaded


def test_a_damaged_data_set(mnist_root):
    labels = mnist_root / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:12])
    with pytest.raises(RkblocksError, match="RK602"):
        data.load("mnist", mnist_root)


def test_missing_torchvision_is_named(mnist_root, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    with pytest.raises(RkblocksError, match=r"RK90[12]") as error:
        data.load("mnist", mnist_root)
    assert "rkblocks[vision]" in str(error.value)


@pytest.mark.parametrize(("name", "help"), [("minst", "did you mean mnist?"), ("/no/such/folder", "path of a folder")])
def test_unknown_names(name, help):
    with pytest.raises(RkblocksError, match="RK601") as error:
        data.load(name)
    assert help in str(error.value)
