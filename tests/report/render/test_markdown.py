import re
from dataclasses import replace

from edgeproof.report.model import Report
from edgeproof.report.render.markdown import render_markdown
from edgeproof.report.render.markdown_escape import escape

from tests.helpers.text import plain


def tables(text: str) -> list[list[str]]:
    """The lines of each table."""
    return [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]


def columns(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def test_the_verdicts_come_first(report: Report) -> None:
    text = plain(render_markdown(report))
    heading, table = text.split("\n\n")[:2]
    assert heading.startswith("## On 100 images of digits, no drop in accuracy is detectable in 2 variants")
    assert table.splitlines()[3] == (
        "| static_wi8_ai8.onnx | no drop detectable with n = 100; at most 3.7 points could hide "
        "| −1.00 (−6.14 to +3.68) | 97.00 % | 1 / 2 | 30.0 kB | 50.0 µs | 10.0 × (9.80 – 10.2) |"
    )


def test_every_part_is_there(report: Report) -> None:
    text = plain(render_markdown(replace(report, not_run={"float16.onnx": "no engine"})))
    for part in (
        "Not run: float16.onnx (no engine).",
        "Fastest: static_wi8_ai8.onnx with a median of 50.0 µs.",
        "up to 2.0 % apart",
        "Keras original, model.predict: 50.0 ms",
        "| Keras original | 700.0 MiB | 670.0 MiB |",
        "not part of edgeproof",
        "| float32.onnx in OpenVINO 2026.4.1 | 100.00 % | 70.0 µs | 7.14 × (7.00 – 7.29) |",
        "<details><summary>Environment and method</summary>\n\n| what",
        "| temperature | 41.5 °C | 52.0 °C |",
        "| cpu | Test &amp; Sons &lt;CPU&gt; |",
    ):
        assert text.count(part) == 1
    assert text.endswith("</details>\n")


def test_every_row_of_a_table_has_the_columns_of_its_head(
    report: Report, unlabelled: Report, untimed: Report, hostile: Report
) -> None:
    for one in (report, unlabelled, untimed, hostile):
        for table in tables(render_markdown(one)):
            assert len({columns(line) for line in table}) == 1


def test_names_are_no_markup(hostile: Report) -> None:
    text = render_markdown(hostile)
    assert set(re.findall(r"</?[a-z]+>", text)) == {"<details>", "<summary>", "</summary>", "</details>"}
    assert "&lt;script&gt;" in text


def test_text_is_escaped_and_kept_in_one_line() -> None:
    assert escape("a\u202eb\x1b[2Jc") == r"a\\u202eb\\x1b\[2Jc"
    assert escape("a|b*c*\n`d` [e](f) __g__ h_i &amp;") == r"a\|b\*c\* \`d\` \[e\](f) \_\_g\_\_ h_i &amp;amp;"


def test_without_labels_accuracy_is_said_to_be_unknown(unlabelled: Report) -> None:
    text = plain(render_markdown(unlabelled))
    assert "The images have no labels: how many answers are right is unknown." in text
    assert "difference, points" not in text
    assert "| images that differ |" in text


def test_what_makes_latency_doubtful_is_said(report: Report) -> None:
    text = plain(
        render_markdown(replace(report, environment={**report.environment, "remarks": ["the processor was at 90 °C"]}))
    )
    assert "**Doubtful:** the processor was at 90 °C." in text
    assert "Doubtful" not in plain(render_markdown(report))


def test_what_was_not_measured_is_said(untimed: Report) -> None:
    text = plain(render_markdown(untimed))
    assert "Latency was not measured." in text
    assert "Memory was not measured." in text
    assert "p50" not in text


def test_a_reference_that_answers_by_chance_is_warned_of_before_the_table(report: Report) -> None:
    warned = replace(report, reference=replace(report.reference, warning="it guesses\n| here"))
    lines = plain(render_markdown(warned)).splitlines()
    assert lines[2] == r"**Warning:** it guesses \| here."
    assert "Warning" not in render_markdown(report)


def test_flipped_images_are_listed_by_name(report: Report) -> None:
    named = replace(report, data=replace(report.data, image_names={17: "a|b/<i>.png", 4: "c/4.png"}))
    text = render_markdown(named)
    assert "3 images answered otherwise than by Keras</summary>" in text
    assert "| a\\|b/&lt;i&gt;.png | a | a | static_wi8_ai8.onnx: b |" in text
    assert text.index("a\\|b") < text.index("image 23") < text.index("c/4.png")  # the broken ones first


def test_very_many_flipped_images_are_not_all_listed(report: Report) -> None:
    row = report.rows[1]
    many = tuple(replace(row.comparison.flips[1], position=position) for position in range(60))
    text = render_markdown(replace(report, rows=(replace(row, comparison=replace(row.comparison, flips=many)),)))
    assert "60 images answered otherwise than by Keras, 20 of them</summary>" in text
    assert text.count("| image ") == 21  # with the head
