import numpy as np
from edgeproof.runtime.digits.components import find_components, find_runs
from numpy.typing import NDArray


def flooded(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Label pixel by pixel, as slowly and plainly as it can be done."""
    labels = np.full(mask.shape, -1)
    count = 0
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start] >= 0:
            continue
        todo = [start]
        while todo:
            y, x = todo.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and labels[y, x] < 0:
                labels[y, x] = count
                todo += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        count += 1
    return labels


def test_labels_are_those_of_a_flood_fill() -> None:
    draw = np.random.default_rng(1)
    for _ in range(60):
        mask = draw.random((draw.integers(1, 30), draw.integers(1, 30))) < draw.uniform(0.1, 0.8)
        np.testing.assert_array_equal(find_components(mask).labels, flooded(mask))


def test_a_spiral_is_one_component() -> None:
    mask = np.zeros((41, 41), np.bool_)
    for ring in range(0, 20, 2):
        mask[ring, ring : -ring or None] = mask[ring : -ring or None, ring] = True
        mask[40 - ring, ring : 41 - ring] = mask[ring : 41 - ring, 40 - ring] = True
    for ring in range(0, 20, 2):  # cut each ring, and lead it into the next
        mask[ring + 2 : ring + 4, ring] = False
        mask[ring + 4, ring : ring + 3] = True
    np.testing.assert_array_equal(find_components(mask).labels, flooded(mask))


def test_corners_connect() -> None:
    assert len(find_components(np.eye(5, dtype=np.bool_)).area) == 1
    assert len(find_components(np.eye(5, dtype=np.bool_)[::-1]).area) == 1


def test_area_and_box_are_each_components_own() -> None:
    mask = np.zeros((6, 8), np.bool_)
    mask[1:3, 1:4] = True
    mask[4, 5:8] = True
    found = find_components(mask)
    np.testing.assert_array_equal(found.area, (6, 3))
    boxes = np.stack([found.top, found.bottom, found.left, found.right], axis=1)
    np.testing.assert_array_equal(boxes, ((1, 3, 1, 4), (4, 5, 5, 8)))


def test_an_empty_mask_has_no_components() -> None:
    assert len(find_components(np.zeros((3, 4), np.bool_)).area) == 0


def test_a_run_at_the_end_of_a_row_does_not_go_on_in_the_next() -> None:
    runs = find_runs(np.array([[False, True], [True, True]]))
    np.testing.assert_array_equal(runs.row, (0, 1))
    np.testing.assert_array_equal(runs.start, (1, 0))
    np.testing.assert_array_equal(runs.length, (1, 2))
