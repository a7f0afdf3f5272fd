"""Shared fixtures. What needs TensorFlow imports it inside the fixture: the light tests run without it."""

import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from edgeproof.runtime.bundle.recipes import ALL_VARIANTS, Format
from edgeproof.runtime.engines.engine import ENGINE_OF, is_installed

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset
    from edgeproof.report.model import Report

HERE = Path(__file__).parent

# What a test may name in `needs`: an engine for a format, the newer one of those for TFLite, or the reader of pictures.
INSTALLED = {
    "tflite": is_installed(ENGINE_OF[Format.TFLITE]),
    "litert": find_spec("ai_edge_litert") is not None,
    "onnx": is_installed(ENGINE_OF[Format.ONNX]),
    "pillow": find_spec("PIL") is not None,
}
RUNNABLE = tuple(name for name in ALL_VARIANTS if INSTALLED[name.partition(".")[2]])


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return HERE.parent


@pytest.fixture(scope="session")
def files() -> Path:
    """The folder of pictures; nobody opens them without Pillow."""
    pytest.importorskip("PIL", reason="needs pillow")
    return HERE / "data"


@pytest.fixture(scope="session")
def golden() -> Path:
    """A committed bundle of a tiny model: 98.6 % on MNIST."""
    return HERE / "data" / "golden"


@pytest.fixture(scope="session")
def runnable() -> tuple[str, ...]:
    """The variants whose engine is installed."""
    return RUNNABLE


@pytest.fixture(params=RUNNABLE)
def variant(request: pytest.FixtureRequest) -> str:
    """Each of the variants whose engine is installed."""
    return request.param


@pytest.fixture
def bundle_copy(golden: Path, tmp_path: Path) -> Path:
    """A copy of the golden bundle that a test may damage."""
    return Path(shutil.copytree(golden, tmp_path / "bundle"))


@pytest.fixture(scope="session")
def small_npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 training and 200 test digits of MNIST in the Keras layout."""
    path = tmp_path_factory.mktemp("data") / "small.npz"
    with np.load(HERE.parent / "data" / "mnist.npz") as mnist:
        train, test = slice(0, 600), slice(0, 200)
        np.savez(
            path,
            x_train=mnist["x_train"][train],
            y_train=mnist["y_train"][train],
            x_test=mnist["x_test"][test],
            y_test=mnist["y_test"][test],
        )
    return path


@pytest.fixture(scope="session")
def small_data(small_npz: Path) -> "Dataset":
    from edgeproof.datasets.loading import load_data

    return load_data(small_npz)


@pytest.fixture(scope="session")
def run_folder(small_data: "Dataset", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training run of three epochs on the small digits: model.keras, training.json, curves.png."""
    from edgeproof.train.options import FitOptions
    from edgeproof.train.run import train

    out = tmp_path_factory.mktemp("run")
    train(small_data, out, options=FitOptions(epochs=3, batch_size=32, learning_rate=1e-2))
    return out


@pytest.fixture(scope="session")
def exported(run_folder: Path, small_data: "Dataset") -> Path:
    """The bundle of that run, beside its model.keras."""
    from edgeproof.export.bundle_writer import write_bundle

    (run_folder / "bundle").mkdir()
    write_bundle(run_folder / "model.keras", small_data, run_folder / "bundle")
    return run_folder / "bundle"


@pytest.fixture
def report() -> "Report":
    """A report of made-up figures on 100 images: how they are found is tested elsewhere, here it is what follows."""
    from edgeproof.metrics import types as f
    from edgeproof.report import model as r

    def share(count: int) -> f.Share:
        return f.Share(count=count, images=100, value=count / 100, low=count / 100 - 0.05, high=count / 100 + 0.02)

    def distribution(us: float, runs: int = 2000) -> f.Distribution:
        return f.Distribution(
            runs=runs,
            min_us=us * 0.9,
            p50_us=us,
            p50_low_us=us * 0.99,
            p50_high_us=us * 1.01,
            p90_us=us * 1.2,
            p99_us=us * 2,
            p999_us=us * 3 if runs >= 1000 else None,
            max_us=us * 10,
        )

    def reliability(raw: float, temperature: float, ece: float) -> f.Reliability:
        bins = (
            f.ReliabilityBin(images=10, probability=0.6, accuracy=0.5),
            f.ReliabilityBin(images=90, probability=0.99, accuracy=1.0),
        )
        return f.Reliability(images=100, ece_raw=raw, temperature=temperature, ece=ece, bins=bins)

    def timing(us: float, slower_than: tuple[str, ...], threads: int) -> f.Timing:
        return f.Timing(
            threads=threads,
            run=distribution(us),
            invoke=distribution(us * 0.8),
            preprocessing=distribution(3.0),
            load=distribution(2500.0, runs=40),
            first=distribution(us * 4, runs=40),
            ratio_to_keras=f.Ratio(value=us / 500, low=us / 510, high=us / 490, tie=False),
            slower_than=slower_than,
        )

    def flip(position: int, truth: int, reference: int, found: int) -> f.Flip:
        return f.Flip(
            position=position,
            truth=truth,
            reference=reference,
            reference_probability=0.6,
            found=found,
            found_probability=0.55,
        )

    worse = f.LabelledComparison(
        difference=f.Difference(points=-1.0, low=-5.25, high=2.5),
        fixed=(4,),
        broken=(17, 23),
        p_value=1.0,
        p_adjusted=1.0,
        recall_differences=(0.0, -2.5, None),
        ece_drift=0.0111,
    )
    tie = f.LabelledComparison(
        difference=f.Difference(points=0.0, low=-3.7, high=3.7),
        fixed=(),
        broken=(),
        p_value=1.0,
        p_adjusted=1.0,
        recall_differences=(0.0, 0.0, None),
        ece_drift=0.0,
    )

    fastest = "static_wi8_ai8.onnx in ONNX Runtime 1.32.0"

    def row(variant: str, engine: str, file_bytes: int, us: tuple[float, float], same: bool) -> r.VariantRow:
        recipe, _, suffix = variant.partition(".")
        flips = () if same else (flip(4, 1, 0, 1), flip(17, 0, 0, 1), flip(23, 1, 1, 0))
        kind = f.VerdictKind.TIE if same else f.VerdictKind.NO_DROP
        slower_than = (fastest,) if same else ()
        return r.VariantRow(
            variant=variant,
            format=suffix,
            recipe=recipe,
            engine=engine,
            sha256="b" * 64,
            size=f.Size(file_bytes=file_bytes, weight_bytes=file_bytes - 5000, gzip_bytes=file_bytes - 2000),
            accuracy=share(98 if same else 97),
            comparison=f.Comparison(
                agreement=share(100 - len(flips)),
                flips=flips,
                max_probability_difference=0.0 if same else 0.25,
                mean_probability_difference=0.0 if same else 0.0125,
                outcome=tie if same else worse,
            ),
            verdict=f.Verdict(kind=kind, words=f"{kind} with n = 100; at most 3.7 points could hide"),
            reliability=reliability(0.0123, 1.0, 0.0123) if same else reliability(0.0234, 0.875, 0.0056),
            timings=tuple(timing(t, slower_than, threads) for t, threads in zip(us, (1, 2), strict=True)),
            memory=f.Memory(peak_mib=61.0 + same, increment_mib=31.0 + same),
        )

    return r.Report(
        environment={
            "date": "2026-01-02T03:04:05+00:00",
            "cpu": "Test & Sons <CPU>",
            "machine": "x86_64",
            "cores": 4,
            "affinity": [0, 1],
            "memory_mib": 8000,
            "system": "Linux",
            "python": "3.11.7",
            "packages": {"edgeproof": "0.1.0", "tensorflow": "2.21.0", "numpy": "2.4.6"},
            "before": {"governor": None, "frequency_mhz": None, "temperature_c": 41.5, "throttled": None, "load": 0.5},
            "after": {"governor": None, "frequency_mhz": None, "temperature_c": 52.0, "throttled": None, "load": 1.5},
        },
        data=r.DataFacts(name="digits", images=100, labelled=True, sha256="d" * 64, classes=("a", "b", "c")),
        method={"seconds_per_variant": 2.0, "rounds": 20, "turns_per_round": 2, "memory_processes": 3},
        reference=r.ReferenceRow(
            sha256="a" * 64,
            file_bytes=123_456,
            parameters=20_730,
            engine="Keras 3.15.1, TensorFlow 2.21.0",
            accuracy=share(98),
            wrong=(4, 50),
            class_images=(60, 40, 0),
            confusions=(f.Confusion(truth=1, answer=0, count=2),),
            reliability=reliability(0.0123, 1.0, 0.0123),
            timings=tuple(
                r.KerasTiming(call=call, threads=threads, run=distribution(us))
                for threads in (1, 2)
                for call, us in (("tf.function", 500.0), ("model(x)", 5000.0), ("model.predict", 50_000.0))
            ),
            memory=f.Memory(peak_mib=700.0, increment_mib=670.0),
        ),
        rows=(
            row("float32.tflite", "LiteRT 2.3.0", 80_000, (100.0, 60.0), same=True),
            row("static_wi8_ai8.onnx", "ONNX Runtime 1.32.0", 30_000, (50.0, 55.0), same=False),
        ),
        peers=(replace(row("float32.onnx", "OpenVINO 2026.4.1", 81_000, (70.0, 65.0), same=True), memory=None),),
        not_run={},
        noise_floors=(r.NoiseFloor(threads=1, ratio=1.02), r.NoiseFloor(threads=2, ratio=1.05)),
        sustained=None,
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--architectures", type=int, default=5, help="how many random architectures to export")
    parser.addoption("--old-python", help="a Python with tflite-runtime 2.14, to run exported files in")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "architecture_seed" in metafunc.fixturenames:
        metafunc.parametrize("architecture_seed", range(metafunc.config.getoption("architectures")))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"needs(what, ...): is skipped where one of these is absent: {[*INSTALLED]}")
    if not RUNNABLE:
        raise pytest.UsageError("no engine is installed: most tests would be skipped")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        missing = [what for marker in item.iter_markers("needs") for what in marker.args if not INSTALLED[what]]
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}"))
