import csv
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

import pytest
from edgeproof.report.model import Report
from edgeproof.report.render.csv_table import render_csv


def lines(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(render_csv(report).splitlines()))


def numbers_in(figure: object) -> Iterator[float]:
    """Every number of a dataclass, those in its tuples left out."""
    if is_dataclass(figure):
        for field in fields(figure):
            yield from numbers_in(getattr(figure, field.name))
    elif isinstance(figure, int | float) and not isinstance(figure, bool):
        yield figure


def test_there_is_a_line_for_each_model_and_number_of_threads(report: Report) -> None:
    found = [(line["kind"], line["variant"] or line["call"], line["threads"]) for line in lines(report)]
    assert found == [
        *(("reference", call, str(n)) for n in (1, 2) for call in ("tf.function", "model(x)", "model.predict")),
        *(("variant", name, str(n)) for name in ("float32.tflite", "static_wi8_ai8.onnx") for n in (1, 2)),
        *(("peer", "float32.onnx", str(n)) for n in (1, 2)),
    ]


def test_every_number_of_a_row_is_in_its_lines(report: Report) -> None:
    row = report.rows[1]
    for timing, line in zip(row.timings, lines(report)[8:10], strict=True):
        figures = (row.size, row.accuracy, row.comparison, row.reliability, row.memory, timing)
        expected = {number for figure in figures for number in numbers_in(figure)}
        assert expected <= {float(cell) for cell in line.values() if cell.replace(".", "").replace("-", "").isdigit()}


def test_figures_are_in_their_columns(report: Report) -> None:
    line = lines(report)[8]
    for name, value in {
        "difference_points": "-1.0",
        "fixed_images": "1",
        "broken_images": "2",
        "flipped_images": "3",
        "run_p50_us": "50.0",
        "load_p999_us": "",
        "noise_floor_ratio": "1.02",
        "memory_peak_mib": "61.0",
        "verdict": "no drop detectable",
        "file_bytes": "30000",
    }.items():
        assert line[name] == value


def test_the_columns_are_the_same_for_every_report(report: Report, unlabelled: Report, untimed: Report) -> None:
    heads = {render_csv(one).splitlines()[0] for one in (report, unlabelled, untimed)}
    assert len(heads) == 1


def test_what_is_not_known_is_empty(unlabelled: Report, untimed: Report) -> None:
    assert {line["accuracy"] for line in lines(unlabelled)} == {""}
    assert len(lines(untimed)) == 4
    assert {line["run_p50_us"] + line["threads"] for line in lines(untimed)} == {""}


def test_names_stay_in_their_cells(hostile: Report) -> None:
    assert [line["variant"] for line in lines(hostile)][-1] == hostile.peers[0].variant


def test_a_name_is_no_formula(report: Report) -> None:
    row = replace(report.rows[0], variant="=HYPERLINK(1)", recipe="@cmd")
    found = {(line["variant"], line["recipe"]) for line in lines(replace(report, rows=(row,)))}
    assert ("'=HYPERLINK(1)", "'@cmd") in found


@pytest.mark.parametrize("blank", ["", " ", "  ", "\N{NO-BREAK SPACE}", " \N{NO-BREAK SPACE} "])
@pytest.mark.parametrize("sign", "=+-@＝＋－＠﹢﹣﹦﹫")
def test_nor_is_one_behind_blanks_or_with_a_sign_of_another_width(report: Report, blank: str, sign: str) -> None:
    row = replace(report.rows[0], variant=f"{blank}{sign}1+2", recipe=f"a{blank}{sign}")
    [line] = [line for line in lines(replace(report, rows=(row,), peers=())) if line["threads"] == "2"][-1:]
    assert (line["variant"], line["recipe"]) == (f"'{blank}{sign}1+2", f"a{blank}{sign}")


def test_nor_is_one_behind_a_tab_or_a_line_break(report: Report) -> None:
    row = replace(report.rows[0], variant="\t=HYPERLINK(1)", recipe="\r=\u202ecmd")
    found = {(line["variant"], line["recipe"]) for line in lines(replace(report, rows=(row,)))}
    assert (r"\t=HYPERLINK(1)", r"\r=\u202ecmd") in found
