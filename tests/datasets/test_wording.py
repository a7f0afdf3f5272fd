from pathlib import Path

from edgeproof.datasets.wording import file_remark, first_of


def test_files_are_counted_and_the_first_ones_are_named(tmp_path: Path) -> None:
    files = [tmp_path / "cat" / "\x1b[2J.txt", tmp_path / "b"]
    assert file_remark(files, "left out", tmp_path) == ("2 of the folder's files are left out: cat/\\x1b[2J.txt, …",)
    assert file_remark(files[1:], "left out", tmp_path) == ("1 of the folder's files is left out: b",)
    assert file_remark(files, "skipped", tmp_path, 2) == ("2 of the folder's files are skipped: cat/\\x1b[2J.txt, b",)
    assert file_remark([], "left out", tmp_path) == ()


def test_an_ellipsis_stands_for_the_items_that_are_left_out() -> None:
    assert first_of(["a", "b", "c"], 3, "; ") == "a; b; c"
    assert first_of(["a", "b\nc", "d", "e"], 2) == r"a, b\nc, …"
