"""report.md: the report as a comment on a pull request."""

from ...runtime.text import count
from .. import formatting
from ..model import Report, VariantRow
from ..naming import keras_name, row_name
from .environment_table import facts, remarks, states
from .flips import flipped_images, worst_flips
from .headline import headline
from .markdown_escape import escape
from .ranking import fastest, noise
from .table import markdown_table, sweep

_TIMED = ("p50", "speed, Keras = 1 (95 %)")
_MOST_FLIPS = 20


def render_markdown(report: Report) -> str:
    """Return the report in GitHub's Markdown, the verdicts first."""
    parts = [
        f"## {escape(headline(report))}",
        *([f"**Warning:** {escape(report.reference.warning)}."] if report.reference.warning else []),
        markdown_table(_verdicts(report), words=(0, 1)),
        _explanation(report),
        *(f"{state}: {escape(name)} ({escape(reason)})." for state, name, reason in report.absent),
        *_flips(report),
        *_latency(report),
        *_memory(report),
        *_peers(report),
        _environment(report),
    ]
    return "\n\n".join(parts) + "\n"


def _verdicts(report: Report) -> list[tuple[str, ...]]:
    labelled = report.data.labelled
    difference = ("difference, points (95 %)",) if labelled else ()
    flips = "fixed / broken" if labelled else "images that differ"
    head = ("variant", "verdict", *difference, "agreement", flips, "size", *(_TIMED if report.threads else ()))
    return [head, *(_verdict(report, row) for row in report.rows)]


def _verdict(report: Report, row: VariantRow) -> tuple[str, ...]:
    outcome, labelled = row.comparison.outcome, report.data.labelled
    return (
        row_name(report, row),
        row.verdict.words,
        *((formatting.difference(outcome and outcome.difference),) if labelled else ()),
        formatting.percent(row.comparison.agreement.value),
        formatting.flips(row.comparison, labelled=labelled),
        formatting.file_size(row.size.file_bytes),
        *_times(row, report.threads),
    )


def _times(row: VariantRow, threads: tuple[int, ...]) -> tuple[str, ...]:
    """Median latency and speed with the first number of threads; nothing where latency was not measured."""
    timing = row.timing(threads[0]) if threads else None
    times = formatting.duration(timing and timing.run.p50_us)
    return (times, formatting.speed_with_interval(timing and timing.ratio_to_keras)) if threads else ()


def _explanation(report: Report) -> str:
    agreement = "Agreement: share of images with the same answer as Keras."
    if not report.data.labelled:
        return f"The images have no labels: how many answers are right is unknown. {agreement}"
    accuracy = escape(formatting.accuracy(report.reference.accuracy))
    return (
        f"The Keras original: {accuracy} right, {formatting.file_size(report.reference.file_bytes)}. {agreement} "
        "Fixed: right only in the variant; broken: right only in Keras."
    )


def _flips(report: Report) -> list[str]:
    """List the images that a variant answers otherwise than Keras, the broken ones first."""
    found = worst_flips(report, _MOST_FLIPS)
    if not found:
        return []
    total, classes = flipped_images(report), report.data.classes
    head = ("image", *(("is",) if report.data.labelled else ()), "Keras", "variants")
    rows: list[tuple[str, ...]] = [head]
    for flips in found:
        first = flips[0][1]
        truth = () if first.truth is None else (classes[first.truth],)
        answers = "; ".join(f"{name}: {classes[flip.found]}" for name, flip in flips)
        rows.append((report.data.image_name(first.position), *truth, classes[first.reference], answers))
    shown = f", {len(found)} of them" if len(found) < total else ""
    table = markdown_table(rows, words=range(len(head)))
    title = f"{count(total, 'image')} answered otherwise than by Keras{shown}"
    return [f"<details><summary>{title}</summary>\n\n{table}\n\n</details>"]


def _latency(report: Report) -> list[str]:
    if not report.threads:
        return ["Latency was not measured."]
    threads = report.threads[0]
    calls = [timing for timing in report.reference.timings if timing.threads == threads]
    told = ", ".join(f"{keras_name(timing.call)}: {formatting.duration(timing.run.p50_us)}" for timing in calls)
    text = f"**Latency** of one image. {escape(fastest(report, threads))} {escape(noise(report, threads))}"
    parts = [text + (f" Median of {escape(told)}." if told else "")]
    parts += [f"**Doubtful:** {escape(remark)}." for remark in remarks(report.environment)]
    if swept := sweep(report):
        parts.append(markdown_table(swept))
    return parts


def _memory(report: Report) -> list[str]:
    named = [(keras_name(None), report.reference.memory), *((row_name(report, row), row.memory) for row in report.rows)]
    rows = [
        (name, formatting.mebibytes(memory.peak_mib), formatting.mebibytes(memory.increment_mib))
        for name, memory in named
        if memory is not None
    ]
    if not rows:
        return ["Memory was not measured."]
    return [markdown_table([("memory of a process", "peak", "over NumPy alone"), *rows])]


def _peers(report: Report) -> list[str]:
    if not report.peers:
        return []
    rows: list[tuple[str, ...]] = [("peer", "agreement", *(_TIMED if report.threads else ()))]
    for row in report.peers:
        rows.append((row.title, formatting.percent(row.comparison.agreement.value), *_times(row, report.threads)))
    return ["**Peers: not part of edgeproof**, the same model in other runtimes.", markdown_table(rows)]


def _environment(report: Report) -> str:
    words = range(3)
    recorded = [("what", "value"), *facts(report.environment), *facts(report.method)]
    recorded += [("data, sha256", report.data.sha256), ("Keras original, sha256", report.reference.sha256)]
    tables = [markdown_table(recorded, words=words)]
    if state := states(report.environment):
        tables.append(markdown_table([("state", "before", "after"), *state], words=words))
    inside = "\n\n".join(tables)
    return f"<details><summary>Environment and method</summary>\n\n{inside}\n\n</details>"
