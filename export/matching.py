"""Match a data set to a model: the images' shape, the number of classes, and labels in the model's order."""

from collections.abc import Callable

from ..datasets.dataset import Dataset
from ..runtime.errors import SpecMismatchError
from ..runtime.text import visible
from .reference.source import Source


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
        raise SpecMismatchError(f"the model has {source.classes} classes, the data has {len(data.classes)}")
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
        mended = "numpy.repeat(x, 3, axis=-1)" if given[2] == 1 else "x.mean(axis=-1, keepdims=True)"
        remedy = f"; of arrays x, {mended}.astype('uint8') has the model's channels"
    raise SpecMismatchError(f"the model takes images of shape {taken}, the data has {given}{remedy}")


def _check_renaming(labels: tuple[str, ...], classes: tuple[str, ...], note: Callable[[str], None]) -> None:
    """Refuse labels of which it cannot be told whether they rename the data's classes or say the model's order."""
    known = [label for label in labels if label in classes]
    if not known:
        return
    pairs = [(label, own) for label, own in zip(labels, classes, strict=True) if label not in classes]
    unknown = ", ".join(repr(visible(label)) for label, _ in pairs[:5]) + (", ..." if len(pairs) > 5 else "")
    if any(label in classes and label != own for label, own in zip(labels, classes, strict=True)):
        absent = [own for own in classes if own not in labels]
        listed = ", ".join(repr(visible(own)) for own in absent[:5]) + (", ..." if len(absent) > 5 else "")
        raise SpecMismatchError(
            f"of the labels, {unknown} are not classes of the data, which has {listed}, and others stand in another "
            "place than there: if these are the model's classes in its order, call all of them as the data does; if "
            "they are new names, give them in the data's order"
        )
    understood = ", ".join(f"{visible(label)!r} for {visible(own)!r}" for label, own in pairs[:5])
    note(f"labels that the data does not have are taken as new names, by their place: {understood}")
