from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import SpecMismatchError, UnknownNameError
from numpy.typing import NDArray

from studies.robustness import corruptions
from studies.robustness.corruptions import CORRUPTIONS, corrupt
from studies.robustness.moves import glass_blur, motion_blur, rotate, scale, shear, translate
from studies.robustness.strokes import canny_edges, dotted_line, zigzag
from studies.robustness.values import brightness, fog, impulse_noise, plasma, shot_noise, spatter

Images = NDArray[np.float32]

# Of these nothing is drawn.
FIXED = {"scale", "brightness", "stripe", "canny_edges"}
DIRECTIONS = 40  # of so many images all directions occur


@pytest.fixture(scope="module")
def digits(root: Path) -> NDArray[np.uint8]:
    with np.load(root / "data" / "mnist.npz") as mnist:
        return mnist["x_train"][:12, :, :, np.newaxis]


def draws(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng((5, index)) for index in range(count)]


def blank(count: int = DIRECTIONS, side: int = 28, value: float = 0.0) -> Images:
    return np.full((count, side, side, 1), value, np.float32)


def centre(images: Images) -> NDArray[np.float64]:
    """Centres of the ink as (x, y) from the middle, shape (N, 2)."""
    ink, at = images[..., 0].astype(float), np.arange(images.shape[1]) - (images.shape[1] - 1) / 2
    total = ink.sum(axis=(1, 2))
    return np.stack([(ink.sum(axis=1) @ at) / total, (ink.sum(axis=2) @ at) / total], axis=1)


# What holds for all of them.


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_picture_depends_on_seed_and_position_alone(
    name: str, digits: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digits.copy()
    made = corrupt(digits, name, seed=1)
    np.testing.assert_array_equal(digits, before)
    assert made.dtype == np.uint8
    assert made.shape == digits.shape
    assert all((made[i] != digits[i]).any() for i in range(len(digits)))
    np.testing.assert_array_equal(corrupt(digits[:7], name, seed=1), made[:7])
    assert (corrupt(digits, name, seed=2) == made).all() == (name in FIXED)
    monkeypatch.setattr(corruptions, "_CHUNK_VALUES", 5 * digits[0].size)
    np.testing.assert_array_equal(corrupt(digits, name, seed=1), made)


def test_each_corruption_draws_its_own_numbers() -> None:
    first = {corruptions._generator(name, 0, 3).integers(2**60) for name in CORRUPTIONS}
    assert len(first) == 15


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("shape", [(2, 16, 16, 1), (2, 20, 33, 3), (1, 56, 40, 3), (0, 28, 28, 1)])
def test_images_may_have_any_size_and_colours(name: str, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, size=shape, dtype=np.uint8)
    made = corrupt(images, name, seed=0)
    assert made.shape == shape
    assert made.dtype == np.uint8


@pytest.mark.parametrize("name", sorted(set(CORRUPTIONS) - {"shot_noise", "impulse_noise", "spatter"}))
def test_grey_stays_grey_in_three_channels(name: str, digits: NDArray[np.uint8]) -> None:
    grey, coloured = corrupt(digits, name, seed=0), corrupt(np.repeat(digits, 3, axis=3), name, seed=0)
    assert np.abs(coloured.astype(int) - grey).max() <= 1  # what rounding leaves of the weights of the colours


@pytest.mark.parametrize(
    ("images", "name", "options", "error", "words"),
    [
        (np.zeros((1, 28, 28, 1), np.uint8), "snow", {}, UnknownNameError, "unknown corruption 'snow'; possible: shot"),
        (np.zeros((1, 28, 28, 1), np.float32), "fog", {}, SpecMismatchError, "got float32"),
        (np.zeros((28, 28, 1), np.uint8), "fog", {}, SpecMismatchError, "shape"),
        (np.zeros((1, 15, 28, 1), np.uint8), "fog", {}, SpecMismatchError, "at least 16"),
        (np.zeros((1, 28, 28, 2), np.uint8), "fog", {}, SpecMismatchError, "C of 1 or 3"),
        (np.zeros((1, 28, 28, 1), np.uint8), "fog", {"seed": -1}, SpecMismatchError, "seed must be"),
    ],
)
def test_what_cannot_be_corrupted_is_refused(
    images: NDArray[np.uint8], name: str, options: dict, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        corrupt(images, name, **({"seed": 0} | options))


# Values.


def test_shot_noise_counts_three_photons_of_white() -> None:
    made = shot_noise(blank(20, value=0.25), draws(20))
    np.testing.assert_allclose(made * 3, np.rint(made * 3), atol=1e-5)
    assert made.mean() == pytest.approx(0.25, abs=0.01)
    assert made.var() == pytest.approx(0.25 / 3, abs=0.005)
    assert not shot_noise(blank(), draws(DIRECTIONS)).any()


def test_impulse_noise_sets_17_percent_to_black_and_white_alike() -> None:
    made = impulse_noise(blank(value=0.5), draws(DIRECTIONS))
    assert set(np.unique(made)) == {0, 0.5, 1}
    assert np.mean(made == 1) == pytest.approx(0.085, abs=0.01)
    assert np.mean(made == 0) == pytest.approx(0.085, abs=0.01)


def test_brightness_raises_the_background_by_half_and_keeps_the_hue() -> None:
    np.testing.assert_allclose(brightness(blank(2, value=0.2), draws(2)), 0.7, rtol=1e-6)
    np.testing.assert_allclose(brightness(blank(2, value=0.8), draws(2)), 1)
    colour = np.broadcast_to(np.array([0.2, 0.1, 0], np.float32), (1, 16, 16, 3))
    np.testing.assert_allclose(brightness(colour, draws(1))[0, 0, 0], [0.7, 0.35, 0], rtol=1e-6)


def test_stripe_inverts_seven_columns_at_each_side(digits: NDArray[np.uint8]) -> None:
    made = corrupt(digits, "stripe", seed=0)
    inverted = (made == 255 - digits).all(axis=(0, 1, 3))
    assert inverted.tolist() == [True] * 7 + [False] * 14 + [True] * 7
    np.testing.assert_array_equal(made[:, :, 7:21], digits[:, :, 7:21])


def test_fog_is_added_and_keeps_the_highest_value_as_the_limit(digits: NDArray[np.uint8]) -> None:
    images = digits.astype(np.float32) / 255
    images[:, 0, 0] = 1
    made = fog(images, draws(len(images)))
    layer = made - images / 4
    np.testing.assert_allclose(layer, fog(images[::-1], draws(len(images))) - images[::-1] / 4, atol=1e-6)
    assert layer.min() >= 0
    assert layer.max() <= 0.75 + 1e-6
    assert layer.max() - layer.min() > 0.3
    assert np.abs(np.diff(layer, axis=1)).mean() < 0.02  # it is smooth
    half = fog(images / 2, draws(len(images)))
    assert half.max() <= 0.5
    assert not fog(blank(2), draws(2)).any()


def test_plasma_is_periodic_and_smoother_the_faster_its_details_fade() -> None:
    rough, smooth = (plasma(draws(4), side=64, decay=decay) for decay in (1.2, 2.5))
    for maps in (rough, smooth):
        assert maps.min(axis=(1, 2)).tolist() == [0] * 4
        np.testing.assert_allclose(maps.max(axis=(1, 2)), 1)
    steps = [np.abs(np.diff(maps, axis=1)).mean() for maps in (rough, smooth)]
    assert steps[0] > 3 * steps[1]
    assert np.abs(smooth[:, 0] - smooth[:, -1]).mean() < 2 * steps[1]


def test_spatter_covers_some_of_the_image_with_dark_mud() -> None:
    black, white = (spatter(blank(value=value), draws(DIRECTIONS)) for value in (0, 1))
    assert black.max() == pytest.approx(63 / 255, abs=1e-4)
    np.testing.assert_allclose(white - black, 1 - black * 255 / 63, atol=1e-5)
    assert 0.1 < np.mean(black > 0) < 0.4
    colour = spatter(np.zeros((8, 28, 28, 3), np.float32), draws(8)).reshape(-1, 3)
    np.testing.assert_allclose(colour.max(axis=0), np.array([63, 42, 20]) / 255, atol=2e-3)


# Moves.


def test_glass_blur_swaps_pixels_and_blurs_along_the_columns(digits: NDArray[np.uint8]) -> None:
    images = digits.astype(np.float32) / 255
    swapped = glass_blur(images, draws(len(images)), sigma=0.01)
    assert (swapped != images).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(np.sort(swapped, axis=None), np.sort(images, axis=None))
    columns = blank(1)
    columns[:, :, 10] = 1
    np.testing.assert_allclose(glass_blur(columns, draws(1), iterations=0), columns, atol=1e-6)
    rows = columns.swapaxes(1, 2)
    # Twice 0.7 pixels are one of 0.99: of an ideal Gaussian 40 % are left in the middle row.
    assert glass_blur(rows, draws(1), iterations=0)[0, 10, 5, 0] == pytest.approx(0.4, abs=0.02)


def test_glass_blur_moves_about_half_of_the_pixels_by_one_and_spares_the_first_ones() -> None:
    places = np.broadcast_to(np.arange(784, dtype=np.float32).reshape(28, 28, 1), (1, 28, 28, 1))
    moved = glass_blur(places, draws(1), sigma=1e-3, iterations=1)[0, ..., 0]
    rows, columns = np.divmod(np.rint(moved).astype(int), 28)
    down, right = rows - np.arange(28)[:, np.newaxis], columns - np.arange(28)
    # What comes from above and left comes by one pixel; what was swapped away may be swapped again.
    assert down.min() == right.min() == -1
    assert 0.4 < np.mean(moved != places[0, ..., 0]) < 0.9
    np.testing.assert_array_equal(moved[0], places[0, 0, :, 0])


def test_motion_blur_smears_a_dot_to_the_left_at_up_to_45_degrees() -> None:
    dots = blank()
    dots[:, 14, 20] = 1
    made = motion_blur(dots, draws(DIRECTIONS))
    np.testing.assert_allclose(made.sum(axis=(1, 2, 3)), 1, atol=1e-5)
    shift = centre(made) - centre(dots)
    kernel = np.exp(-((np.arange(21) / 3) ** 2) / 2)
    far = kernel @ np.arange(21) / kernel.sum()
    np.testing.assert_allclose(np.hypot(*shift.T), far, rtol=0.1)  # whole pixels
    angles = np.degrees(np.arctan2(shift[:, 1], -shift[:, 0]))
    assert np.abs(angles).max() < 48
    assert angles.min() < -30
    assert angles.max() > 30
    np.testing.assert_allclose(made[:, 14, 20], 1 / kernel.sum(), rtol=1e-5)


def bar(upright: bool) -> Images:
    images = blank()
    images[:, 4:24, 13:15] = 1
    return images if upright else images.swapaxes(1, 2)


def slopes(images: Images) -> NDArray[np.float64]:
    """How far the ink of the middle rows goes to the right with each row."""
    rows, ink = np.arange(8, 20), images[:, 8:20, :, 0]
    middles = ink @ np.arange(28) / ink.sum(axis=2)
    return np.polyfit(rows, middles.T, 1)[0]


def both_ways(found: NDArray[np.float64], expected: float) -> bool:
    return bool(np.allclose(np.abs(found), expected, rtol=0.03) and 0 < (found > 0).sum() < len(found))


def test_rotate_turns_by_0_4_radians_either_way() -> None:
    upright, level = (rotate(bar(upright), draws(DIRECTIONS)) for upright in (True, False))
    assert both_ways(slopes(upright), np.tan(0.4))
    np.testing.assert_allclose(slopes(level.swapaxes(1, 2)), -slopes(upright), rtol=0.01)  # they stay at right angles
    assert both_ways(slopes(rotate(bar(upright=True), draws(DIRECTIONS), radians=0.2)), np.tan(0.2))


def test_shear_slants_what_is_upright_and_keeps_rows_level() -> None:
    upright, level = (shear(bar(upright), draws(DIRECTIONS)) for upright in (True, False))
    assert both_ways(slopes(upright), np.sin(0.4))
    np.testing.assert_allclose(slopes(level.swapaxes(1, 2)), 0, atol=1e-6)
    block = blank()
    block[:, 7:21, 7:21] = 1
    grown = shear(block, draws(DIRECTIONS)).sum(axis=(1, 2, 3)) / block.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(grown, 1 / np.cos(0.4), rtol=0.01)


def test_scale_shrinks_to_70_percent_about_the_centre() -> None:
    images = blank(2)
    images[:, 6:16, 10:24] = 1
    made = scale(images, draws(2))
    np.testing.assert_allclose(made.sum(), 0.49 * images.sum(), rtol=0.03)
    np.testing.assert_allclose(centre(made), 0.7 * centre(images), atol=0.1)


def test_translate_shifts_by_three_pixels_in_four_directions(digits: NDArray[np.uint8]) -> None:
    images = np.repeat(digits[:1], DIRECTIONS, axis=0)
    made = corrupt(images, "translate", seed=0)
    padded = np.pad(digits[0, ..., 0], 3)
    shifted = {(y, x): padded[3 + y : 31 + y, 3 + x : 31 + x] for y in (-3, 3) for x in (-3, 3)}
    found = [[way for way, picture in shifted.items() if (picture == one[..., 0]).all()] for one in made]
    assert all(len(ways) == 1 for ways in found)
    assert {ways[0] for ways in found} == set(shifted)


def test_lengths_grow_with_the_image() -> None:
    small, large = blank(side=28), blank(side=56)
    small[:, 13:15, 19:21] = 1
    large[:, 26:30, 38:42] = 1
    for move in (translate, motion_blur, scale, rotate):
        found = [centre(move(images, draws(DIRECTIONS))) for images in (small, large)]
        np.testing.assert_allclose(found[1], 2 * found[0], atol=0.5)


# Strokes.


def middles(lines: Images) -> NDArray[np.float64]:
    """The row at which each column's ink has its centre, without columns that have none or are cut by an edge."""
    ink = np.where((lines[:, :1] > 0) | (lines[:, -1:] > 0), np.nan, lines)[..., 0].astype(float)
    total = ink.sum(axis=1)
    return np.einsum("nhw,h->nw", ink, np.arange(lines.shape[1])) / np.where(total > 0, total, np.nan)


def test_dotted_line_is_straight_with_two_columns_free_and_two_drawn(digits: NDArray[np.uint8]) -> None:
    lines = dotted_line(blank(), draws(DIRECTIONS))
    drawn = (lines > 0).any(axis=(0, 1, 3))
    assert drawn.tolist() == [column % 4 >= 2 and column < 27 for column in range(28)]
    for row in middles(lines):
        known = np.flatnonzero(np.isfinite(row))
        if len(known) > 2:
            fit = np.polyval(np.polyfit(known, row[known], 1), known)
            assert np.abs(fit - row[known]).max() < 0.2
    heights = (lines > 0).sum(axis=1)
    assert heights.max() <= 4
    # 1 in the middle, 1 + ln(1 - 1/2.3) a pixel beside it.
    flat = next(line for line in lines if len({tuple(column) for column in line[:, 2:26:4, 0].T}) == 1)
    assert sorted(flat[:, 2, 0])[-3:] == pytest.approx([0.4296, 0.4296, 1], abs=1e-3)
    images = digits.astype(np.float32) / 255
    struck = dotted_line(images, draws(len(images)))
    np.testing.assert_allclose(struck, images + lines[: len(images)], atol=1e-6)


def test_zigzag_goes_two_pixels_up_and_down_six_times() -> None:
    lines = zigzag(blank(100), draws(100))
    assert not lines[:, :, [0, 26, 27]].any()
    whole = [row for row in middles(lines) if np.isfinite(row[3:24]).all()]
    assert len(whole) > 30
    rises = []
    for row in whole:
        columns = np.arange(3, 24)
        fit = np.polyfit(columns, row[3:24], 1)
        aside = row[3:24] - np.polyval(fit, columns)
        rises.append(23 * fit[0])
        assert 1.2 < np.abs(aside).max() < 3
        turns = np.flatnonzero(np.diff(np.sign(np.diff(row[2:25]))))
        assert 5 <= len(turns) <= 7
    # From 5 pixels up to 4 down, less the 0.8 that the wave itself, which starts downwards, has in a straight line.
    assert min(rises) == pytest.approx(-5.8, abs=0.3)
    assert max(rises) == pytest.approx(3.2, abs=0.3)


def square(contrast: float = 1.0) -> Images:
    images = blank(1)
    images[:, 9:19, 9:19] = contrast
    return images


def test_canny_edges_outline_what_is_there_in_black_and_white() -> None:
    edges = canny_edges(square(), draws(1))
    assert set(np.unique(edges)) == {0, 1}
    found = edges[0, ..., 0] > 0
    border = np.zeros((28, 28), bool)
    border[8:20, 8:20] = True
    border[10:18, 10:18] = False
    assert not found[~border].any()
    assert found[8:20, 14].sum() in (2, 4)  # an edge between two pixels may lie on both
    np.testing.assert_array_equal(canny_edges(1 - square(), draws(1)), edges)
    for value in (0.0, 1.0):
        assert not canny_edges(blank(1, value=value), draws(1)).any()


def test_canny_edges_follow_a_faint_edge_only_from_a_clear_one() -> None:
    # A step of 1 has a slope of 2.73 after the Gaussian: these are at 0.15 and 0.3 of the thresholds' scale.
    faint, clear = 0.055, 0.11
    assert not canny_edges(square(faint), draws(1)).any()
    assert canny_edges(square(clear), draws(1)).any()
    mixed = blank(1)
    mixed[:, 4:24, 14:] = faint
    mixed[:, 4:12, 14:] = clear
    edges = canny_edges(mixed, draws(1))[0, ..., 0]
    assert edges[6:22].any(axis=1).all()
    both = canny_edges(np.concatenate([square(clear), square(faint)]), draws(2))
    assert not both[1].any()  # not from another image's


def test_canny_edges_leaves_the_outermost_pixels_out() -> None:
    noise = np.random.default_rng(0).random((4, 28, 28, 1), dtype=np.float32)
    edges = canny_edges(noise, draws(4))
    assert edges[:, 1:-1, 1:-1].mean() > 0.2
    assert not edges[:, [0, -1]].any()
    assert not edges[:, :, [0, -1]].any()
