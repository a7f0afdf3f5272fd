"""An explanation as text: for each file a table of layers, and what to do."""

import shlex
from textwrap import wrap

from ...metrics.explanation import EXACT_DB, Explanation, LayerFacts, VariantExplanation
from ...runtime.text import printable
from ...runtime.text_table import text_table
from .commands import UNKNOWN_DATA

_LONGEST_NAME = 44
_LONGEST_LINE = 120
_TO_ADD = (
    f"To the commands add what this bundle's export was given: the training data for {UNKNOWN_DATA}, and options such "
    "as --custom and --labels."
)


def as_text(explanation: Explanation) -> str:
    """Describe all files."""
    parts = [_variant(variant, explanation) for variant in explanation.variants]
    commands = [finding.command for variant in explanation.variants for finding in variant.findings]
    if any(UNKNOWN_DATA in shlex.split(command) for command in commands):
        parts.append(_TO_ADD)
    return "\n\n".join(parts)


def decibels(number: float | None) -> str:
    """Write a ratio in decibels.

    >>> decibels(31.25), decibels(200.0), decibels(None)
    ('31.2', 'exact', '-')
    """
    return "-" if number is None else "exact" if number >= EXACT_DB else f"{number:.1f}"


def _variant(variant: VariantExplanation, explanation: Explanation) -> str:
    time = "" if variant.time_ratio is None else f", {variant.time_ratio:.2f} of its time"
    db = decibels(variant.snr_db)
    head = (
        f"{variant.name}: {db if db == 'exact' else f'{db} dB'} against {variant.reference}{time}; "
        f"{explanation.images} {explanation.images_from}, {variant.engine}, 1 thread"
    )
    mixed = len({layer.floating for layer in variant.layers}) > 1
    parts = [head, text_table([_TITLES, *(_row(layer, tells_floats=mixed) for layer in variant.layers)])]
    if not any(operator.layers for operator in variant.operators):
        parts.append(f"{variant.reference} names no layers, so operators stand here: export the model again for names")
    if variant.unmatched:
        parts.append(
            f"without a counterpart in {variant.reference}: {', '.join(variant.unmatched[:5])}"
            + (f" and {len(variant.unmatched) - 5} more" if len(variant.unmatched) > 5 else "")
        )
    return "\n".join([*parts, *_findings(variant)])


def _findings(variant: VariantExplanation) -> list[str]:
    if not variant.findings:
        return ["Nothing to do: no layer loses much accuracy or time."]
    lines: list[str] = []
    for number, finding in enumerate(variant.findings, 1):
        lines += _wrapped(f"{number}. {finding.text}", indent="   ")
        lines += _wrapped(f"   {finding.action}{':' * bool(finding.command)}", indent="   ")
        lines += [f"     {finding.command}"] if finding.command else []
    return lines


def _wrapped(text: str, *, indent: str) -> list[str]:
    return wrap(text, _LONGEST_LINE, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


_TITLES = ("layer", "SNR so far", "own rounding", "channel spread", "range", "clipped", "outside", "bytes", "time")


def _row(layer: LayerFacts, *, tells_floats: bool) -> tuple[str, ...]:
    name = printable(layer.layer)
    ranges = "-" if layer.low is None or layer.high is None else f"{layer.low:.3g} … {layer.high:.3g}"
    return (
        f"{name[:_LONGEST_NAME]}{'…' * (len(name) > _LONGEST_NAME)}{' (float)' * (tells_floats and layer.floating)}",
        decibels(layer.snr_db),
        decibels(layer.own_snr_db),
        "-" if layer.spread is None else f"{layer.spread:.1f}",
        ranges,
        "-" if layer.clipped is None else f"{layer.clipped * 100:.2f} %" if layer.clipped else "0",
        {None: "-", True: "yes", False: ""}[layer.outside],
        f"{layer.weight_bytes:,}",
        "-" if layer.time_share is None else f"{layer.time_share * 100:.1f} %",
    )
