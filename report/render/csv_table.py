"""report.csv: every figure as a plain number, for spreadsheets and data frames."""

import csv
import io
from dataclasses import fields
from unicodedata import normalize

from ...metrics.types import Distribution, Share, Timing
from ...runtime.text import printable
from ..model import KerasTiming, ReferenceRow, Report, VariantRow

_SHARE = {"_count": "count", "_images": "images", "": "value", "_low": "low", "_high": "high"}
_DIFFERENCE = {"difference_points": "points", "difference_low_points": "low", "difference_high_points": "high"}
_RELIABILITY = {"ece_images": "images", "ece_raw": "ece_raw", "temperature": "temperature", "ece": "ece"}
_MEMORY = {"memory_peak_mib": "peak_mib", "memory_increment_mib": "increment_mib"}
_RATIO = {"ratio_to_keras": "value", "ratio_to_keras_low": "low", "ratio_to_keras_high": "high"}
Line = dict[str, object]


def render_csv(report: Report) -> str:
    """Return one line for each model, engine and number of threads; the cell of what is not known is empty.

    The columns are the same for every report. Their names end in the unit; shares and probabilities are 0-1. Of lists
    there is only the length: the images that flipped, the classes and the bins of the reliability diagrams are in
    report.json. Lines of the kind "peer" are not part of edgeproof.
    """
    reference = report.reference
    lines = [_line(report, reference, "reference", timing) for timing in reference.timings or (None,)]
    for kind, rows in (("variant", report.rows), ("peer", report.peers)):
        lines += [_line(report, row, kind, timing) for row in rows for timing in row.timings or (None,)]
    content = io.StringIO()
    writer = csv.DictWriter(content, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: safe_cell(value) for name, value in line.items()} for line in lines)
    return content.getvalue()


def safe_cell(value: object) -> object:
    """Keep a spreadsheet from taking a name for a formula, which blanks can precede and full-width signs begin."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    # The compatibility form of a full-width sign is the plain one, and that of a no-break space is a blank.
    return f"'{text}" if normalize("NFKC", text).lstrip().startswith(("=", "+", "-", "@")) else text


def _line(report: Report, model: ReferenceRow | VariantRow, kind: str, timing: KerasTiming | Timing | None) -> Line:
    row = model if isinstance(model, VariantRow) else None
    reference = None if row else report.reference
    comparison = row and row.comparison
    outcome = comparison and comparison.outcome
    threads = timing and timing.threads
    parts = timing if isinstance(timing, Timing) else None
    return {
        "kind": kind,
        "variant": row and row.variant,
        "format": row.format if row else "keras",
        "recipe": row and row.recipe,
        "engine": model.engine,
        "call": timing.call if isinstance(timing, KerasTiming) else None,
        "sha256": model.sha256,
        "data_sha256": report.data.sha256,
        "parameters": reference and reference.parameters,
        "file_bytes": row.size.file_bytes if row else report.reference.file_bytes,
        "weights_bytes": row and row.size.weight_bytes,
        "gzip_bytes": row and row.size.gzip_bytes,
        **_share("accuracy", model.accuracy),
        **_share("agreement", comparison and comparison.agreement),
        "flipped_images": comparison and len(comparison.flips),
        "max_probability_difference": comparison and comparison.max_probability_difference,
        "mean_probability_difference": comparison and comparison.mean_probability_difference,
        **_figures(outcome and outcome.difference, _DIFFERENCE),
        "fixed_images": outcome and len(outcome.fixed),
        "broken_images": outcome and len(outcome.broken),
        "p_value": outcome and outcome.p_value,
        "p_adjusted": outcome and outcome.p_adjusted,
        "ece_drift": outcome and outcome.ece_drift,
        "verdict": row and row.verdict.kind,
        "verdict_words": row and row.verdict.words,
        **_figures(model.reliability, _RELIABILITY),
        **_figures(model.memory, _MEMORY),
        "threads": threads,
        "noise_floor_ratio": next((floor.ratio for floor in report.noise_floors if floor.threads == threads), None),
        "rank": parts and parts.rank,
        **_figures(parts and parts.ratio_to_keras, _RATIO),
        **_distribution("run", timing and timing.run),
        **_distribution("invoke", parts and parts.invoke),
        **_distribution("preprocessing", parts and parts.preprocessing),
        **_distribution("load", parts and parts.load),
        **_distribution("first", parts and parts.first),
    }


def _share(name: str, share: Share | None) -> Line:
    return _figures(share, {f"{name}{suffix}": attribute for suffix, attribute in _SHARE.items()})


def _distribution(name: str, times: Distribution | None) -> Line:
    return _figures(times, {f"{name}_{field.name}": field.name for field in fields(Distribution)})


def _figures(found: object, columns: dict[str, str]) -> Line:
    """Return columns from attributes; all are empty where nothing is known."""
    return {name: None if found is None else getattr(found, attribute) for name, attribute in columns.items()}
