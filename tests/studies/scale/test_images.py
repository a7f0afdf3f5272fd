from pathlib import Path

from studies.scale.images import CLASSES, make_images


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jpg")}


def test_an_image_is_the_same_however_many_there_are(tmp_path: Path) -> None:
    make_images(tmp_path / "few", CLASSES + 1)
    make_images(tmp_path / "more", CLASSES * 2)
    few, more = contents(tmp_path / "few"), contents(tmp_path / "more")
    assert (len(few), len(more)) == (CLASSES + 1, CLASSES * 2)
    assert few.items() <= more.items()
    assert len(set(more.values())) == len(more)


def test_images_that_are_there_stay(tmp_path: Path) -> None:
    make_images(tmp_path, CLASSES)
    first = tmp_path / "waves-00" / "00000.jpg"
    first.write_bytes(b"as it was")
    make_images(tmp_path, CLASSES * 2)
    assert first.read_bytes() == b"as it was"
    assert len(contents(tmp_path)) == CLASSES * 2


def test_another_seed_gives_other_images(tmp_path: Path) -> None:
    make_images(tmp_path / "one", 2)
    make_images(tmp_path / "two", 2, seed=2)
    assert not set(contents(tmp_path / "one").values()) & set(contents(tmp_path / "two").values())
