"""Peers, and a network on which to run them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from edgeproof.benchmarks.peers.registry import Peer, installed_peers
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine, run_each


def the_peer(title: str, variant: str) -> Peer:
    [peer] = (peer for peer in installed_peers([variant]) if peer.name.startswith(title))
    return peer


def random_onnx(*, shape: tuple[int | str, ...] = ("batch", 5, 7, 3), inputs: int = 1, classes: int = 6) -> bytes:
    """A network on images that are no multiple of a vector's length, in any of their sizes.

    Args:
        shape: What it says of its input.
        inputs: How many it has.
        classes: How many it says that it has; they are 6.
    """
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    draw = np.random.default_rng(1)
    weights = {
        "scale": np.float32(1 / 255),
        "filters": draw.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "dense": draw.normal(size=(4, 6)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["image 0", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "filters"], ["filtered"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["filtered"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "dense"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "random",
        [helper.make_tensor_value_info(f"image {number}", float32, shape) for number in range(inputs)],
        [helper.make_tensor_value_info("probabilities", float32, [shape[0], classes])],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, ir_version=8, opset_imports=[opset]).SerializeToString()


def check_on_noise(peer: Peer) -> None:
    model = random_onnx()
    images = np.random.default_rng(2).integers(0, 256, (20, 5, 7, 3)).astype(np.uint8)
    expected = run_each(load_engine(model, Format.ONNX), images)
    np.testing.assert_allclose(run_each(peer.load(model, 1), images), expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.1


class FakeOpenVino:
    """As much of OpenVINO as an engine needs: it gives the number of the pixel at which the image is brightest."""

    def __init__(self, cores: int = 8) -> None:
        self.cores = cores
        self.read: list[tuple[str, bytes]] = []
        self.shapes: list[list[int]] = []
        self.properties: dict[str, Any] = {}
        self.shared: list[bool] = []
        self.taken = np.zeros((1, 28, 28, 1), np.float32)
        self.given = np.zeros((1, 10), np.float32)

    def Core(self) -> "FakeOpenVino":  # noqa: N802
        return self

    def read_model(self, file: Path) -> "FakeOpenVino":
        self.read.append((file.suffix, file.read_bytes()))
        return self

    def reshape(self, shape: list[int]) -> None:
        self.shapes.append(shape)

    def compile_model(self, network: object, device: str, properties: dict[str, Any]) -> "FakeOpenVino":
        assert device == "CPU"
        self.properties = properties
        return self

    def get_property(self, name: str) -> int:
        return min(self.properties[name], self.cores)

    def create_infer_request(self) -> "FakeOpenVino":
        return self

    def get_input_tensor(self) -> SimpleNamespace:
        return SimpleNamespace(data=self.taken)

    def get_output_tensor(self) -> SimpleNamespace:
        return SimpleNamespace(data=self.given)

    def infer(self, *, share_outputs: bool) -> None:
        self.shared.append(share_outputs)
        self.given[...] = self.taken.argmax()
