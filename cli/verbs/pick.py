"""`edgeproof pick`."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from ...runtime.errors import one_line
from ...runtime.text_table import aligned
from ..arguments import given
from ..gate_arguments import JUDGING, add_budgets, add_subject, end_gate, read_gate_input
from ..json_output import versioned_json

if TYPE_CHECKING:
    from ...report.gate.selection import Choice
    from ...report.model import Report

SCHEMA_VERSION = 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    from ...report.gate.selection import Objective

    add_subject(parser)
    parser.add_argument(
        "--by",
        type=str,
        choices=[*map(str, Objective)],
        default=str(Objective.FASTEST),
        help="what the best variant is best in; latencies within the noise of the run are a tie, which the smaller "
        f"file wins (default: {Objective.FASTEST})",
    )
    add_budgets(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print the best variant, and why the others lost."""
    from ...report.gate.budget import Need
    from ...report.gate.selection import Objective, pick_variant

    by = Objective(options.by)
    found = read_gate_input(options, latency=by.need is Need.LATENCY, memory=by.need is Need.MEMORY)
    choice = pick_variant(found.report, found.limits, by=by, baseline=found.baseline, **given(options, JUDGING))
    print(_json(choice, found.report) if options.json else _text(choice), flush=True)
    end_gate(options, found, "no variant holds every budget" if choice.winner is None else "")
    return 0


def _text(choice: "Choice") -> str:
    winner = [] if choice.winner is None else [(one_line(choice.winner.title), choice.words)]
    lines = [*winner, *((one_line(loser.row), one_line(loser.words)) for loser in choice.losers)]
    text = aligned(lines, left=(0, 1))
    return "\n".join([*text[: len(winner)], *([""] if winner and choice.losers else []), *text[len(winner) :]])


def _json(choice: "Choice", report: "Report") -> str:
    winner = choice.winner
    document = {
        "by": choice.by,
        "threads": choice.threads,
        "winner": None
        if winner is None
        else {"row": winner.title, "variant": winner.variant, "engine": winner.engine, "words": choice.words},
        "losers": [asdict(loser) for loser in choice.losers],
        "skipped": [asdict(image) for image in report.data.skipped],
    }
    return versioned_json(SCHEMA_VERSION, document)
