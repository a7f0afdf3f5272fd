"""The report's table of results, as cells, as plain text and as Markdown."""

from collections.abc import Sequence

from .accuracy import Reliability, Share
from .latency import Latency
from .report import Report

HEADERS = ("variant", "accuracy (95 % interval)", "agreement", "fixed / broken", "size", "p50", "p90", "p99")


def cells(report: Report) -> list[tuple[str, ...]]:
    """Return the table's body: the Keras original first, then every variant, as texts."""
    reference = report.reference
    call = reference.fastest_call
    original = (
        f"Keras original, {call}",
        accuracy(reference.accuracy),
        "",
        "",
        kilobytes(reference.size_bytes),
        *_percentiles(reference.latency[call]),
    )
    variants = [
        (
            row.variant,
            accuracy(row.accuracy),
            percent(row.comparison.agreement.value),
            f"{len(row.comparison.fixed)} / {len(row.comparison.broken)}",
            kilobytes(row.size_bytes),
            *_percentiles(row.latency),
        )
        for row in report.rows
    ]
    return [original, *variants]


def with_ece(report: Report) -> list[tuple[str, ...]]:
    """Return the header and the body with one column more, for where there is room: the expected calibration error."""
    rows = (report.reference, *report.rows)
    column = ("ECE", *(ece(row.reliability) for row in rows))
    behind = HEADERS.index("size")
    return [(*row[:behind], cell, *row[behind:]) for row, cell in zip([HEADERS, *cells(report)], column, strict=True)]


def as_text(report: Report) -> str:
    """Lay the table out for a terminal."""
    rows = [HEADERS, *cells(report)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADERS))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "─" * max(len(line) for line in lines), *lines[1:]])


def as_markdown(report: Report) -> str:
    """Write the table in Markdown, numbers to the right."""
    lines = ["| " + " | ".join(row) + " |" for row in (HEADERS, *cells(report))]
    rule = "|" + "|".join([" --- ", *[" ---: "] * (len(HEADERS) - 1)]) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def footnote(report: Report) -> str:
    """Say on what the figures were measured."""
    environment, method = report.environment, report.method
    packages = environment["packages"]
    versions = ", ".join(f"{name} {packages[name]}" for name in packages if name not in ("edgeproof", "numpy"))
    calls = ", ".join(f"{call} {duration(times.p50_us)}" for call, times in report.reference.latency.items())
    return (
        f"{report.data['test_images']:,} test images of {report.data['name']}; latency of one image, "
        f"{method['threads']} thread{'s' if method['threads'] != 1 else ''}, interleaved rounds. "
        f"Keras original by call: {calls}. "
        f"{environment['cpu'] or environment['machine']}, {environment['cores']} cores, "
        f"Python {environment['python']}, {versions}."
    )


def accuracy(share: Share) -> str:
    """Write a share with its interval, in percent."""
    return f"{percent(share.value)} ({share.low * 100:.2f} – {share.high * 100:.2f})"


def percent(value: float) -> str:
    """Write a share in percent with two decimals: one image of ten thousand is visible."""
    return f"{value * 100:.2f}\N{NO-BREAK SPACE}%"


def ece(reliability: Reliability | None) -> str:
    """Write the expected calibration error, before and after where the file has a temperature; empty if unknown."""
    if reliability is None:
        return ""
    raw = "" if reliability.temperature == 1 else f"{reliability.ece_raw * 100:.2f} → "
    return raw + percent(reliability.ece)


def kilobytes(size_bytes: int) -> str:
    """Write a size in kB of 1000 bytes."""
    return f"{size_bytes / 1000:.1f}\N{NO-BREAK SPACE}kB"


def duration(microseconds: float) -> str:
    """Write a duration in the unit in which it has one to three digits before the point."""
    if microseconds < 1000:
        return f"{microseconds:.1f}\N{NO-BREAK SPACE}µs"
    return f"{microseconds / 1000:.{2 if microseconds < 10_000 else 1}f}\N{NO-BREAK SPACE}ms"


def _percentiles(latency: Latency) -> tuple[str, str, str]:
    return duration(latency.p50_us), duration(latency.p90_us), duration(latency.p99_us)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
