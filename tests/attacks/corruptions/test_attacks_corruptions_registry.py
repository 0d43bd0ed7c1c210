"""Every corruption: in the box, worse with severity, the same whatever the batch; and each against another route."""

import io

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from rkblocks.attacks import ExampleStreams
from rkblocks.attacks.corruptions import CORRUPTIONS, corrupt
from rkblocks.attacks.corruptions.blur import defocus_blur, gaussian_blur
from rkblocks.attacks.corruptions.jpeg import LUMINANCE, scaled
from rkblocks.attacks.streams import SharedStream
from rkblocks.diagnostics import RkblocksError

torch.set_num_threads(1)
NONE = SharedStream()


def photographs(n=6, channels=3, size=32, seed=0):
    """Smooth random images with edges: low frequencies, a disk, some texture."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, channels, 5, 5, generator=generator)
    images = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)
    at = torch.linspace(-1, 1, size)
    images = images + 0.3 * ((at[:, None] ** 2 + at[None, :] ** 2) < 0.4)
    images = images + 0.05 * torch.randn(images.shape, generator=generator)
    return (images.clamp(0, 1) * 255).round() / 255


@pytest.mark.parametrize("name", sorted(CORRUPTIONS))
@pytest.mark.parametrize("channels", [1, 3])
def test_more_severity_changes_more_and_stays_in_the_box(name, channels):
    x = photographs(channels=channels)
    streams = ExampleStreams.of(0, range(6))
    images = [corrupt(name, x, severity, streams) for severity in range(1, 6)]
    changes = [float((image - x).abs().mean()) for image in images]
    assert all(image.shape == x.shape and image.dtype == x.dtype for image in images)
    assert all(bool(((image >= 0) & (image <= 1)).all()) for image in images)
    assert changes == sorted(changes)
    assert changes[0] < changes[4] < 0.3


@pytest.mark.parametrize("name", sorted(CORRUPTIONS))
def test_an_image_is_corrupted_alike_in_any_batch(name):
    x, streams = photographs(), ExampleStreams.of(0, range(6))
    whole = corrupt(name, x, 3, streams)
    parts = [corrupt(name, x[rows], 3, streams.select(rows)) for rows in torch.arange(6).split(4)]
    assert torch.allclose(torch.cat(parts), whole, atol=1e-6)


def test_gaussian_blur_is_scipys():
    x = photographs(2).double()
    found = gaussian_blur(x, 0.8, NONE)
    assert np.allclose(found.numpy(), ndimage.gaussian_filter(x.numpy(), (0, 0, 0.8, 0.8), mode="nearest"))


@pytest.mark.parametrize("lens", [(0.3, 0.4), (1.0, 0.2), (1.5, 0.1)])
def test_defocus_is_the_disk_of_the_published_script(lens):
    """Its kernel is 17x17, almost all of it zero; the same figure built there and applied by scipy."""
    x, at = photographs(2).double(), np.arange(-8, 9)
    disk = (at[:, None] ** 2 + at[None, :] ** 2 <= lens[0] ** 2).astype(float)
    line = np.exp(-(np.arange(-1, 2) ** 2) / (2 * lens[1] ** 2))
    kernel = ndimage.convolve(disk / disk.sum(), np.outer(line, line) / line.sum() ** 2, mode="mirror")
    expected = ndimage.correlate(x.numpy(), kernel[None, None], mode="mirror")
    assert np.allclose(defocus_blur(x, lens, NONE).numpy(), expected)


@pytest.mark.parametrize("level", [0.02, 0.5, 1.0])
def test_shot_noise_is_poisson(level):
    x = torch.full((1, 1, 200, 100), level)
    counts = CORRUPTIONS["shot_noise"].function(x, 50, SharedStream(torch.Generator().manual_seed(1))) * 50
    assert torch.allclose(counts, counts.round(), atol=1e-4)
    seen = np.bincount(counts.round().long().flatten().numpy(), minlength=100)[:100]
    expected = 20_000 * stats.poisson.pmf(np.arange(100), 50 * level)
    often = expected >= 5
    tail = (seen[~often].sum(), expected[~often].sum())
    statistic = ((seen[often] - expected[often]) ** 2 / expected[often]).sum()
    assert statistic < stats.chi2.ppf(0.999, int(often.sum()))
    assert abs(tail[0] - tail[1]) < 4 * max(tail[1], 1) ** 0.5 + 4


def test_brightness_raises_the_value_of_hsv():
    colorsys = pytest.importorskip("colorsys")
    x = photographs(1, size=6).double()
    found = corrupt("brightness", x, 4)
    for before, after in zip(x[0].flatten(1).T.tolist(), found[0].flatten(1).T.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        assert after == pytest.approx(colorsys.hsv_to_rgb(hue, saturation, min(value + 0.2, 1)), abs=1e-9)
    assert torch.equal(corrupt("brightness", torch.zeros(1, 3, 2, 2), 1), torch.full((1, 3, 2, 2), 0.05))


@pytest.mark.parametrize(("channels", "size"), [(1, 32), (1, 27), (3, 32), (3, 29)])
@pytest.mark.parametrize("severity", [1, 5])
def test_jpeg_is_pillows(channels, size, severity):
    """In units of 1/255. libjpeg's transform works in integers: a coefficient halfway between two multiples may go the
    other way, which shows in the whole block; the other blocks differ by single units.
    """
    image = pytest.importorskip("PIL.Image")
    x = photographs(4, channels, size)
    found = corrupt("jpeg_compression", x, severity)
    quality = CORRUPTIONS["jpeg_compression"].amounts[severity - 1]
    differences, effects = [], []
    for before, after in zip(x, found, strict=True):
        pixels = (before * 255).round().byte().permute(1, 2, 0).squeeze(2 if channels == 1 else ()).numpy()
        file = io.BytesIO()
        image.fromarray(pixels).save(file, "JPEG", quality=quality)
        decoded = torch.tensor(np.asarray(image.open(file)).copy()).float().reshape(size, size, channels)
        differences.append((after.permute(1, 2, 0) * 255 - decoded).abs())
        effects.append((before.permute(1, 2, 0) * 255 - decoded).abs())
    difference, effect = torch.stack(differences), torch.stack(effects)
    assert float((difference <= 1).float().mean()) > 0.9
    assert float(difference.mean()) < 0.5
    assert float(effect.mean()) > 5


def test_tables_are_those_that_pillow_writes():
    image = pytest.importorskip("PIL.Image")
    for quality in (10, 50, 80):
        file = io.BytesIO()
        image.new("L", (8, 8)).save(file, "JPEG", quality=quality)
        written = sorted(image.open(file).quantization[0])
        assert written == sorted(entry for row in scaled(LUMINANCE, quality) for entry in row)


@pytest.mark.parametrize(
    ("name", "x", "severity", "code"),
    [
        ("fog", torch.zeros(1, 3, 8, 8), 1, "RK815"),
        ("contrast", torch.zeros(1, 3, 8, 8), 6, "RK816"),
        ("contrast", torch.zeros(1, 3, 8, 8), True, "RK816"),
        ("contrast", torch.zeros(3, 8), 1, "RK817"),
        ("contrast", torch.zeros(1, 3, 8, 8, dtype=torch.uint8), 1, "RK817"),
        ("contrast", torch.full((1, 3, 8, 8), 2.0), 1, "RK808"),
    ],
)
def test_unfit_requests_have_their_code(name, x, severity, code):
    with pytest.raises(RkblocksError) as caught:
        corrupt(name, x, severity)
    assert [found.code for found in caught.value.diagnostics] == [code]
