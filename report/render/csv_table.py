"""report.csv: every figure as a plain number, for spreadsheets and data frames."""

import csv
import io
from dataclasses import fields

from ...metrics.types import Comparison, Distribution, Memory, Ratio, Reliability, Share, Timing
from ..model import Report, VariantRow

Line = dict[str, str | int | float | None]


def render_csv(report: Report) -> str:
    """Return one line for each model, engine and number of threads; the cell of what is not known is empty.

    The columns are the same for every report. Their names end in the unit; shares and probabilities are 0-1. Of lists
    there is only the length: the images that flipped, the classes and the bins of the reliability diagrams are in
    report.json. Lines of the kind "peer" are no part of edgeproof.
    """
    lines = _keras_lines(report)
    for kind, rows in (("variant", report.rows), ("peer", report.peers)):
        for row in rows:
            lines += [_row_line(report, row, kind, timing) for timing in row.timings or (None,)]
    content = io.StringIO()
    writer = csv.DictWriter(content, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in line.items()} for line in lines)
    return content.getvalue()


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def _keras_lines(report: Report) -> list[Line]:
    reference = report.reference
    return [
        {
            "kind": "reference",
            "variant": None,
            "format": "keras",
            "recipe": None,
            "engine": reference.engine,
            "call": timing.call if timing else None,
            "sha256": reference.sha256,
            "data_sha256": report.data.sha256,
            "parameters": reference.parameters,
            "file_bytes": reference.file_bytes,
            "weights_bytes": None,
            "gzip_bytes": None,
            **_share("accuracy", reference.accuracy),
            **_comparison(None),
            "verdict": None,
            "verdict_words": None,
            **_reliability(reference.reliability),
            **_memory(reference.memory),
            **_timing(report, timing.threads if timing else None, None),
            **_distribution("run", timing.run if timing else None),
            **_parts(None),
        }
        for timing in reference.timings or (None,)
    ]


def _row_line(report: Report, row: VariantRow, kind: str, timing: Timing | None) -> Line:
    return {
        "kind": kind,
        "variant": row.variant,
        "format": row.format,
        "recipe": row.recipe,
        "engine": row.engine,
        "call": None,
        "sha256": row.sha256,
        "data_sha256": report.data.sha256,
        "parameters": None,
        "file_bytes": row.size.file_bytes,
        "weights_bytes": row.size.weight_bytes,
        "gzip_bytes": row.size.gzip_bytes,
        **_share("accuracy", row.accuracy),
        **_comparison(row.comparison),
        "verdict": row.verdict.kind,
        "verdict_words": row.verdict.words,
        **_reliability(row.reliability),
        **_memory(row.memory),
        **_timing(report, timing.threads if timing else None, timing),
        **_distribution("run", timing.run if timing else None),
        **_parts(timing),
    }


def _share(name: str, share: Share | None) -> Line:
    return {
        f"{name}_count": share.count if share else None,
        f"{name}_images": share.images if share else None,
        name: share.value if share else None,
        f"{name}_low": share.low if share else None,
        f"{name}_high": share.high if share else None,
    }


def _comparison(comparison: Comparison | None) -> Line:
    outcome = comparison.outcome if comparison else None
    return {
        **_share("agreement", comparison.agreement if comparison else None),
        "flipped_images": len(comparison.flips) if comparison else None,
        "max_probability_difference": comparison.max_probability_difference if comparison else None,
        "mean_probability_difference": comparison.mean_probability_difference if comparison else None,
        "difference_points": outcome.difference.points if outcome else None,
        "difference_low_points": outcome.difference.low if outcome else None,
        "difference_high_points": outcome.difference.high if outcome else None,
        "fixed_images": len(outcome.fixed) if outcome else None,
        "broken_images": len(outcome.broken) if outcome else None,
        "p_value": outcome.p_value if outcome else None,
        "p_adjusted": outcome.p_adjusted if outcome else None,
        "ece_drift": outcome.ece_drift if outcome else None,
    }


def _reliability(reliability: Reliability | None) -> Line:
    return {
        "ece_images": reliability.images if reliability else None,
        "ece_raw": reliability.ece_raw if reliability else None,
        "temperature": reliability.temperature if reliability else None,
        "ece": reliability.ece if reliability else None,
    }


def _memory(memory: Memory | None) -> Line:
    return {
        "memory_peak_mib": memory.peak_mib if memory else None,
        "memory_increment_mib": memory.increment_mib if memory else None,
    }


def _timing(report: Report, threads: int | None, timing: Timing | None) -> Line:
    ratio: Ratio | None = timing.ratio_to_keras if timing else None
    return {
        "threads": threads,
        "noise_floor_ratio": next((one.ratio for one in report.noise_floors if one.threads == threads), None),
        "rank": timing.rank if timing else None,
        "ratio_to_keras": ratio.value if ratio else None,
        "ratio_to_keras_low": ratio.low if ratio else None,
        "ratio_to_keras_high": ratio.high if ratio else None,
    }


def _parts(timing: Timing | None) -> Line:
    return {
        **_distribution("invoke", timing.invoke if timing else None),
        **_distribution("preprocessing", timing.preprocessing if timing else None),
        **_distribution("load", timing.load if timing else None),
        **_distribution("first", timing.first if timing else None),
    }


def _distribution(name: str, times: Distribution | None) -> Line:
    return {f"{name}_{one.name}": getattr(times, one.name) if times else None for one in fields(Distribution)}
