"""Errors that only interrupt a call: they say nothing about its file, and come out of it unchanged."""

import errno
import io
import signal
import sys
from collections.abc import Callable
from contextvars import copy_context
from functools import cache, partial, singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgeproof.datasets.images.listing import list_images
from edgeproof.runtime.engines.packages import LITERT, ONNX_RUNTIME
from edgeproof.runtime.errors import InvalidFileError, foreign_errors
from edgeproof.runtime.images.reading import decode_image, read_image
from edgeproof.runtime.io.files import read_file

from tests.helpers.interruptions import INTERRUPTIONS, HandlersError, assert_unchanged, raising


@pytest.fixture(params=INTERRUPTIONS.values(), ids=INTERRUPTIONS)
def interruption(request: pytest.FixtureRequest) -> BaseException:
    return request.param()


def test_interruptions_pass_whatever_is_caught(interruption: BaseException) -> None:
    with raising(interruption) as interrupt:

        def call() -> None:
            with foreign_errors(InvalidFileError, "it is damaged", caught=(Exception, SystemExit)):
                interrupt()

        assert_unchanged(interruption, call)


def fail_late(*_: object) -> None:
    raise HandlersError("late")


def fail_late_and_restore(*_: object) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    raise HandlersError("late")


class Handler:
    def __call__(self, number: int, frame: object) -> None:
        fail_late()

    def method(self, number: int, frame: object) -> None:
        fail_late()


class DelegatingHandler:
    __call__ = partial(fail_late)


@pytest.mark.parametrize(
    "handler",
    [
        fail_late,
        fail_late_and_restore,
        Handler(),
        Handler().method,
        DelegatingHandler(),
        partial(fail_late, "one"),
        partial(partial(fail_late, "one"), "another"),
        partial(copy_context().run, fail_late),
        cache(fail_late),
        singledispatch(fail_late),
    ],
    ids=lambda handler: type(handler).__name__,
)
def test_a_handler_may_be_any_callable(handler: Callable[[int, object], object]) -> None:
    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(HandlersError), foreign_errors(InvalidFileError, "it is damaged"):
            signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_an_error_of_code_that_has_frames_is_that_of_the_file() -> None:
    def fail(depth: int) -> None:
        caller = sys._getframe(depth)
        raise HandlersError(f"late in {caller.f_code.co_name}")

    with pytest.raises(InvalidFileError, match="late in"), foreign_errors(InvalidFileError, "it is damaged"):
        fail(1)


def test_the_same_error_without_a_signal_is_that_of_the_file() -> None:
    with (
        pytest.raises(InvalidFileError, match="it is damaged: late"),
        foreign_errors(InvalidFileError, "it is damaged"),
    ):
        raise HandlersError("late")
    not_found = FileNotFoundError(errno.ENOENT, "No such file")
    with pytest.raises(InvalidFileError, match="No such file"), foreign_errors(InvalidFileError, "it is damaged"):
        raise not_found


@pytest.mark.needs("tflite")
def test_litert_is_interrupted(golden: Path, interruption: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeproof.runtime.engines import litert

    model = (golden / "float32.tflite").read_bytes()
    engine = litert.LiteRTEngine(model)
    image = np.zeros((1, 28, 28, 1), np.float32)
    with raising(interruption) as interrupt:
        monkeypatch.setattr(engine, "_interpreter", _Interrupted(engine._interpreter, "invoke", interrupt))
        assert_unchanged(interruption, lambda: engine.run(image))
        interpreter = engine._package.load("interpreter").Interpreter
        monkeypatch.setattr(interpreter, "allocate_tensors", interrupt)
        assert_unchanged(interruption, lambda: litert.LiteRTEngine(model))


@pytest.mark.needs("onnx")
def test_onnx_runtime_is_interrupted(
    golden: Path, interruption: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeproof.runtime.engines import onnxruntime

    model = (golden / "float32.onnx").read_bytes()
    engine = onnxruntime.OnnxRuntimeEngine(model)
    image = np.zeros((1, 28, 28, 1), np.float32)
    with raising(interruption) as interrupt:
        monkeypatch.setattr(engine, "_session", _Interrupted(engine._session, "run", interrupt))
        assert_unchanged(interruption, lambda: engine.run(image))
        monkeypatch.setattr(onnxruntime.ort, "InferenceSession", interrupt)
        assert_unchanged(interruption, lambda: onnxruntime.OnnxRuntimeEngine(model))


@pytest.mark.parametrize("package", [LITERT, ONNX_RUNTIME])
def test_an_import_is_interrupted(package: Any, interruption: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    with raising(interruption) as interrupt:
        monkeypatch.setattr("edgeproof.runtime.engines.packages.import_module", interrupt)
        assert_unchanged(interruption, package.load)


@pytest.mark.needs("pillow")
def test_an_image_is_interrupted(files: Path, interruption: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    picture = files / "seven.png"
    with raising(interruption) as interrupt:
        monkeypatch.setattr(Image.Image, "load", interrupt)
        assert_unchanged(interruption, lambda: decode_image(io.BytesIO(picture.read_bytes()), "it"))
        assert_unchanged(interruption, lambda: read_image(picture))
    if isinstance(interruption, OSError):
        assert str(picture) in str(interruption)  # among thousands, a bad file is named


def test_the_reading_of_a_file_is_interrupted(
    golden: Path, interruption: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = golden / "float32.onnx"
    with raising(interruption) as interrupt:
        for method in ("open", "stat"):
            with monkeypatch.context() as patched:
                patched.setattr(Path, method, interrupt)
                assert_unchanged(interruption, lambda: read_file(model, "model"))


def test_a_folder_that_is_listed_is_interrupted(
    tmp_path: Path, interruption: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raising(interruption) as interrupt:
        monkeypatch.setattr("edgeproof.datasets.images.listing._sub_folders", interrupt)
        assert_unchanged(interruption, lambda: list_images(tmp_path))


class _Interrupted:
    """An engine's object, one of whose methods does something else."""

    def __init__(self, inner: object, name: str, method: Callable[..., Any]) -> None:
        self._inner = inner
        setattr(self, name, method)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._inner, name)
