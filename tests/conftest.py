"""Shared fixtures. What needs TensorFlow imports it inside the fixture: the light tests run without it."""

import gc
import random
import shutil
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from edgeproof.runtime.bundle.recipes import STANDARD_VARIANTS, Format
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
RUNNABLE = tuple(name for name in STANDARD_VARIANTS if INSTALLED[name.partition(".")[2]])


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
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands train and export in this process, where TensorFlow is warm, and not in a child that may die."""
    from tests.helpers.workers import InProcess

    monkeypatch.setattr("edgeproof.export.bundle.Worker", InProcess)
    monkeypatch.setattr("edgeproof.cli.verbs.train.Worker", InProcess)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trainings write no pictures, which take as long as all the rest of a small one."""
    monkeypatch.setattr("edgeproof.train.run._draw", lambda *_: None)


@pytest.fixture
def warm() -> Iterator[None]:
    """Let processes that this one starts begin with TensorFlow imported."""
    from tests.helpers.warm import warm_starts

    with warm_starts():
        yield


@pytest.fixture
def report() -> "Report":
    """A report of made-up figures."""
    from tests.helpers.reports import made_up_report

    return made_up_report()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--architectures", type=int, default=5, help="how many random architectures to export")
    parser.addoption("--old-python", help="a Python with tflite-runtime 2.14, to run exported files in")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "architecture_seed" in metafunc.fixturenames:
        metafunc.parametrize("architecture_seed", range(metafunc.config.getoption("architectures")))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"needs(what, ...): is skipped where one of these is absent: {[*INSTALLED]}")
    # What is started in the background of a script ignores Ctrl-C, and so would all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not RUNNABLE:
        raise pytest.UsageError("no engine is installed: most tests would be skipped")


def pytest_collectstart() -> None:
    # Keras draws the seeds of weights from Python's numbers, already where a module or a parameter has a layer.
    random.seed(0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    random.seed(0)


def pytest_collection_finish() -> None:
    # TensorFlow collects garbage with every conversion, and would go through all that was imported each time.
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        missing = [what for marker in item.iter_markers("needs") for what in marker.args if not INSTALLED[what]]
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}"))
