"""The self-test tries each file in a child process before it runs it itself."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from edgeproof.device.selftest import State, selftest
from edgeproof.runtime.bundle.recipes import STANDARD_VARIANTS
from edgeproof.runtime.engines.packages import PACKAGES

from tests.helpers.command import run_alone
from tests.helpers.files import vouch
from tests.helpers.tflite_files import FATAL_END, fatal_to_kernels

INT8 = "static_wi8_ai8.tflite"


@pytest.mark.needs("litert")
def test_a_file_that_ends_its_process_fails_and_the_others_are_tested(bundle_copy: Path) -> None:
    """In a process of its own: a self-test that ran the file itself would end, too."""
    (bundle_copy / INT8).write_bytes(fatal_to_kernels((bundle_copy / INT8).read_bytes()))
    vouch(bundle_copy, INT8)
    done = run_alone("selftest", bundle_copy, "--json")
    assert done.returncode == 1, done
    tests = json.loads(done.stdout)["tests"]
    assert list(dict.fromkeys(test["variant"] for test in tests)) == list(STANDARD_VARIANTS)
    failed = [test for test in tests if test["state"] == "FAILED"]
    assert [(test["variant"], test["engine"]) for test in failed] == [(INT8, "LiteRT"), (INT8, "LiteRT, plain kernels")]
    assert re.match(FATAL_END, failed[0]["reason"])


def test_each_file_is_tried_in_a_child_as_it_is_run_here(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []
    monkeypatch.setattr("edgeproof.device.selftest.probe_bundled", lambda *_, **how: tried.append(how))
    outcomes = [outcome for outcome in selftest(golden, threads=2) if outcome.state is State.OK]
    assert [how["threads"] for how in tried] == [2] * len(outcomes)
    assert [how["kernels"] != "usual kernels" for how in tried] == ["plain kernels" in o.engine for o in outcomes]
    known = {package.module: package.title for package in PACKAGES}
    assert all(o.engine.startswith(known[how["package"]]) for o, how in zip(outcomes, tried, strict=True))


def test_where_no_child_can_be_started_the_files_are_tested_here(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    assert {outcome.state for outcome in selftest(golden)} <= {State.OK, State.NOT_RUN}
