from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.split import Split
from edgeproof.export.matching import match_data
from edgeproof.runtime.bundle.model_metadata import RESIZE, ImageSpec
from edgeproof.runtime.errors import SpecMismatchError

if TYPE_CHECKING:
    from edgeproof.export.reference.source import Source


class Model:
    """What is asked of a model."""

    def __init__(self, channels: int = 1, classes: int = 3, side: int = 4) -> None:
        self.image = ImageSpec(height=side, width=side, channels=channels)
        self.classes = classes
        self.raw = self

    def not_these_classes(self, classes: int) -> str:
        return f"the model has {self.classes} classes, the data has {classes}"


def model(**options: int) -> "Source":
    return cast("Source", Model(**options))


def dataset(channels: int = 1) -> Dataset:
    images = np.zeros((4, 4, 4, channels), np.uint8)
    labels = np.array([0, 1, 2, 1])
    return Dataset(
        name="pets",
        train=Split(images=images, labels=labels, names="abcd"),
        test=Split(images=images[:2], labels=labels[2:], names="ef"),
        classes=("cat", "cow", "dog"),
        preprocessing=RESIZE,
        sha256={},
    )


def test_without_labels_the_data_stays_as_it_is() -> None:
    data = dataset()
    assert match_data(model(), data, None) is data


def test_the_datas_own_names_say_the_models_order() -> None:
    found = match_data(model(), dataset(), ("dog", "cat", "cow"))
    assert found.classes == ("dog", "cat", "cow")
    assert (found.y_train.tolist(), found.y_test.tolist()) == ([1, 2, 0, 2], [0, 2])
    assert found.y_train.dtype == np.int64


def test_names_that_the_data_does_not_have_rename_its_classes() -> None:
    notes: list[str] = []
    data = dataset()
    assert match_data(model(), data, ("Katze", "Kuh", "Hund"), notes.append) is data
    assert notes == []


def test_a_new_name_among_known_ones_is_told() -> None:
    notes: list[str] = []
    data = dataset()
    assert match_data(model(), data, ("cat", "cattle", "dog"), notes.append) is data
    (note,) = notes
    assert note.endswith("are taken as new names, by their place: 'cattle' for 'cow'")


def test_known_names_in_other_places_beside_new_ones_are_refused() -> None:
    problem = r"^the data has no class 'cattle', it has 'cow', and other labels stand in another place than there: "
    with pytest.raises(SpecMismatchError, match=problem):
        match_data(model(), dataset(), ("dog", "cattle", "cat"))


def test_numbers_are_not_names() -> None:
    """Classes that an array numbers from 0 may be called 1 to 3, or by their numbers in the model's order."""
    notes: list[str] = []
    data = replace(dataset(), classes=("0", "1", "2"))
    assert match_data(model(), data, ("1", "2", "3"), notes.append) is data
    (note,) = notes
    assert note.endswith("by their place: '1' for '0', '2' for '1', '3' for '2'")
    assert match_data(model(), data, ("1", "2", "0")).y_train.tolist() == [2, 0, 1, 0]


def test_the_number_of_labels_and_classes_must_fit() -> None:
    with pytest.raises(SpecMismatchError, match="2 labels are given for 3 classes; needed is one per class"):
        match_data(model(), dataset(), ("cat", "cow"))
    with pytest.raises(SpecMismatchError, match="the model has 2 classes, the data has 3"):
        match_data(model(classes=2), dataset(), None)


@pytest.mark.parametrize(("taken", "given"), [(3, 1), (1, 3)])
def test_other_channels_are_refused_with_what_mends_arrays(taken: int, given: int) -> None:
    data = dataset(given)
    with pytest.raises(SpecMismatchError, match="; in NumPy: x = ") as refused:
        match_data(model(channels=taken), data, None)
    expression = str(refused.value).partition(" x = ")[2]
    arrays = [data.x_train, data.x_train[..., 0]] if given == 1 else [data.x_train]
    for x in arrays:
        mended = eval(expression, {"np": np, "x": x})
        assert (mended.shape, mended.dtype) == ((4, 4, 4, taken), np.uint8)


def test_another_size_has_no_such_remedy() -> None:
    with pytest.raises(SpecMismatchError, match=r"shape \(5, 5, 1\), the data has \(4, 4, 1\)$"):
        match_data(model(side=5), dataset(), None)
