from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime.digits.digit import normalize_digit
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
SEVEN = [[(0.0, 0.0), (0.7, 0.0), (0.3, 1.0)], [(0.15, 0.5), (0.65, 0.5)]]
FIVE = [[(0.05, 0.1), (0.0, 0.45), (0.6, 0.6), (0.3, 1.0), (0.0, 0.9)], [(0.1, 0.0), (0.7, -0.03)]]


@pytest.fixture(scope="module")
def digits() -> Picture:
    with np.load(Path(__file__).parents[3] / "data" / "mnist.npz") as mnist:
        return mnist["x_train"][500:560]


def drawn(
    strokes: list[list[tuple[float, float]]],
    *,
    size: tuple[int, int] = (500, 400),
    at: tuple[int, int] = (100, 100),
    scale: float = 250,
    width: int = 20,
    paper: int = 200,
    ink: int = 50,
) -> Picture:
    picture = np.full(size, paper, np.uint8)
    for stroke in strokes:
        for start, end in pairwise(np.array(at) + scale * np.array(stroke)):
            left, top = np.maximum(np.minimum(start, end) - width, 0).astype(int)
            part = picture[top : int(max(start[1], end[1])) + width, left : int(max(start[0], end[0])) + width]
            y, x = np.indices(part.shape)
            from_start = np.stack([x + left, y + top], axis=-1) - start
            along = (from_start @ (end - start) / np.square(end - start).sum()).clip(0, 1)
            aside = from_start - along[..., np.newaxis] * (end - start)
            part[np.square(aside).sum(axis=-1) <= (width / 2) ** 2] = ink
    return picture


def noisy(picture: Picture, sigma: float = 8) -> Picture:
    noise = sigma * np.random.default_rng(1).standard_normal(picture.shape)
    return np.rint(picture + noise).clip(0, 255).astype(np.uint8)


def ruled(picture: Picture, tone: int = 110) -> Picture:
    lined = picture.copy()
    for row in range(30, len(picture), 60):
        lined[row : row + 3] = np.minimum(lined[row : row + 3], tone)
    return lined


def enlarged(digit: Picture, factor: int) -> Picture:
    side = len(digit)
    places = (np.arange(side * factor) + 0.5) / factor - 0.5
    taller = np.stack([np.interp(places, np.arange(side), column) for column in digit.T], axis=1)
    return np.rint([np.interp(places, np.arange(side), row) for row in taller]).astype(np.uint8)


def found(picture: NDArray[np.generic], side: int = 28) -> Picture:
    digit = normalize_digit(picture, side)
    assert digit is not None
    return digit


def barycentre(digit: Picture) -> tuple[float, float]:
    centres = np.arange(len(digit)) + 0.5
    mass = digit.sum(dtype=float)
    return digit.sum(axis=1, dtype=float) @ centres / mass, digit.sum(axis=0, dtype=float) @ centres / mass


def difference(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def test_mnists_own_images_pass_nearly_unchanged(digits: Picture) -> None:
    results = np.stack([found(digit) for digit in digits])
    assert difference(results, digits) < 4
    assert np.mean([np.array_equal(*pair) for pair in zip(results, digits, strict=True)]) > 0.4


def test_mnist_enlarged_shifted_inverted_and_padded_comes_back_within_a_pixel(digits: Picture) -> None:
    draw = np.random.default_rng(1)
    for digit in digits:
        large = enlarged(digit, int(draw.integers(2, 9)))
        top, bottom, left, right = draw.integers(0, 60, 4)
        result = found(255 - np.pad(large, ((top, bottom), (left, right))))
        assert np.abs(np.subtract(barycentre(result), barycentre(digit))).max() < 1
        assert difference(result, digit) < 25


def test_the_centre_of_mass_ends_in_the_pixel_right_and_below_of_the_middle(digits: Picture) -> None:
    for digit in digits:
        for coordinate in barycentre(found(np.kron(np.where(digit > 127, 255, 0), np.ones((4, 4))).astype(np.uint8))):
            assert 14 < coordinate <= 15


def test_the_ink_fills_a_box_of_20_pixels_with_its_proportions_kept() -> None:
    digit = found(drawn([[(0, 0), (0.5, 0), (0.5, 1), (0, 1), (0, 0)]], width=10))
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    assert np.ptp(rows) + 1 == 20
    assert np.ptp(columns) + 1 in (10, 11, 12)
    assert digit.max() == 255


@pytest.mark.parametrize("side", [1, 2, 8, 20, 32, 56, 100])
def test_the_box_grows_with_the_side(side: int) -> None:
    digit = found(drawn(SEVEN), side)
    assert digit.shape == (side, side)
    assert digit.dtype == np.uint8
    if side >= 20:
        assert abs(np.ptp(np.flatnonzero(digit.any(axis=1))) + 1 - side * 20 / 28) <= 1


def test_dark_ink_and_light_ink_give_the_same_digit() -> None:
    picture = drawn(SEVEN, paper=255, ink=0)
    assert difference(found(picture), found(255 - picture)) < 1


def test_floats_give_the_digit_of_bytes() -> None:
    picture = noisy(drawn(SEVEN))
    for dtype in (np.float32, np.float64):
        assert difference(found(picture.astype(dtype)), found(picture)) < 0.1


def test_the_answer_is_always_the_same_and_the_picture_is_left_alone() -> None:
    picture = noisy(ruled(drawn(SEVEN, at=(100, 100))))
    before = picture.copy()
    np.testing.assert_array_equal(found(picture), found(picture))
    np.testing.assert_array_equal(picture, before)


def test_noise_changes_little() -> None:
    assert difference(found(noisy(drawn(FIVE))), found(drawn(FIVE))) < 6


def test_uneven_light_changes_little() -> None:
    picture = drawn(FIVE)
    light = np.linspace(1, 0.6, picture.shape[1]) * np.linspace(1, 0.9, len(picture))[:, np.newaxis]
    assert difference(found((picture * light).astype(np.uint8)), found(picture)) < 6


def test_strokes_that_do_not_touch_stay_together() -> None:
    whole, without_bar = found(drawn(FIVE)), found(drawn(FIVE[:1]))
    assert whole[:8].sum() > 1.5 * without_bar[:8].sum()


def test_specks_and_things_far_away_do_not_count() -> None:
    picture = drawn(SEVEN, size=(600, 600), at=(200, 200), scale=200)
    dirty = picture.copy()
    for y, x in np.random.default_rng(1).integers(10, 590, (25, 2)):
        dirty[y : y + 3, x : x + 3] = 50
    dirty[570:585, 20:40] = 50
    assert difference(found(dirty), found(picture)) < 2


def test_ruled_lines_do_not_count() -> None:
    for tone in (110, 60):
        picture = drawn(SEVEN, at=(100, 100))
        assert difference(found(ruled(picture, tone)), found(picture)) < 6


def test_a_table_beside_the_sheet_does_not_count() -> None:
    picture = drawn(SEVEN, size=(500, 500), at=(200, 100))
    on_table = picture.copy()
    on_table[:, :60] = 30
    assert difference(found(noisy(on_table, 4)), found(picture)) < 6


def test_a_soft_shadow_does_not_count() -> None:
    picture = drawn(SEVEN, size=(500, 500), at=(200, 100))
    shadow = 1 - 0.5 / (1 + np.exp((np.arange(500) - 240) / 40))
    assert difference(found(noisy((picture * shadow).astype(np.uint8), 4)), found(picture)) < 8


def test_strokes_may_touch_the_border() -> None:
    inside, touching = drawn(SEVEN, at=(100, 100)), drawn(SEVEN, at=(100, 9))
    assert difference(found(touching), found(inside)) < 6


def test_a_thin_stroke_is_thickened() -> None:
    thin = found(drawn(SEVEN, size=(1000, 1000), at=(200, 100), scale=800, width=6))
    middle = thin[:, 4:24]
    assert np.count_nonzero(thin > 100) > 35
    assert middle.max(axis=1)[7:24].min() > 100


@pytest.mark.parametrize("shape", [(3000, 4000), (4000, 900)])
def test_large_photographs_are_read_as_small_ones(shape: tuple[int, int]) -> None:
    large = drawn(SEVEN, size=shape, at=(100, 1000), scale=800, width=64)
    assert difference(found(noisy(large)), found(drawn(SEVEN))) < 10


def test_the_largest_picture_fits_into_memory() -> None:
    picture = np.full((8900, 10_000), 200, np.uint8)
    picture[3000:6000, 4000:4300] = 40
    assert found(picture).max() == 255


@pytest.mark.parametrize("tone", [0, 1, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (5, 3), (28, 28), (400, 300)])
def test_one_colour_holds_no_digit(tone: int, shape: tuple[int, int]) -> None:
    assert normalize_digit(np.full(shape, tone, np.uint8)) is None


@pytest.mark.parametrize("sigma", [2, 8, 40])
@pytest.mark.parametrize("shape", [(84, 84), (300, 400), (1200, 1600)])
def test_noise_holds_no_digit(sigma: float, shape: tuple[int, int]) -> None:
    assert normalize_digit(noisy(np.full(shape, 150, np.uint8), sigma)) is None


@pytest.mark.parametrize("angle", [0, 0.5, 2, 4])
def test_uneven_light_alone_holds_no_digit(angle: float) -> None:
    rows, columns = np.mgrid[-1:1:300j, -1:1:400j]
    slope = 170 + 55 * (np.sin(angle) * rows + np.cos(angle) * columns)
    round_spot = 210 * (1 - 0.25 * (rows**2 + columns**2))
    for light in (slope, round_spot):
        assert normalize_digit(light.astype(np.uint8)) is None
        assert normalize_digit(noisy(light.astype(np.uint8))) is None


def test_empty_ruled_paper_holds_no_digit() -> None:
    paper = np.full((500, 400), 200, np.uint8)
    assert normalize_digit(ruled(paper)) is None
    assert normalize_digit(noisy(ruled(ruled(paper).T[:400, :400]))) is None


def test_a_table_beside_an_empty_sheet_is_no_digit() -> None:
    for breadth in (20, 60, 120):
        sheet = np.full((500, 500), 200, np.uint8)
        sheet[:, :breadth] = 30
        assert normalize_digit(noisy(sheet, 4)) is None


@pytest.mark.parametrize("seed", range(5))
def test_pictures_of_any_size_are_answered(seed: int) -> None:
    draw = np.random.default_rng(seed)
    for _ in range(60):
        picture = draw.integers(0, 256, draw.integers(1, 12, 2), np.uint8)
        digit = normalize_digit(picture)
        assert digit is None or (digit.shape == (28, 28) and digit.max() == 255)
    for shape in [(1, 3000), (3000, 1), (2, 900), (100, 3)]:
        normalize_digit(draw.integers(0, 256, shape, np.uint8))


@pytest.mark.parametrize(
    ("picture", "side", "message"),
    [
        (np.zeros((3, 4, 1), np.uint8), 28, r"shape \(H, W\).*got \(3, 4, 1\)"),
        (np.zeros((0, 4), np.uint8), 28, r"at least one pixel, got \(0, 4\)"),
        (np.zeros((3, 4), np.int32), 28, "uint8 or floats, got int32"),
        (np.full((3, 4), 256.0, np.float32), 28, "from 0 to 255, got 256.0"),
        (np.full((3, 4), np.nan, np.float32), 28, "from 0 to 255, got nan"),
        (np.zeros((3, 4), np.uint8), 0, "at least 1 pixel, got 0"),
    ],
)
def test_what_is_no_grey_picture_is_refused(picture: NDArray[np.generic], side: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        normalize_digit(picture, side)  # type: ignore[arg-type]


@pytest.mark.parametrize("top", range(60, 160, 7))
def test_a_stroke_along_a_ruled_line_does_not_hide_it(top: int) -> None:
    plain, lined = (normalize_digit(page) for page in (drawn(SEVEN, at=(100, top)), ruled(drawn(SEVEN, at=(100, top)))))
    assert lined is not None
    assert np.abs(lined.astype(int) - plain).mean() < 20
