"""Match a data set to a model: the images' shape, the number of classes, and labels in the model's order."""

from collections.abc import Callable, Sequence

from ..datasets.dataset import Dataset
from ..datasets.layouts.remedy import in_numpy
from ..runtime.errors import SpecMismatchError
from ..runtime.text import visible
from .reference.source import Source

_NAMED = 5
# Also of arrays without an axis for the one channel.
_TO_RGB = "np.repeat(x.reshape(*x.shape[:3], 1), 3, axis=-1)"
_TO_GRAY = "x.mean(axis=-1, keepdims=True).astype('uint8')"


def match_data(
    source: Source, data: Dataset, labels: tuple[str, ...] | None, note: Callable[[str], None] = lambda _: None
) -> Dataset:
    """Return the data with its classes in the model's order, as its own names say it.

    Args:
        source: The model.
        data: The data set.
        labels: What the model's classes are called, in its order. The data's own names in another order say which
            class each of the model's outputs stands for; other names are new ones for the data's classes.
        note: Called with what was understood where there are both kinds.

    Raises:
        SpecMismatchError: They do not fit each other.
    """
    _check_shape(source, data)
    if source.classes != len(data.classes):
        raise SpecMismatchError(source.raw.not_these_classes(len(data.classes)))
    if labels is None:
        return data
    if len(labels) != source.classes:
        raise SpecMismatchError(f"{len(labels)} labels are given for {source.classes} classes; needed is one per class")
    if set(labels) == set(data.classes):
        return data.in_order(labels)
    _check_renaming(labels, data.classes, note)
    return data


def _check_shape(source: Source, data: Dataset) -> None:
    taken, given = source.image.shape, data.image_shape
    if taken == given:
        return
    remedy = ""
    if (*taken[:2], given[2]) == given:
        remedy = in_numpy([f"x = {_TO_RGB if given[2] == 1 else _TO_GRAY}"])
    raise SpecMismatchError(f"the model takes images of shape {taken}, the data has {given}{remedy}")


def _check_renaming(labels: tuple[str, ...], classes: tuple[str, ...], note: Callable[[str], None]) -> None:
    """Refuse labels of which it cannot be told whether they rename the data's classes or say the model's order."""
    if set(labels).isdisjoint(classes):
        return
    unknown = [label for label in labels if label not in classes]
    renamed = [(label, own) for label, own in zip(labels, classes, strict=True) if label != own]
    # Numbers are not names: those of 1 to 10 are as good for classes that an array numbers from 0.
    if len(renamed) > len(unknown) and classes != tuple(map(str, range(len(classes)))):
        absent = [own for own in classes if own not in labels]
        raise SpecMismatchError(
            f"the data has no class {_listed(unknown)}, it has {_listed(absent)}, "
            "and other labels stand in another place than there: if they are the model's classes in its order, call "
            "all of them as the data does; if they are new names, give them in the data's order"
        )
    pairs = ", ".join(f"{visible(label)!r} for {visible(own)!r}" for label, own in renamed[:_NAMED])
    more = ", ..." if len(renamed) > _NAMED else ""
    note(f"labels that differ from the data's are taken as new names, by their place: {pairs}{more}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(visible(name)) for name in names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
