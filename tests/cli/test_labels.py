from pathlib import Path

import pytest
from edgeproof.cli.labels import read_labels
from edgeproof.runtime.errors import InvalidFileError


def test_labels_are_given_in_a_file_or_with_commas(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("\ufeffcat\n tabby, striped\ndog\n")
    assert read_labels(str(tmp_path / "labels.txt")) == ("cat", "tabby, striped", "dog")
    assert read_labels("cat, dog,T-shirt/top") == ("cat", "dog", "T-shirt/top")


def test_a_file_whose_name_has_a_comma_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a,b").write_text("cat\ndog\n")
    assert read_labels(str(tmp_path / "a,b")) == ("cat", "dog")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("cat,,dog", "the list of labels, place 2: a label is needed, got ''"),
        ("cat,dog,cat", "the list of labels holds a label twice"),
        ("cats", "no such labels"),
    ],
)
def test_bad_lists_are_refused(given: str, complaint: str) -> None:
    with pytest.raises(InvalidFileError, match=complaint):
        read_labels(given)
