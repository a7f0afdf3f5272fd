import numpy as np
import pytest
from edgeproof.runtime.bundle.image_reading import AS_TENSORFLOW, CHOICES, DEFAULT_READING, ImageReading
from edgeproof.runtime.errors import UnknownNameError


@pytest.mark.parametrize("name", CHOICES)
def test_an_unknown_choice_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown {name} 'best'; possible: {', '.join(CHOICES[name])}"):
        ImageReading(**{name: "best"})
    for chosen in CHOICES[name]:
        assert getattr(ImageReading(**{name: chosen}), name) == chosen


def test_it_names_what_is_not_the_default() -> None:
    assert str(DEFAULT_READING) == ""
    assert str(ImageReading(colour_order="bgr")) == "colour order bgr"
    assert str(AS_TENSORFLOW) == "alpha drop, orientation ignore, sixteen bits high-byte, arithmetic tensorflow"


def test_channels_are_turned_to_the_order_of_the_model_and_back() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    bgr = ImageReading(colour_order="bgr")
    assert bgr.reorder(pixels)[0, 0].tolist() == [2, 1, 0]
    assert np.array_equal(bgr.reorder(bgr.reorder(pixels)), pixels)
    assert DEFAULT_READING.reorder(pixels) is pixels
