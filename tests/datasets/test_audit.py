import numpy as np
from edgeproof.datasets.audit import audit
from edgeproof.datasets.split import Split


def part(values: list[int], labels: list[int], array: str = "x_train", names: list[str] | None = None) -> Split:
    """Images of one pixel."""
    images = np.array(values, np.uint8).reshape(-1, 1, 1, 1)
    names = names or [f"{array}[{position}]" for position in range(len(values))]
    return Split(images=images, labels=np.array(labels, np.uint8), names=names)


def told(train: Split, test: Split, classes: tuple[str, ...] = ("cat", "dog")) -> tuple[str, ...]:
    return audit(train, test, classes)


FINE = part([10, 11], [0, 1], "x_test")


def test_of_data_that_is_right_nothing_is_told() -> None:
    assert told(part([1, 2, 3], [0, 1, 1]), FINE) == ()


def test_classes_of_unequal_size_are_told_with_their_sizes() -> None:
    assert told(part([1, 2, 3, 4], [0, 1, 1, 1]), FINE) == (
        "the classes are of unequal size: dog has 3 training images, cat has 1",
    )
    assert told(part([1, 2, 3, 4, 5, 6, 7], [0, 0, 1, 1, 1, 1, 1]), FINE) == ()


def test_classes_without_a_test_image_are_told() -> None:
    assert told(part([1, 2], [0, 1]), part([3], [1], "x_test")) == ("the test part has no image of 1 class: cat",)
    many = tuple("abcdefgh")
    train = part([1, 2, 3, 4, 5, 6, 7, 8], list(range(8)))
    assert told(train, part([9], [0], "x_test"), many) == ("the test part has no image of 7 classes: b, c, d, e, f, …",)


def test_test_images_that_are_learned_from_are_counted_and_the_first_pair_is_named() -> None:
    train = part([1, 2, 2, 3], [0, 1, 1, 0])
    assert told(train, part([9, 2, 3], [0, 1, 0], "x_test")) == (
        "2 of 3 test images are among the training images as well, pixel by pixel, such as x_test[1], which is "
        "x_train[1]",
    )
    named = part([1, 2], [0, 1], names=["train/cat/a.png", "train/dog/b.png"])
    assert told(named, part([2, 8], [1, 0], names=["test/dog/c.png", "test/cat/d.png"])) == (
        "1 of 2 test images is among the training images as well, pixel by pixel, such as test/dog/c.png, which is "
        "train/dog/b.png",
    )


def test_identical_images_with_different_labels_are_told_in_either_part() -> None:
    assert told(part([1, 1, 2], [0, 1, 1]), FINE) == (
        "1 image has different labels in different places, such as x_train[0] (cat) and x_train[1] (dog)",
    )
    found = told(part([1, 2, 3], [0, 1, 1]), part([1, 2, 1], [1, 0, 1], "x_test"))
    assert (
        found[1] == "2 images have different labels in different places, such as x_train[0] (cat) and x_test[0] (dog)"
    )


def test_a_remark_is_one_line_whatever_the_names_are() -> None:
    train = part([1, 1, 2, 3], [0, 1, 1, 1], names=["a", "b", "c", "d"])
    remarks = told(train, part([2], [1], names=["e"]), ("c\nt", "d\x1bg"))
    assert len(remarks) == 4
    assert all(remark.isprintable() for remark in remarks)
