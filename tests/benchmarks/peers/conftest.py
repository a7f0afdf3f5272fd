import sys
from collections.abc import Callable, Iterator

import pytest
from edgeproof.benchmarks.peers import ncnn as ncnn_engine
from edgeproof.benchmarks.peers import registry as peers

from tests.helpers.peers import FakeOpenVino


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """No test takes over what another has tried or converted."""
    yield
    peers._try_once.cache_clear()
    ncnn_engine.convert.cache_clear()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes these packages look installed, and no others."""

    def install(**versions: str) -> None:
        monkeypatch.setattr(peers, "installed_version", versions.get)

    return install


@pytest.fixture
def fake_openvino(installed: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> FakeOpenVino:
    pytest.importorskip("onnx", reason="needs onnx")
    installed(openvino="7")
    fake = FakeOpenVino()
    monkeypatch.setitem(sys.modules, "openvino", fake)
    monkeypatch.setitem(sys.modules, "openvino_telemetry", None)
    return fake
