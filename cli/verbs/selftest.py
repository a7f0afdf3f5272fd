"""`edgeproof selftest`."""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ...runtime.text import count
from ..arguments import positive
from ..json_output import versioned_json

if TYPE_CHECKING:
    from ...device.selftest import SelftestResult

SCHEMA_VERSION = 1
# Suffixes of the arrays of golden answers, after the variant's name, and the kernels that gave them.
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
    """Test every file in every engine, and print one line for each as it comes."""
    from ...device.installed import broken_packages, find_installed
    from ...device.selftest import State, selftest
    from ...runtime.bundle.reader import read_manifest
    from ...runtime.pretrained import PRETRAINED, find_pretrained

    bundle = options.bundle or find_pretrained(PRETRAINED[0])
    read_manifest(bundle)  # a mistyped path is an error before engines are tried
    results: list[SelftestResult] = []
    for result in selftest(bundle, threads=options.threads, broken=broken_packages(find_installed())):
        results.append(result)
        if not options.json:
            print(f"{result.state:7}  {result.variant:28}  {result.engine:36}  {_finding(result)}", flush=True)
    if options.json:
        document = {"bundle": str(bundle), "tests": [asdict(result) for result in results]}
        print(versioned_json(SCHEMA_VERSION, document), flush=True)
    else:
        counts = Counter(result.state for result in results)
        totals = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
        print(f"{count(len(results), 'test')}: {totals}", flush=True)
    _check(results)
    return 0


def _finding(result: "SelftestResult") -> str:
    deviation = result.deviation
    if deviation is None:
        return " ".join(result.reason.split())
    agreement = f"{deviation.agreeing} of {deviation.images} classes as the original's"
    if deviation.max_abs == 0 and not deviation.max_steps:
        whose = _WHOSE[deviation.golden.removeprefix(result.variant)]
        return f"equal to the {whose}golden answers; {agreement}"
    steps = "" if deviation.max_steps is None else f"{count(deviation.max_steps, 'step')}, "
    allowed = f"allowed {result.tolerance:g}" if result.tolerance else "must be equal"
    return f"off by {steps}{deviation.max_abs:.2g} (image {deviation.worst_image}), {allowed}; {agreement}"


def _check(results: Sequence["SelftestResult"]) -> None:
    from ...device.selftest import State
    from ...runtime.errors import CheckFailedError

    failed = [f"{o.variant} in {o.engine}" for o in results if o.state is State.FAILED]
    if failed:
        raise CheckFailedError(f"{len(failed)} of {len(results)} tests failed: {', '.join(failed)}")
    if not any(result.state is State.OK for result in results):
        reasons = dict.fromkeys(result.reason for result in results)
        raise CheckFailedError(f"nothing was run, so nothing is proven: {'; '.join(reasons) or 'the bundle is empty'}")
