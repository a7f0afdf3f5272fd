"""`edgeproof demo`, as typed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from edgeproof.runtime.bundle.recipes import STANDARD_VARIANTS

from tests.helpers.command import Done, run_alone
from tests.helpers.warm import warm_starts

pytestmark = pytest.mark.tensorflow

# The demo, but for a benchmark that is over sooner.
QUICK = """
import subprocess, sys
from edgeproof.cli import main

BENCHMARK = '''
import sys
from functools import partial
from edgeproof.benchmarks import options, run, writer  # which need the class itself, before it is replaced
from edgeproof.cli import main

options.BenchmarkOptions = partial(options.BenchmarkOptions, rounds=2, seconds=0.1, memory=False)
sys.exit(main())
'''

class Quick(subprocess.Popen):
    def __init__(self, command, **options):
        if "benchmark" in command:
            command = [*command[: command.index("-c") + 1], BENCHMARK, *command[command.index("benchmark") :]]
        super().__init__(command, **options)

subprocess.Popen = Quick
sys.exit(main(["demo", *sys.argv[1:]]))
"""


@pytest.fixture(scope="module")
def demo(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    out = tmp_path_factory.mktemp("demo") / "runs" / "demo"
    # What a training leaves that was killed while it wrote its first state: nothing to go on with.
    (out / "unfinished").mkdir(parents=True)
    (out / "unfinished" / ".state.npz").write_bytes(b"half")
    command = [sys.executable, "-P", "-c", QUICK, "--data", small_npz, "--epochs", "4", "--out", out]
    with warm_starts():
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return out, Done(done.returncode, done.stdout, done.stderr)


def test_the_demo_runs_the_whole_chain(demo: tuple[Path, Done]) -> None:
    out, done = demo
    assert (done.returncode, done.stderr) == (0, "")
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert found == {
        "model.keras",
        "training.json",
        *(f"{picture}.png" for picture in ("curves", "confusion", "mistakes")),
        *(f"bundle/{name}" for name in ("manifest.json", "labels.txt", "golden.npz")),
        *(f"bundle/{variant}" for variant in STANDARD_VARIANTS),
        *(f"report/report.{suffix}" for suffix in ("json", "html", "csv", "md")),
        "report/answers.csv",
        "report/predictions.png",
        "report/latency.npz",
    }


def test_the_demo_shows_the_commands_that_it_stands_for(demo: tuple[Path, Done]) -> None:
    commands = [line for line in demo[1].stdout.splitlines() if line.startswith("$ edgeproof ")]
    assert [line.split()[2] for line in commands] == ["train", "export", "benchmark"]


def test_the_demo_prints_the_table_of_its_report(demo: tuple[Path, Done]) -> None:
    out, done = demo
    document = json.loads((out / "report" / "report.json").read_text())
    assert [row["variant"] for row in document["rows"]] == [
        line.split()[0] for line in done.stdout.splitlines() if line.startswith(STANDARD_VARIANTS) and "%" in line
    ]


def test_a_failing_step_ends_the_demo_with_its_code(tmp_path: Path) -> None:
    done = run_alone("demo", "--data", tmp_path / "missing.npz", "--out", tmp_path / "demo")
    assert done.returncode == 2
    assert "no such data file" in done.stderr
    assert list(tmp_path.iterdir()) == []


STEPS_THAT_PRINT = """
import subprocess, sys
from edgeproof.cli import main

class Printing(subprocess.Popen):
    def __init__(self, command, **options):
        super().__init__([sys.executable, "-c", "print('a step')"], **options)

subprocess.Popen = Printing
sys.exit(main(["demo", *sys.argv[1:]]))
"""


def test_json_is_alone_on_standard_output(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", STEPS_THAT_PRINT, "--out", tmp_path, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    places = {"model": "model.keras", "bundle": "bundle", "report": "report"}
    assert json.loads(done.stdout) == {"schema_version": 1} | {key: str(tmp_path / places[key]) for key in places}
    assert (done.returncode, done.stderr.count("a step\n")) == (0, 3)
