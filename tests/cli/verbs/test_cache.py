import json
from pathlib import Path

import numpy as np
import pytest
from edgeproof.cli import main
from edgeproof.datasets.dataset import DataOptions
from edgeproof.datasets.images import reader
from edgeproof.datasets.images.cache_folder import list_entries
from edgeproof.datasets.images.pixel_cache import PixelCache
from edgeproof.datasets.loading import load_data
from PIL import Image

pytest.importorskip("pooch")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with the images of one folder in two sizes."""
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(2):
            pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}.png")
    monkeypatch.setattr(reader, "IN_MEMORY_BYTES", 0)
    for size in ((8, 6), (9, 7)):
        load_data(tmp_path / "photos", DataOptions(image_size=size), cache=tmp_path / "cache")
    return tmp_path / "cache"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["cache", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_the_images_of_each_folder_are_listed(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--cache", cache).splitlines()
    assert lines[0].split() == ["folder", "images", "height", "x", "width", "x", "channels", "size", "last", "used"]
    assert [line.split()[1:7] for line in lines[2:4]] == [
        ["4", "9", "x", "7", "x", "3"],
        ["4", "8", "x", "6", "x", "3"],
    ]
    assert all(str(cache.parent / "photos") in line for line in lines[2:4])
    assert lines[4].startswith(f"  {cache}: decoded images of 2 folders, ")


def test_json_holds_the_same(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(printed(capsys, "--cache", cache, "--json"))
    assert (document["schema_version"], document["cache"]) == (1, str(cache))
    assert [(entry["images"], entry["shape"], entry["removed"]) for entry in document["entries"]] == [
        (4, [9, 7, 3], False),
        (4, [8, 6, 3], False),
    ]


def test_cleaning_leaves_what_is_being_added_to(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    busy = list_entries(cache)[0]
    with PixelCache(busy.folder, busy.shape).adding(lambda: None):
        text = printed(capsys, "--cache", cache, "--clean")
    assert "removed 1 of 2, " in text
    assert "added to by another command" in text
    assert [entry.folder for entry in list_entries(cache)] == [busy.folder]
    assert "removed 1 of 1, " in printed(capsys, "--cache", cache, "--clean")
    assert list_entries(cache) == []


def test_an_empty_cache_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "decoded images of 0 folders, 0.0 kB" in printed(capsys, "--cache", tmp_path / "none")


def test_the_users_cache_folder_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert str(Path("edgeproof") / "images") in printed(capsys)
