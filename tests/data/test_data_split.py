"""Splits: stratified, disjoint, decided by the seed; augmentation: windows of the padded image, nothing else."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from rkblocks import data
from rkblocks.data.split import Dataset, Split, fingerprint, hold_out, moments, unit
from rkblocks.diagnostics import RkblocksError

torch.set_num_threads(1)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(2, 30), min_size=1, max_size=6), st.floats(0, 0.5), st.integers(0, 2**31))
def test_hold_out_is_stratified(counts, share, seed):
    labels = torch.cat([torch.full((n,), i) for i, n in enumerate(counts)])
    labels = labels[torch.randperm(len(labels), generator=generator(0))]
    kept, held = hold_out(labels, share, generator(seed))
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(len(labels)))
    assert kept.tolist() == sorted(kept.tolist())
    assert torch.bincount(labels[held], minlength=len(counts)).tolist() == [round(share * n) for n in counts]
    assert torch.equal(held, hold_out(labels, share, generator(seed))[1])


def test_hold_out_leaves_every_class_something():
    with pytest.raises(RkblocksError, match="RK603"):
        hold_out(torch.tensor([0, 0, 1]), 0.9, generator(0))


def test_digits():
    first, second = data.load("digits", seed=0, validation=0.1), data.load("digits", seed=1, validation=0.1)
    assert first.shape == (1, 8, 8)
    assert len(first.train) + len(first.validation) + len(first.test) == 1797
    assert len(first.test) == pytest.approx(0.2 * 1797, abs=5)
    assert torch.equal(first.test.images, second.test.images)  # the test split does not depend on the seed
    assert not torch.equal(first.validation.images, second.validation.images)
    assert first.train.images.dtype == torch.uint8
    assert int(first.train.images.max()) == 255
    assert first.classes == tuple("0123456789")
    assert torch.bincount(first.validation.labels).min() >= 13
    assert len(data.load("digits", validation=0).validation) == 0


def test_fingerprint_sees_every_pixel():
    found = data.load("digits")
    images = found.test.images.clone()
    images[-1, 0, 7, 7] ^= 1
    parts = found.train, found.validation, Split(images, found.test.labels)
    other = Dataset(found.name, *parts, found.classes, found.mean, found.std)
    assert fingerprint(found) == fingerprint(data.load("digits"))
    assert fingerprint(found) != fingerprint(other)


def test_moments_are_those_of_the_pixels():
    images = torch.randint(0, 256, (20, 3, 5, 6), dtype=torch.uint8, generator=generator(0))
    mean, std = moments(images)
    pixels = (images.double() / 255).transpose(0, 1).flatten(1)
    torch.testing.assert_close(torch.tensor(mean).double(), pixels.mean(1))
    torch.testing.assert_close(torch.tensor(std).double(), pixels.std(1, correction=0))
    assert moments(torch.full((2, 1, 2, 2), 7, dtype=torch.uint8))[1] == (1.0,)


@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("flip", [False, True])
def test_augmented_images_are_windows(padding, flip):
    images = torch.randint(1, 256, (300, 2, 6, 5), dtype=torch.uint8, generator=generator(1))
    out = data.augment(images, generator(2), padding=padding, flip=flip)
    assert out.shape == images.shape
    assert out.dtype == torch.uint8
    padded = functional.pad(images, (padding,) * 4)
    found = torch.full((300,), -1)
    window = 0
    for dy in range(2 * padding + 1):
        for dx in range(2 * padding + 1):
            crop = padded[:, :, dy : dy + 6, dx : dx + 5]
            for candidate in (crop, crop.flip(-1)):
                found[(candidate == out).flatten(1).all(1)] = window
                window += 1
    assert int(found.min()) >= 0
    assert len(found.unique()) >= (0.9 if padding < 4 else 0.75) * (2 * padding + 1) ** 2 * (1 + flip)
    if not flip:
        assert not (found % 2).any()


def test_augmentation_follows_its_generator():
    images = torch.randint(0, 256, (50, 3, 8, 8), dtype=torch.uint8, generator=generator(1))
    assert torch.equal(data.augment(images, generator(3)), data.augment(images, generator(3)))
    assert not torch.equal(data.augment(images, generator(3)), data.augment(images, generator(4)))
    assert data.augment(images, padding=0, flip=False) is images


@pytest.mark.parametrize(("padding", "flip"), [(0, True), (3, False), (3, True)])
def test_both_ways_of_moving_pixels_agree(padding, flip):
    images = torch.randint(0, 256, (40, 3, 7, 6), dtype=torch.uint8, generator=generator(5))
    fast = data.augment(images, generator(6), padding=padding, flip=flip)
    assert fast.dtype == torch.uint8
    assert torch.equal(fast, data.augment(images.int(), generator(6), padding=padding, flip=flip).byte())
    wide = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(fast, data.augment(wide, generator(6), padding=padding, flip=flip))


def test_unit_is_a_division_in_float32():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(unit(levels), levels.float() / 255)
    floats = levels.float()
    assert unit(floats) is not floats
    assert torch.equal(floats, levels.float())
