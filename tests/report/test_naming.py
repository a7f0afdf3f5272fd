import pytest
from edgeproof.report.naming import MOST_SHOWN, evenly_spaced


@pytest.mark.parametrize("images", [0, 1, MOST_SHOWN - 1, MOST_SHOWN])
def test_few_images_are_all_shown(images: int) -> None:
    assert evenly_spaced(images) == list(range(images))


@pytest.mark.parametrize("images", [MOST_SHOWN + 1, 500, 10_000])
def test_of_many_images_some_of_every_class_are_shown(images: int) -> None:
    """Those of a folder stand class by class."""
    shown = evenly_spaced(images)
    assert (len(set(shown)), shown[0], shown[-1]) == (MOST_SHOWN, 0, images - 1)
    assert {position * 10 // images for position in shown} == set(range(10))
