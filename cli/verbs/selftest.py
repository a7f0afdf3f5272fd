"""`edgeproof selftest`."""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..arguments import positive

if TYPE_CHECKING:
    from ...device.selftest import SelftestResult

SCHEMA_VERSION = 1
# What comes after a variant's name in the name of an array of golden answers, and whose these are.
_WHOSE = {"": "", "/builtin_kernels": "built-in kernels' ", "/reference_kernels": "plain kernels' "}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument(
        "bundle",
        nargs="?",
        type=Path,
        metavar="BUNDLE",
        help="a bundle: the folder that export writes (default: the built-in model)",
    )
    parser.add_argument("--threads", type=positive, default=1, help="threads of the engine (default: 1)")
    parser.add_argument("--json", action="store_true", help="print JSON, with the figures of every test")


def run(options: argparse.Namespace) -> int:
    """Test, and print one line for each file and engine as it comes."""
    from ...device.installed import broken_packages, find_installed
    from ...device.selftest import selftest
    from ...runtime.bundle.reader import read_manifest
    from ...runtime.pretrained import PRETRAINED, find_pretrained

    bundle = options.bundle or find_pretrained(PRETRAINED[0])
    read_manifest(bundle)  # a mistyped path is told before engines are tried
    outcomes: list[SelftestResult] = []
    for outcome in selftest(bundle, threads=options.threads, broken=broken_packages(find_installed())):
        outcomes.append(outcome)
        if not options.json:
            print(_line(outcome), flush=True)
    if options.json:
        document = {
            "schema_version": SCHEMA_VERSION,
            "bundle": str(bundle),
            "tests": [asdict(outcome) for outcome in outcomes],
        }
        print(json.dumps(document, indent=2), flush=True)
    else:
        print(_summary(outcomes), flush=True)
    _check(outcomes)
    return 0


def _line(outcome: "SelftestResult") -> str:
    return f"{outcome.state:7}  {outcome.variant:24}  {outcome.engine:36}  {_finding(outcome)}"


def _finding(outcome: "SelftestResult") -> str:
    deviation = outcome.deviation
    if deviation is None:
        return " ".join(outcome.reason.split())
    agreement = f"{deviation.agreeing} of {deviation.images} classes as the original's"
    if deviation.max_abs == 0 and not deviation.max_steps:
        whose = _WHOSE[deviation.golden.removeprefix(outcome.variant)]
        return f"equal to the {whose}golden answers; {agreement}"
    steps = "" if deviation.max_steps is None else f"{deviation.max_steps} step{'s' * (deviation.max_steps != 1)}, "
    allowed = f"allowed {outcome.tolerance:g}" if outcome.tolerance else "must be equal"
    return f"off by {steps}{deviation.max_abs:.2g} (image {deviation.worst_image}), {allowed}; {agreement}"


def _summary(outcomes: Sequence["SelftestResult"]) -> str:
    from ...device.selftest import State

    counts = Counter(outcome.state for outcome in outcomes)
    return f"{len(outcomes)} tests: " + ", ".join(f"{counts[state]} {state}" for state in State if counts[state])


def _check(outcomes: Sequence["SelftestResult"]) -> None:
    from ...device.selftest import State
    from ...runtime.errors import CheckFailedError

    failed = [f"{o.variant} in {o.engine}" for o in outcomes if o.state is State.FAILED]
    if failed:
        raise CheckFailedError(f"{len(failed)} of {len(outcomes)} tests failed: {', '.join(failed)}")
    if not any(outcome.state is State.OK for outcome in outcomes):
        reasons = dict.fromkeys(outcome.reason for outcome in outcomes)
        raise CheckFailedError(f"nothing was run, so nothing is proven: {'; '.join(reasons) or 'the bundle is empty'}")
