import io
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from edgeproof.runtime.errors import CheckFailedError, InvalidFileError
from matplotlib.text import Annotation
from PIL import Image

from studies import trainings
from studies.ablations import run as ablations
from studies.frontier import run as frontier
from studies.frontier.page import draw_frontier, frontier_figure, write_table
from studies.frontier.published import PUBLISHED_RESULTS
from studies.frontier.results import Row, read_rows, summarize, write_rows
from studies.frontier.run import Plan, main, make_row, make_rows

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset

ROW = Row(
    preset="tiny",
    seed=1,
    command="train --preset tiny",
    settings_sha256="b" * 64,
    keras_parameters=3_000,
    parameters=2_800,
    macs=200_000,
    file_bytes=9_000,
    weight_bytes=3_000,
    arena_bytes=6_000,
    images=1_000,
    float_right=990,
    int8_right=988,
    fixed=1,
    broken=3,
    p_value=0.625,
    train_seconds=100.0,
    sha256="a" * 64,
    environment="a machine",
)
OTHERS = [replace(ROW, seed=2, int8_right=990, p_value=0.01), replace(ROW, seed=3, int8_right=986, arena_bytes=None)]


def test_a_summary_is_mean_sd_and_students_interval() -> None:
    """By hand: 98.8, 99.0 and 98.6; t(0.975; 2) = 4.302653."""
    (found,) = summarize([ROW, *OTHERS])
    assert (found.n, found.preset) == (3, "tiny")
    assert found.mean == pytest.approx(98.8)
    assert found.sd == pytest.approx(0.2)
    assert found.half_width == pytest.approx(4.302653 * 0.2 / 3**0.5)
    assert found.float_mean == pytest.approx(99.0)
    assert found.difference == pytest.approx(-0.2)
    assert found.p_value == pytest.approx(0.03)  # 0.01, times three tests
    assert found.arena_bytes == 6_000


def test_one_seed_has_no_interval() -> None:
    (found,) = summarize([ROW])
    assert (found.n, found.sd, found.half_width) == (1, 0.0, None)


def test_presets_are_summarized_apart() -> None:
    assert [s.preset for s in summarize([ROW, replace(ROW, preset="default"), *OTHERS])] == ["tiny", "default"]


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "none.json") == []
    write_rows([ROW, *OTHERS], tmp_path / "rows.json", {})
    assert read_rows(tmp_path / "rows.json") == [ROW, *OTHERS]


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda d: d.update(schema_version=9), "has schema_version 9; this edgeproof reads 1"),
        (lambda d: d["rows"][0].pop("macs"), "does not hold results: .*macs"),
        (lambda d: d["rows"][0].update(seed="x"), "does not hold results"),
        (lambda d: d.clear(), "does not hold results"),
    ],
)
def test_other_results_are_refused(tmp_path: Path, edit: Callable[[dict[str, object]], object], complaint: str) -> None:
    path = tmp_path / "rows.json"
    write_rows([ROW], path, {})
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidFileError, match=complaint):
        read_rows(path)


def test_the_table_has_the_figures_and_the_command_behind_them() -> None:
    text = write_table(summarize([ROW, *OTHERS]), [ROW, *OTHERS]).replace("\N{NO-BREAK SPACE}", " ")
    assert "| `tiny` | 98.800 % ± 0.200 (± 0.497) | 3 | -0.200 |" in text
    assert "| 2,800 (3,000) | 200,000 | 3.0 kB | 9.0 kB | 6.0 kB |" in text
    assert "on 1,000 test images" in text
    assert "| not known |" in write_table(summarize([replace(ROW, macs=None)]), [ROW])
    assert text.count("- tiny: `edgeproof train --preset tiny`") == 1


def test_the_picture_is_a_png() -> None:
    with Image.open(io.BytesIO(draw_frontier(summarize([ROW, *OTHERS]), PUBLISHED_RESULTS, called="mnist"))) as image:
        assert image.format == "PNG"
        assert image.width == 2 * 1000
        assert image.height == 2 * 560


def test_the_figure_names_every_point_and_no_label_covers_another() -> None:
    rows = [ROW, replace(ROW, preset="accurate", weight_bytes=76_000, file_bytes=85_000, int8_right=997)]
    made = frontier_figure(summarize(rows), PUBLISHED_RESULTS, called="mnist")
    (axes,) = made.axes
    labels = [text for text in axes.texts if isinstance(text, Annotation)]
    found = [(text.get_text(), *text.xy) for text in labels]
    assert found == [
        ("tiny\n98.80 %, file 9.0\N{NO-BREAK SPACE}kB", 3_000, 98.8),
        ("accurate\n99.70 %, file 85.0\N{NO-BREAK SPACE}kB", 76_000, 99.7),
        *sorted(((one.name, one.weight_bytes, one.accuracy) for one in PUBLISHED_RESULTS), key=lambda one: -one[1]),
    ]
    boxes = [text.get_window_extent() for text in labels]
    assert [box.count_overlaps(boxes) for box in boxes] == [1] * len(boxes)  # itself
    points = axes.transData.transform([text.xy for text in labels])
    assert not any(box.contains(*point) for box in boxes for point in points)


def test_other_data_have_another_title_and_nothing_published_beside_them() -> None:
    (axes,) = frontier_figure(summarize([ROW]), [], called="clothes.npz").axes
    label, title, below = (text.get_text() for text in axes.texts)
    assert title == "clothes.npz: accuracy on the test images"
    assert below.startswith("bytes of the weights")
    assert label.startswith("tiny")


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"default": Plan(), "tiny": Plan(options={"epochs": 1}, teachers=(("default", 1),))}
    monkeypatch.setattr(frontier, "PLANS", made)


@pytest.mark.usefixtures("plans")
def test_only_missing_rows_are_made_and_teachers_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[tuple[str, int]] = []
    lock = threading.Lock()

    def make(preset: str, seed: int, *, data: str, runs: Path) -> Row:
        with lock:
            made.append((preset, seed))
        return replace(ROW, preset=preset, seed=seed)

    monkeypatch.setattr(frontier, "make_row", make)
    monkeypatch.setattr(frontier, "_ensure", lambda *_, **__: None)
    known = [replace(ROW, preset="default", seed=2)]
    rows = list(make_rows(["default", "tiny"], known, seeds=2, data="mnist", runs=tmp_path, jobs=2))
    assert made[0] == ("default", 1)
    assert sorted(made[1:]) == [("tiny", 1), ("tiny", 2)]
    assert {(row.preset, row.seed) for row in rows} == set(made)
    assert list(make_rows(["default"], [], seeds=0, data="mnist", runs=tmp_path, jobs=2)) == []


@pytest.mark.usefixtures("plans")
def test_rows_that_would_come_out_otherwise_today_are_made_anew(
    monkeypatch: pytest.MonkeyPatch, small_data: "Dataset", small_npz: Path, tmp_path: Path
) -> None:
    today = frontier.PLANS["default"].training("default", tmp_path).settings_sha256(small_data)
    assert today is not None
    row = replace(ROW, preset="default", command="train --preset default", settings_sha256=today)
    taught = replace(ROW, preset="tiny", command="train --preset tiny --epochs 1 --teacher default-1")
    stale = [
        replace(row, seed=2, settings_sha256="c" * 64),
        replace(taught, seed=2, command="train --preset tiny --epochs 9"),
        replace(taught, preset="gone"),
    ]
    write_rows([row, taught, *stale], tmp_path / "frontier.json", {})
    made: list[tuple[str, int]] = []

    def make(preset: str, seed: int, **_: object) -> Row:
        made.append((preset, seed))
        return replace(row if preset == "default" else taught, seed=seed)

    monkeypatch.setattr(frontier, "make_row", make)
    monkeypatch.setattr(frontier, "_ensure", lambda *_, **__: None)
    arguments = ["--data", str(small_npz), "--results", str(tmp_path), "--runs", str(tmp_path / "runs"), "--seeds", "2"]
    assert main(arguments) == 0
    assert sorted(made) == [("default", 2), ("tiny", 2)]
    assert {path.name for path in tmp_path.iterdir()} == {"frontier.json", "frontier.md", "frontier.png"}
    found = [(one.preset, one.seed) for one in read_rows(tmp_path / "frontier.json")]
    assert found == [("default", 1), ("default", 2), ("tiny", 1), ("tiny", 2)]


@pytest.mark.usefixtures("plans")
def test_rows_that_cannot_be_checked_do_not_count_alone(
    monkeypatch: pytest.MonkeyPatch, small_npz: Path, tmp_path: Path
) -> None:
    """Where teachers are missing nothing else tells of which data they are."""
    taught = replace(ROW, preset="tiny", command="train --preset tiny --epochs 1 --teacher default-1")
    write_rows([taught], tmp_path / "frontier.json", {})
    made: list[tuple[str, int]] = []

    def make(preset: str, seed: int, **_: object) -> Row:
        made.append((preset, seed))
        return replace(taught, seed=seed)

    monkeypatch.setattr(frontier, "make_row", make)
    monkeypatch.setattr(frontier, "_ensure", lambda *_, **__: None)
    runs = ["--runs", str(tmp_path / "runs"), "--presets", "tiny"]
    assert main(["--data", str(small_npz), "--results", str(tmp_path), *runs]) == 0
    assert sorted(made) == [("tiny", seed) for seed in range(1, 6)]
    assert main(["--data", str(small_npz), *runs]) == 0  # other data's results go elsewhere
    assert (tmp_path / "runs" / "frontier.json").is_file()


@pytest.mark.usefixtures("plans")
def test_teachers_that_are_needed_are_trained_although_their_rows_are_known(
    monkeypatch: pytest.MonkeyPatch, small_npz: Path, tmp_path: Path
) -> None:
    trained: list[tuple[str, str]] = []
    known = [replace(ROW, preset="default", seed=seed) for seed in (1, 2)]
    monkeypatch.setattr(trainings, "run_edgeproof", lambda *typed: trained.append((typed[0], typed[-1])))
    monkeypatch.setattr(frontier, "make_row", lambda preset, seed, **_: replace(ROW, preset=preset, seed=seed))
    options = {"seeds": 1, "data": str(small_npz), "runs": tmp_path, "jobs": 1}
    assert [row.preset for row in make_rows(["default", "tiny"], known, **options)] == ["tiny"]  # type: ignore[arg-type]
    assert trained == [("train", str(tmp_path / "default-1"))]
    assert list(make_rows(["default"], known, **options)) == []  # type: ignore[arg-type]
    assert len(trained) == 1


def test_a_folder_that_cannot_be_written_is_found_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for benchmark in (main, ablations.main):
        assert benchmark(["--results", str(tmp_path / "file" / "new"), "--runs", str(tmp_path / "runs")]) == 2
        assert "cannot write to" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("plans")
def test_a_row_is_kept_although_the_next_one_fails(
    monkeypatch: pytest.MonkeyPatch, small_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(preset: str, seed: int, **_: object) -> Row:
        if seed == 2:
            raise CheckFailedError("edgeproof train: something")
        return replace(ROW, preset=preset)

    monkeypatch.setattr(frontier, "make_row", make)
    assert main(["--data", str(small_npz), "--results", str(tmp_path), "--jobs", "1"]) == 1
    assert capsys.readouterr().err == "error: edgeproof train: something\n"
    assert [row.seed for row in read_rows(tmp_path / "frontier.json")] == [1]


def test_an_unknown_preset_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--presets", "huge", "--results", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "error: unknown preset 'huge'; possible: accurate, default, tiny\n"


@pytest.mark.usefixtures("commands_in_process")
def test_a_network_is_trained_exported_and_measured(
    small_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontier, "PLANS", {"tiny": Plan(options={"epochs": 1, "batch_size": 50})})
    row = make_row("tiny", 7, data=str(small_npz), runs=tmp_path)
    folder = tmp_path / "tiny-7"
    manifest = json.loads((folder / "bundle" / "manifest.json").read_text())
    record = json.loads((folder / "training.json").read_text())
    (int8,) = (variant for variant in manifest["variants"] if variant["name"] == "static_wi8_ai8.tflite")
    assert (row.seed, row.images, row.sha256, row.file_bytes) == (7, 200, int8["sha256"], int8["size_bytes"])
    assert record["options"]["seed"] == 7
    assert row.float_right == round(200 * record["test_accuracy"])
    assert row.int8_right == row.float_right + row.fixed - row.broken
    assert row.weight_bytes < row.file_bytes
    assert row.parameters < row.keras_parameters
    assert 50_000 < row.macs < 1_000_000
    assert row.command == "train --preset tiny --epochs 1 --batch-size 50"

    ran: list[str] = []
    monkeypatch.setattr(trainings, "run_edgeproof", lambda *arguments: ran.append(arguments[0]))
    assert make_row("tiny", 7, data=str(small_npz), runs=tmp_path).settings_sha256 == row.settings_sha256
    assert ran == []  # the network is there
    monkeypatch.setattr(frontier, "PLANS", {"tiny": Plan(options={"epochs": 2, "batch_size": 50})})
    make_row("tiny", 7, data=str(small_npz), runs=tmp_path)
    assert ran == ["train"]  # it is not the one that is wanted any more


@pytest.mark.usefixtures("commands_in_process")
def test_a_command_that_fails_says_why(small_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontier, "PLANS", {"tiny": Plan(teachers=(("default", 1),))})
    with pytest.raises(CheckFailedError, match=r"edgeproof train: edgeproof: error: no such teacher: .*default-1"):
        make_row("tiny", 8, data=str(small_npz), runs=tmp_path)
