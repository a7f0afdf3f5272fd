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
