import re
from pathlib import Path

import keras
import numpy as np
import pytest
from edgeproof.train.presets import PRESETS

DOCS = Path(__file__).parents[2] / "docs"
MOST_PARAMETERS = {"tiny": 3_000, "default": 20_000, "accurate": 150_000}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("image_shape", [(28, 28, 1), (32, 40, 3), (8, 8, 1), (1, 1, 1), (2, 100, 1), (96, 130, 3)])
def test_presets_take_raw_pixels_and_give_probabilities(preset: str, image_shape: tuple[int, int, int]) -> None:
    model = PRESETS[preset](image_shape, 7)
    pixels = np.random.default_rng(0).integers(0, 256, (3, *image_shape)).astype(np.float32)
    probabilities = model.predict(pixels, verbose=0)
    assert probabilities.shape == (3, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_as_small_as_they_say(preset: str) -> None:
    """What is learned; the statistics of the normalizations are folded into it by the export."""
    learned = sum(int(np.prod(weight.shape)) for weight in PRESETS[preset]((28, 28, 1), 10).trainable_weights)
    assert learned <= MOST_PARAMETERS[preset]
    page = (DOCS / "training.md").read_text(encoding="utf-8")
    found = re.findall(rf"^\| `{preset}` \| [^|0-9]+ \| ([0-9,]+) \|$", page, re.MULTILINE)
    assert found == [f"{float(f'{learned:.3g}'):,.0f}"]


def test_the_page_of_families_has_the_default_preset_of_today() -> None:
    parameters = PRESETS["default"]((28, 28, 1), 10).count_params()
    assert f"| default preset | {parameters:,} |" in (DOCS / "families.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("preset", PRESETS)
def test_larger_images_are_halved_until_they_are_about_as_small(preset: str) -> None:
    def last(side: int) -> int:
        """Return the side of the features that the classifier sees."""
        layers = PRESETS[preset]((side, side, 1), 10).layers
        return next(layer.input.shape[1] for layer in layers if isinstance(layer, keras.layers.DepthwiseConv2D))

    assert [last(side) for side in (28, 56, 112, 224)] == [7, 7, 7, 7]
    assert [last(side) for side in (27, 55, 111)] == [7, 14, 14]
