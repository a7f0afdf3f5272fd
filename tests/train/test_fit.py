import io
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from edgeproof.runtime.errors import SpecMismatchError
from edgeproof.train.fit import FitOptions, fit, split
from edgeproof.train.presets import build

if TYPE_CHECKING:
    from edgeproof.train.data import Dataset


def test_a_split_is_complete_disjoint_and_seeded() -> None:
    held_out, used = split(1000, 1 / 12, seed=5)
    assert (len(held_out), len(used)) == (83, 917)
    assert sorted([*held_out, *used]) == list(range(1000))
    np.testing.assert_array_equal(held_out, split(1000, 1 / 12, seed=5)[0])
    assert not np.array_equal(held_out, split(1000, 1 / 12, seed=6)[0])


def test_a_split_leaves_something_on_both_sides() -> None:
    assert [len(part) for part in split(2, 0.01, seed=1)] == [1, 1]
    with pytest.raises(SpecMismatchError, match="at least two images, got 1"):
        split(1, 0.5, seed=1)


@pytest.mark.parametrize(
    "options", [{"epochs": 0}, {"batch_size": 0}, {"validation_share": 0.0}, {"validation_share": 1.0}, {"seed": -1}]
)
def test_impossible_options_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(SpecMismatchError):
        FitOptions(**options)


def test_the_same_seed_gives_the_same_weights(small_data: "Dataset") -> None:
    def weights(seed: int) -> np.ndarray:
        keras.utils.set_random_seed(seed)
        model = build("default", (28, 28, 1), 10)
        fit(model, small_data, FitOptions(epochs=2, seed=seed))
        return np.concatenate([weight.ravel() for weight in model.get_weights()])

    np.testing.assert_array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))


def test_the_test_images_are_not_touched(small_data: "Dataset") -> None:
    class Watched:
        """The data set, without its test images."""

        def __getattr__(self, name: str) -> object:
            assert name not in ("x_test", "y_test")
            return getattr(small_data, name)

    fit(build("default", (28, 28, 1), 10), Watched(), FitOptions(epochs=1))  # type: ignore[arg-type]


def test_progress_is_plain_lines_where_nobody_watches(small_data: "Dataset") -> None:
    stream = io.StringIO()
    fitted = fit(build("default", (28, 28, 1), 10), small_data, FitOptions(epochs=2), progress=stream)
    lines = stream.getvalue().splitlines()
    assert [line.split()[:2] for line in lines] == [["learning", "from"], ["epoch", "1/2"], ["epoch", "2/2"]]
    assert f"{fitted.history['val_accuracy'][1] * 100:.2f} %" in lines[2]
    assert "\r" not in stream.getvalue()
