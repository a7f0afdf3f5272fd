"""Overhead of the runtime over a bare engine: time per image, imports, cold start, memory, size.

    python -m studies.overhead

Both sides of a ratio are measured in turns in one run, so that a busy machine slows both alike. The budgets are the
project's own.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from edgeproof.benchmarks.fresh_processes import PEAK_KIB, measure_processes, run_program
from edgeproof.cli.arguments import positive
from edgeproof.device.environment import describe_environment
from edgeproof.runtime.bundle.golden import read_golden
from edgeproof.runtime.bundle.reader import read_manifest, read_vouched_file
from edgeproof.runtime.classifier import Classifier
from edgeproof.runtime.engines.packages import LITERT
from edgeproof.runtime.pretrained import find_pretrained
from numpy.typing import NDArray
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .results_store import write_json

SCHEMA_VERSION = 1
_MODEL = "mnist"
_BATCH = 10_000
_MANY, _STREAM = 1_000_000, 100_000
_ENGINE_ALONE = "import numpy\nimport ai_edge_litert.interpreter\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        what: Its name; for a ratio both sides.
        value: In `unit`.
        budget: The most that `value` should be.
        unit: ``"x"`` for a ratio.
        detail: Both sides of a ratio.
    """

    what: str
    value: float
    budget: float
    unit: str
    detail: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m studies.overhead", description=__doc__)
    parser.add_argument("--rounds", type=positive, default=15, help="repetitions of each comparison (default: 15)")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args(arguments)
    environment = describe_environment()
    figures: list[Figure] = []
    for measure in (_one_image, _many_images, _imports, _cold_start, _growth, _installed):
        for figure in measure(options.rounds):
            figures.append(figure)
            within = "within" if figure.value <= figure.budget else "OVER"
            line = (
                f"{figure.what:60} {figure.value:7.2f} {figure.unit:3}  {within} {figure.budget:g}  {figure.detail}\n"
            )
            sys.stdout.write(line)
            sys.stdout.flush()
    if options.json is not None:
        document = {"schema_version": SCHEMA_VERSION, "environment": environment}
        write_json({**document, "findings": [asdict(figure) for figure in figures]}, options.json)
    return 0


def _one_image(rounds: int) -> list[Figure]:
    classifier, (run, _) = Classifier.load(_MODEL), _by_hand()
    images = _digits(256)
    tensors = [image[np.newaxis, :, :, np.newaxis] for image in images]
    bare, ours = _in_turns(
        [lambda: [run(tensor) for tensor in tensors], lambda: [classifier.predict(image) for image in images]],
        rounds * 4,
    )
    return [
        Figure(
            what="predict on one 28x28 array / set + invoke + get",
            value=ours / bare,
            budget=1.5,
            unit="x",
            detail=f"{ours / len(images) * 1e6:.1f} µs / {bare / len(images) * 1e6:.1f} µs",
        )
    ]


def _many_images(rounds: int) -> list[Figure]:
    classifier, (_, run_all) = Classifier.load(_MODEL), _by_hand()
    images = _digits(_BATCH)
    bare, ours, spread = _in_turns(
        [
            lambda: run_all(images[..., np.newaxis]),
            lambda: classifier.predict(images),
            lambda: classifier.predict(images, workers=2),
        ],
        rounds,
    )
    what = f"predict on {_BATCH:,} images"
    detail = "{:.0f} ms / " + f"{bare * 1e3:.0f} ms"
    return [
        Figure(
            what=f"{what} / a loop by hand",
            value=ours / bare,
            budget=1.05,
            unit="x",
            detail=detail.format(ours * 1e3),
        ),
        Figure(
            what=f"{what}, workers=2 / a loop by hand",
            value=spread / bare,
            budget=0.6,
            unit="x",
            detail=detail.format(spread * 1e3),
        ),
    ]


def _imports(rounds: int) -> list[Figure]:
    costs = measure_processes(
        {"python": "", "numpy": "import numpy\n", "runtime": "from edgeproof.runtime import Classifier\n"},
        rounds=rounds * 2,
    )
    start = costs["python"].seconds
    ours, numpy_alone = (costs[name].seconds - start for name in ("runtime", "numpy"))
    return [
        Figure(
            what="import edgeproof.runtime / import numpy",
            value=ours / numpy_alone,
            budget=1.15,
            unit="x",
            detail=f"{ours * 1e3:.0f} ms / {numpy_alone * 1e3:.0f} ms beyond {start * 1e3:.0f} ms of bare Python",
        )
    ]


def _cold_start(rounds: int) -> list[Figure]:
    with TemporaryDirectory() as folder:
        image = Path(folder, "digit.png")
        _save(_digits(1)[0], image)
        predict = f"from edgeproof.cli import main\nassert main(['predict', {str(image)!r}]) == 0\n"
        costs = measure_processes({"engine": _ENGINE_ALONE, "predict": predict}, rounds=rounds)
    ours, bare = costs["predict"], costs["engine"]
    return [
        Figure(
            what="edgeproof predict digit.png, cold / NumPy and LiteRT alone",
            value=ours.seconds / bare.seconds,
            budget=2.0,
            unit="x",
            detail=f"{ours.seconds * 1e3:.0f} ms / {bare.seconds * 1e3:.0f} ms",
        ),
        Figure(
            what="its peak memory / NumPy and LiteRT alone",
            value=ours.peak_mib / bare.peak_mib,
            budget=1.5,
            unit="x",
            detail=f"{ours.peak_mib:.1f} MiB / {bare.peak_mib:.1f} MiB",
        ),
    ]


def _growth(_: int) -> list[Figure]:
    one = result_of(f"""
import json, numpy as np
from edgeproof.runtime import Classifier
classifier = Classifier.load({_MODEL!r})
image = np.zeros((28, 28), np.uint8)
image[4:24, 12:16] = 255
for _ in range(1000):
    classifier.predict_one(image)
before = peak_kib()
for _ in range({_MANY:_}):
    classifier.predict_one(image)
print(json.dumps({{"grown": peak_kib() - before}}))
""")
    stream = result_of(f"""
import json, numpy as np
from edgeproof.runtime import Classifier
classifier = Classifier.load({_MODEL!r})
def images(count):
    for number in range(count):
        image = np.zeros((28, 28), np.uint8)
        image[4:24, 12 + number % 3 : 16] = 255
        yield image
sum(1 for _ in classifier.stream(images(1000), workers=2))
before = peak_kib()
assert sum(1 for _ in classifier.stream(images({_STREAM:_}), workers=2)) == {_STREAM}
print(json.dumps({{"grown": peak_kib() - before}}))
""")
    return [
        Figure(
            what=f"growth of peak memory over {_MANY:,} predictions",
            value=one["grown"] / 1024,
            budget=2.0,
            unit="MiB",
            detail="",
        ),
        Figure(
            what=f"growth of peak memory over {_STREAM:,} images of a generator",
            value=stream["grown"] / 1024,
            budget=2.0,
            unit="MiB",
            detail="two workers",
        ),
    ]


def _installed(_: int) -> list[Figure]:
    sizes = {name: size / 1e6 for name, size in installed_sizes("edgeproof", extra="litert").items()}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:3]
    return [
        Figure(
            what="pip install edgeproof[litert], site-packages",
            value=sum(sizes.values()),
            budget=160.0,
            unit="MB",
            detail=", ".join(f"{name} {sizes[name]:.0f}" for name in largest) + f"; {len(sizes)} packages",
        )
    ]


def result_of(program: str) -> dict[str, float]:
    """Run a Python program in a fresh interpreter and return the JSON object that it prints last.

    `peak_kib()` is there for it to call.
    """
    return json.loads(run_program(PEAK_KIB + program).stdout.splitlines()[-1])


def installed_sizes(package: str, *, extra: str) -> dict[str, int]:
    """Return the bytes on the disk of a package with one of its extras and of all its requirements, by package.

    Sizes are those of the files that pip has recorded. Requirements that are not installed are for other platforms.
    """
    sizes: dict[str, int] = {}
    waiting = [package]
    while waiting:
        name = waiting.pop()
        if name in sizes:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        sizes[name] = sum(_size(Path(str(file.locate()))) for file in found.files or ())
        asked = {"extra": extra if name == package else ""}
        requirements = map(Requirement, found.requires or ())
        waiting += [canonicalize_name(r.name) for r in requirements if r.marker is None or r.marker.evaluate(asked)]
    return sizes


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _by_hand() -> tuple[Callable[[NDArray[np.uint8]], Any], Callable[[NDArray[np.uint8]], list[Any]]]:
    """Return the code that users write themselves: a function for one image, and a loop over many."""
    folder = find_pretrained(_MODEL)
    variant = read_manifest(folder).variant("int8.tflite")
    interpreter = LITERT.load("interpreter").Interpreter(
        model_content=read_vouched_file(folder, variant), num_threads=1
    )
    interpreter.allocate_tensors()
    taken = interpreter.get_input_details()[0]["index"]
    given = interpreter.get_output_details()[0]["index"]

    def run(tensor: NDArray[np.uint8]) -> Any:  # noqa: ANN401  (an array, without types)
        interpreter.set_tensor(taken, tensor)
        interpreter.invoke()
        return interpreter.get_tensor(given)

    def run_all(batch: NDArray[np.uint8]) -> list[Any]:
        answers: list[Any] = []
        for i in range(len(batch)):
            interpreter.set_tensor(taken, batch[i : i + 1])
            interpreter.invoke()
            answers.append(interpreter.get_tensor(given))
        return answers

    return run, run_all


def _digits(count: int) -> NDArray[np.uint8]:
    """Return the golden images of the built-in model, repeated as needed: uint8 of shape (count, 28, 28)."""
    folder = find_pretrained(_MODEL)
    return np.resize(read_golden(folder, read_manifest(folder)).inputs[..., 0], (count, 28, 28))


def _save(digit: NDArray[np.uint8], file: Path) -> None:
    from PIL import Image

    Image.fromarray(digit).save(file)


def _in_turns(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return the median seconds of each call, made in turns after a first round that does not count."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for call, taken in zip(calls, times, strict=True):
            start = perf_counter()
            call()
            if number > 0:
                taken.append(perf_counter() - start)
    return [median(taken) for taken in times]


if __name__ == "__main__":
    sys.exit(main())
