from pathlib import Path

import pytest
from edgeproof.datasets.images.listing import list_images
from edgeproof.runtime.errors import InvalidFileError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def listed(root: Path) -> tuple[dict[str, list[str]], list[str], list[str]]:
    found = list_images(root)
    return (
        {label: [path.name for path in paths] for label, paths in found.classes.items()},
        [path.name for path in found.loose],
        [str(path.relative_to(root)) for path in found.others],
    )


def test_pictures_are_found_in_the_folders_of_their_classes(tmp_path: Path) -> None:
    touch(tmp_path, "dog/2.png", "dog/1.JPG", "cat/3.webp", "cat/notes.txt", "cat/deep/4.png", "5.png", "README")
    assert listed(tmp_path) == (
        {"cat": ["3.webp"], "dog": ["1.JPG", "2.png"]},
        ["5.png"],
        ["5.png", "README", "cat/deep/4.png", "cat/notes.txt"],
    )


def test_pictures_without_folders_are_no_others(tmp_path: Path) -> None:
    touch(tmp_path, "5.png", "README")
    assert listed(tmp_path) == ({}, ["5.png"], ["README"])


def test_loose_pictures_beside_empty_folders_are_others(tmp_path: Path) -> None:
    touch(tmp_path, "5.png")
    (tmp_path / "cat").mkdir()
    assert listed(tmp_path) == ({"cat": []}, ["5.png"], ["5.png"])


def test_what_is_hidden_belongs_to_other_programs(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.png", "cat/._1.png", "cat/.DS_Store", ".git/2.png", ".cache/deep/3.png")
    assert listed(tmp_path) == ({"cat": ["1.png"]}, [], [])


def test_a_link_to_a_folder_above_does_not_go_round_for_ever(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.png", "cat/a.txt")
    (tmp_path / "cat" / "up").symlink_to(tmp_path)
    assert listed(tmp_path) == ({"cat": ["1.png"]}, [], ["cat/a.txt"])


def test_a_folder_of_a_class_may_be_a_link(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/1.png", "pets/dog/2.png")
    (tmp_path / "pets" / "cat").symlink_to(tmp_path / "elsewhere")
    assert listed(tmp_path / "pets")[0] == {"cat": ["1.png"], "dog": ["2.png"]}


def test_a_folder_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"cannot read the folder .*gone: No such file"):
        list_images(tmp_path / "gone")
