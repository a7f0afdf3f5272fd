"""Feed damaged model files to the runtime: each must be refused with an error of ours, or answered.

python tests/fuzz.py --files 3000 --seed 0

One process loads them all, as a service would. It is watched: when it dies, hangs or raises anything else, the file's
number is printed (``--first N --files 1`` repeats it), and the exit code is 1.
"""

import argparse
import queue
import random
import string
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

GOLDEN = Path(__file__).parent / "data" / "golden"
FORMATS = ("tflite", "onnx")
# Far more than the time after which the runtime itself gives up on a model.
SECONDS_PER_FILE = 120
# Whole numbers on which sizes, counts, offsets and indices break.
EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF)
_TEXT = frozenset(string.ascii_letters.encode() + b"\0")


def damaged(model_format: str, number: int, seed: int) -> bytes:
    """Return a golden file with one to 64 damages; the same for the same arguments."""
    rng = random.Random(f"{model_format} {number} {seed}")
    originals = [path.read_bytes() for path in sorted(GOLDEN.glob(f"*.{model_format}"))]
    model = bytearray(rng.choice(originals))
    # What lies between the weights is small, and breaks parsers; weights only break answers.
    places = list(range(len(model))) if rng.random() < 0.3 else _structure(model)
    # One damage gets past the first parser more often than many.
    for _ in range(2 ** min(rng.randrange(7) for _ in range(3))):
        _damage(model, places, rng, rng.choice(originals))
    # What the first look at a file would refuse, no parser sees.
    if model_format == "tflite":
        model[4:8] = b"TFL3"
    else:
        model[0] = 8
    return bytes(model)


def _damage(model: bytearray, places: list[int], rng: random.Random, other: bytes) -> None:
    place = min(rng.choice(places), len(model) - 1)
    word = place - place % 4
    match rng.randrange(40):
        case 0:
            del model[max(place, 16) :]
        case 1:
            length = min(rng.randrange(1, 256), len(model) - place)
            model[place : place + length] = bytes(length)
        case 2:
            start, length = rng.randrange(len(other)), rng.randrange(1, 512)
            model[place : place + length] = other[start : start + length]
        case 3 | 4:
            length, second = rng.randrange(1, 64), rng.choice(places)
            one, two = model[place : place + length], model[second : second + length]
            model[place : place + length], model[second : second + length] = two, one
        case kind if kind < 12:
            model[word : word + 4] = rng.choice(EDGES).to_bytes(4, "little")
        case kind if kind < 20:
            source = rng.choice(places) & ~3
            model[word : word + 4] = other[source : source + 4]
        case kind if kind < 26:
            model[place] = (model[place] + rng.choice((-2, -1, 1, 2))) % 256
        case kind if kind < 32:
            model[place] = rng.randrange(32)
        case kind if kind < 36:
            model[place] = rng.randrange(256)
        case _:
            model[place] ^= 1 << rng.randrange(8)


def _structure(model: bytearray) -> list[int]:
    """Return the places around names and small numbers, as opposed to weights."""
    blocks = range(0, len(model), 32)
    return [
        place
        for block in blocks
        if sum(byte in _TEXT for byte in model[block : block + 32]) > 16
        for place in range(block, min(block + 32, len(model)))
    ]


def work(model_format: str, first: int, files: int, seed: int) -> None:
    """Load and run the files, and print a line before and after each."""
    import numpy as np
    from edgeproof.runtime import Classifier, EdgeproofError

    images = np.random.default_rng(seed).integers(0, 256, (4, 28, 28, 1), np.uint8)
    images[0], images[1] = 0, 255
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model.{model_format}"
        for number in range(first, first + files):
            print("file", number, flush=True)
            path.write_bytes(damaged(model_format, number, seed))
            try:
                Classifier.load(path).predict(images)
                print("answered", flush=True)
            except EdgeproofError as error:
                print("refused:", error, flush=True)
            except Exception as error:
                print(f"raised {type(error).__name__}: {' '.join(str(error).split())}", flush=True)


def watch(model_format: str, first: int, files: int, seed: int) -> bool:
    """Run `work` in a process, and in another after each that ended early; print what became of the files."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    number, last = first - 1, first + files - 1
    while number < last:
        for number, end in _ends(model_format, number + 1, last - number, seed):  # noqa: B020
            counts[_kind(end)] += 1
            if not end.startswith(("answered", "refused")):
                failures.append(f"file {number} {end}")
    total = ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())
    print(f"{files:,} damaged .{model_format} files: {total}", *failures, sep="\n  ", flush=True)
    return not failures


def _kind(end: str) -> str:
    """Tell apart what refused a file: the trial in a child process by its death, or anything else."""
    for kind in ("ends the process", "gives no answer", "too much memory"):
        if kind in end:
            return f"refused because the model {kind}"
    return end.partition(":")[0]


def _ends(model_format: str, first: int, files: int, seed: int) -> Iterator[tuple[int, str]]:
    """Yield each file's number and end, until the process that loads them has ended or hangs."""
    options = ["--first", first, "--files", files, "--seed", seed, "--work", model_format]
    command = [sys.executable, __file__, *map(str, options)]
    number, ended = first - 1, True
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as worker:
        lines = _lines(worker)
        try:
            while line := lines.get(timeout=SECONDS_PER_FILE):
                ended = not line.startswith("file ")
                if ended:
                    yield number, line.strip()
                else:
                    number = int(line.removeprefix("file "))
        except queue.Empty:
            yield number, "hung"
            return
        finally:
            if worker.poll() is None and not ended:
                worker.kill()
    if number < first:
        sys.exit(f"the worker did not start: exit code {worker.returncode}")
    if worker.returncode or not ended:
        yield number, f"died: exit code {worker.returncode}"


def _lines(worker: "subprocess.Popen[str]") -> "queue.Queue[str]":
    """Return a queue of the lines that the process writes, and of an empty one at their end."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in worker.stdout or ():
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=3000, help="of each format")
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", choices=FORMATS, help="default: both")
    parser.add_argument("--work", choices=FORMATS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.first, options.files, options.seed)
        return 0
    chosen = [options.format] if options.format else FORMATS
    held = [watch(name, options.first, options.files, options.seed) for name in chosen]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
