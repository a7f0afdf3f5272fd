"""The report's main table: every variant against the Keras reference, as cells, plain text and Markdown."""

from collections.abc import Iterable, Sequence

from ...metrics.types import Timing
from ...runtime.errors import one_line
from ...runtime.text import count
from ...runtime.text_table import aligned, text_table
from .. import formatting
from ..model import KerasTiming, Report, VariantRow
from ..naming import keras_name, row_name
from .markdown_escape import escape

_LABELLED = ("accuracy (95 % interval)", "difference, points (95 %)", "fixed / broken")
_UNLABELLED = ("agreement (95 % interval)", "images that differ")
_TIMED = ("p50", "p99", "speed, Keras = 1")


def headers(report: Report) -> tuple[str, ...]:
    """Return the table's head: without labels there is agreement alone, and latency only where it was measured."""
    answers = _LABELLED if report.data.labelled else _UNLABELLED
    return ("variant", *answers, "size", *(_TIMED if report.threads else ()))


def cells(report: Report) -> list[tuple[str, ...]]:
    """Return the table's body, the Keras reference first; latency is that with the first number of threads."""
    return [_reference(report), *(_variant(report, row) for row in report.rows)]


def sweep(report: Report) -> list[tuple[str, ...]]:
    """Return the median latency by number of threads, with its head; empty where only one number was measured."""
    if len(report.threads) < 2:
        return []
    keras = ("Keras original, fastest call", *_medians(map(report.reference.fastest, report.threads)))
    body = [(row_name(report, row), *_medians(map(row.timing, report.threads))) for row in report.rows]
    head = ("p50", *(count(threads, "thread") for threads in report.threads))
    return [head, keras, *body]


def as_text(report: Report) -> str:
    """Lay the tables out for a terminal, with every verdict in words."""
    parts = [text_table([headers(report), *cells(report)])]
    if swept := sweep(report):
        parts.append(text_table(swept))
    verdicts = [(row_name(report, row), row.verdict.words) for row in report.rows]
    verdicts += [
        (one_line(name), one_line(f"{state}: {reason}")) for state, name, reason in report.absent if state == "FAILED"
    ]
    parts.append("\n".join(aligned(verdicts, left=(0, 1))))
    if report.reference.warning:
        parts.append(one_line(f"warning: {report.reference.warning}"))
    return "\n\n".join(part for part in parts if part)


def as_markdown(report: Report) -> str:
    """Write the table in Markdown, and the one of several numbers of threads below it."""
    tables = [[headers(report), *cells(report)], sweep(report)]
    return "\n\n".join(markdown_table(rows) for rows in tables if rows)


def markdown_table(rows: Sequence[Sequence[str]], *, words: Sequence[int] = (0,)) -> str:
    """Write a table in GitHub's Markdown, its head first: the columns `words` to the left, numbers to the right."""
    lines = ["| " + " | ".join(map(escape, row)) + " |" for row in rows]
    rule = "|" + "|".join(" --- " if column in words else " ---: " for column in range(len(rows[0]))) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def footnote(report: Report) -> str:
    """Write the data and the machine in one line."""
    environment = report.environment
    packages = environment.get("packages", {})
    machine = [
        one_line(str(environment.get("cpu") or environment.get("machine") or "unknown processor")),
        _cores(environment.get("cores")),
        f"Python {environment.get('python', 'unknown')}",
        *(f"{name} {packages[name]}" for name in packages if name not in ("edgeproof", "numpy")),
    ]
    labels = "" if report.data.labelled else " without labels: accuracy is unknown"
    images = f"{count(report.data.images, 'test image')} of {one_line(report.data.name)}{labels}"
    return f"{images}; {_timed(report)} {', '.join(machine)}."


def _cores(number: int | None) -> str:
    return "unknown cores" if number is None else count(number, "core")


def _timed(report: Report) -> str:
    """Say how latency was measured."""
    if not report.threads:
        return "latency was not measured."
    threads = report.threads[0]
    rounds = report.method.get("rounds")
    interleaved = f", {rounds} interleaved rounds" if rounds else ""
    text = f"latency of one image, {count(threads, 'thread')}{interleaved}."
    if calls := [timing for timing in report.reference.timings if timing.threads == threads]:
        told = ", ".join(f"{timing.call} {formatting.duration(timing.run.p50_us)}" for timing in calls)
        text += f" Speed: median of the rounds' ratios to Keras, called in its fastest way ({told})."
    return text


def _reference(report: Report) -> tuple[str, ...]:
    reference = report.reference
    fastest = reference.fastest(report.threads[0]) if report.threads else None
    answers = (formatting.accuracy(reference.accuracy), "", "") if report.data.labelled else ("", "")
    speed = f"1{formatting.TIMES}" if fastest else formatting.UNKNOWN
    times = (*_percentiles(fastest), speed) if report.threads else ()
    return keras_name(fastest and fastest.call), *answers, formatting.file_size(reference.file_bytes), *times


def _variant(report: Report, row: VariantRow) -> tuple[str, ...]:
    timing = row.timing(report.threads[0]) if report.threads else None
    times = (*_percentiles(timing), formatting.speed(timing and timing.ratio_to_keras)) if report.threads else ()
    return row_name(report, row), *_answers(report, row), formatting.file_size(row.size.file_bytes), *times


def _percentiles(timing: KerasTiming | Timing | None) -> tuple[str, str]:
    run = timing and timing.run
    return formatting.duration(run and run.p50_us), formatting.duration(run and run.p99_us)


def _answers(report: Report, row: VariantRow) -> tuple[str, ...]:
    labelled, outcome = report.data.labelled, row.comparison.outcome
    flips = formatting.flips(row.comparison, labelled=labelled)
    if not labelled:
        return formatting.accuracy(row.comparison.agreement), flips
    return formatting.accuracy(row.accuracy), formatting.difference(outcome and outcome.difference), flips


def _medians(timings: Iterable[KerasTiming | Timing | None]) -> list[str]:
    return [formatting.duration(timing and timing.run.p50_us) for timing in timings]
