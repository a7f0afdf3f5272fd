import numpy as np
import pytest
from edgeproof.runtime.errors import UnknownNameError
from edgeproof.train.presets import PRESETS, build


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("image_shape", [(28, 28, 1), (32, 40, 3)])
def test_presets_take_raw_pixels_and_give_probabilities(preset: str, image_shape: tuple[int, int, int]) -> None:
    model = build(preset, image_shape, 7)
    pixels = np.random.default_rng(0).integers(0, 256, (3, *image_shape)).astype(np.float32)
    probabilities = model.predict(pixels, verbose=0)
    assert probabilities.shape == (3, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_default_preset_is_small() -> None:
    assert build("default", (28, 28, 1), 10).count_params() <= 25_000


def test_an_unknown_preset_names_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match="unknown preset 'huge'; possible: default"):
        build("huge", (28, 28, 1), 10)
