"""Run verbs under many limits of their memory, and count how they end: `python -m tests.faults.low_memory`.

Each limit is one of the address space (RLIMIT_AS), which a command and its children have each; the lowest is one at
which Python itself just starts, the highest one that is enough. Acceptable ends are success, and one line with exit
code 1 or 2 and nothing left behind. Exit code 1 if there was any other.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "data" / "golden"
MIB = 2**20
SECONDS = 120.0
DONE, REFUSED = "done", "one line"
ACCEPTABLE = (DONE, REFUSED)

# The limit begins once the interpreter runs: below its own needs nothing of ours is there to answer.
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
from edgeproof.__main__ import start
sys.argv[0] = "edgeproof"
start()
"""


def main() -> int:
    """Print a table of the ends of every verb, and what was not acceptable."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--levels", type=int, default=20, help="limits for each verb (default: 20)")
    parser.add_argument("--verb", action="append", choices=VERBS, help="only this one (default: all)")
    options = parser.parse_args()
    bad: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for verb in options.verb or VERBS:
            ends = [(limit, *try_verb(verb, limit, Path(folder))) for limit in limits(verb, options.levels)]
            print(
                f"{verb:10}", *(f"{count} {end}" for end, count in Counter(end for _, end, _ in ends).items()), sep="  "
            )
            bad += [f"{verb} {limit // MIB} MiB: {end}: {words}" for limit, end, words in ends if end not in ACCEPTABLE]
            sys.stdout.flush()
    print(*bad, sep="\n")
    return bool(bad)


def limits(verb: str, count: int) -> list[int]:
    """Return the limits for a verb in bytes, from too few to enough."""
    low, high = VERBS[verb][1]
    return [int(limit) for limit in np.geomspace(low * MIB, high * MIB, count)]


def try_verb(verb: str, limit: int, folder: Path) -> tuple[str, str]:
    """Run a verb under a limit in bytes; return how it ended, and what it said on standard error."""
    arguments, out = VERBS[verb][0](folder)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    command = [sys.executable, "-P", "-c", LIMITED.format(limit=limit), *arguments]
    environment = os.environ | {"TMPDIR": str(out)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        _, errors = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "hangs", ""
    left = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    return judge(process.returncode, errors, left), errors[-300:]


def judge(code: int, errors: str, left: Sequence[str]) -> str:
    """Name an end, given the exit code, standard error, and the files that were left."""
    errors = "".join(line for line in errors.splitlines(keepends=True) if not line.startswith("  "))  # not progress
    if "Traceback" in errors:
        return "traceback"
    if code < 0:
        return "killed"
    if code == 0:
        return DONE if not errors else "words with exit code 0"
    if code not in (1, 2) or errors.count("\n") != 1 or not errors.startswith("edgeproof"):
        return "other words or exit codes"
    return f"left {', '.join(left)}" if left else REFUSED


def data(folder: Path) -> Path:
    """Write a small data set, once."""
    file = folder / "small.npz"
    if not file.exists():
        with np.load(ROOT / "data" / "mnist.npz") as mnist:
            np.savez(file, **{name: mnist[name][:300] for name in mnist.files})
    return file


def predict(folder: Path) -> tuple[list[str], Path]:
    """Return the arguments, and the folder that they write into, for each verb."""
    return ["predict", str(ROOT / "tests" / "data" / "seven.png"), "--model", str(GOLDEN)], folder / "predict"


def selftest(folder: Path) -> tuple[list[str], Path]:
    return ["selftest", str(GOLDEN)], folder / "selftest"


def inspect(folder: Path) -> tuple[list[str], Path]:
    return ["inspect", str(GOLDEN / "float32.tflite")], folder / "inspect"


def train(folder: Path) -> tuple[list[str], Path]:
    out = folder / "train"
    arguments = ["--data", str(data(folder)), "--preset", "tiny", "--epochs", "1", "--out", str(out / "run")]
    return ["train", *arguments], out


def export(folder: Path) -> tuple[list[str], Path]:
    out = folder / "export"
    arguments = ["--data", str(data(folder)), "--recipes", "float32", "--out", str(out / "bundle")]
    return ["export", str(trained(folder)), *arguments], out


def benchmark(folder: Path) -> tuple[list[str], Path]:
    out = folder / "benchmark"
    bundle = exported(folder)
    return ["benchmark", str(bundle), "--data", str(data(folder)), "--seconds", "0.1", "--out", str(out / "r")], out


def trained(folder: Path) -> Path:
    """Train a model, once."""
    if not (folder / "model" / "model.keras").exists():
        arguments = ["--data", data(folder), "--preset", "tiny", "--epochs", "1", "--out", folder / "model"]
        subprocess.run([sys.executable, "-P", "-m", "edgeproof", "train", *arguments], check=True, capture_output=True)
    return folder / "model" / "model.keras"


def exported(folder: Path) -> Path:
    """Export it, once."""
    model = trained(folder)
    if not (folder / "model" / "bundle").exists():
        arguments = [model, "--data", data(folder), "--recipes", "float32"]
        subprocess.run([sys.executable, "-P", "-m", "edgeproof", "export", *arguments], check=True, capture_output=True)
    return folder / "model" / "bundle"


# What is run, and the lowest and the highest limit in MiB.
VERBS: dict[str, tuple[Callable[[Path], tuple[list[str], Path]], tuple[int, int]]] = {
    "predict": (predict, (40, 2_000)),
    "selftest": (selftest, (40, 4_000)),
    "inspect": (inspect, (40, 2_000)),
    "train": (train, (40, 8_000)),
    "export": (export, (40, 12_000)),
    "benchmark": (benchmark, (40, 12_000)),
}


if __name__ == "__main__":
    sys.exit(main())
