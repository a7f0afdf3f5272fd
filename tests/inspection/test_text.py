from dataclasses import replace
from pathlib import Path

import pytest
from edgeproof.inspection import Graph, Operator
from edgeproof.inspection.text import describe_bundle, describe_graph
from edgeproof.runtime.bundle.image_reading import AS_TENSORFLOW
from edgeproof.runtime.bundle.integrity import FileState, check_files
from edgeproof.runtime.bundle.manifest import LeftOut, SplitFile
from edgeproof.runtime.bundle.model_metadata import DIGIT, RESIZE, Preprocessing
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.bundle.tensors import QuantParams, TensorSpec

INPUT = TensorSpec(name="image", dtype="float32", shape=(None, 28, 28, 1))
OUTPUT = TensorSpec(name="out", dtype="uint8", shape=(1, 10), quantization=QuantParams(scale=0.1, zero_point=3))


def operator(name: str, macs: int | None, *, floating: bool) -> Operator:
    return Operator(name=name, macs=macs, floating=floating, version=1)


@pytest.fixture
def graph() -> Graph:
    return Graph(
        format=Format.ONNX,
        inputs=(INPUT,),
        outputs=(OUTPUT,),
        operators=(
            operator("Conv", 1_000, floating=True),
            operator("Abs", 0, floating=False),
            operator("Conv", 234_567, floating=False),
        ),
        parameters=1234,
        weights_bytes=1_500_000,
        file_bytes=2_000_000,
        float_islands=1,
        header={"IR version": "8"},
        metadata={},
    )


def test_a_graph_is_laid_out_in_columns(graph: Graph) -> None:
    assert describe_graph(graph, sha256="abc").splitlines() == [
        "format         ONNX, IR version 8",
        "size           2.0 MB (2,000,000 bytes)",
        "sha256         abc",
        "input          image, float32, shape (any, 28, 28, 1)",
        "output         out, uint8, shape (1, 10), scale 0.1, zero point 3",
        "parameters     1,234",
        "weights        1.5 MB, 75.0 % of the file",
        "MACs           235,567 for one image",
        "operators      3",
        "float islands  1; 1 of 3 operators compute in floating point",
        "",
        "operator  count     MACs  in floating point",
        "───────────────────────────────────────────",
        "Abs           1",
        "Conv          2  235,567                  1",
    ]


def test_what_is_not_known_is_called_so(graph: Graph) -> None:
    lines = describe_graph(replace(graph, operators=(operator("Conv", None, floating=True),)), sha256="").splitlines()
    assert "MACs           unknown for one image" in lines
    assert "Conv          1  unknown                  1" in lines


def test_variants_that_were_left_out_are_named(golden: Path) -> None:
    manifest = read_manifest(golden)
    left_out = LeftOut(name="float16.onnx", reason="could not be converted")
    text = describe_bundle(replace(manifest, left_out=(left_out,)), check_files(golden, manifest))
    assert "left out   float16.onnx: could not be converted" in text.splitlines()


@pytest.mark.parametrize(
    ("preprocessing", "text"),
    [
        (DIGIT, "the ink of a digit is found and placed as in MNIST"),
        (RESIZE, "resized, bilinear with antialiasing"),
        (
            replace(RESIZE, antialias=False, reading=AS_TENSORFLOW),
            "resized, bilinear without antialiasing; alpha drop, orientation ignore, sixteen bits high-byte, "
            "arithmetic tensorflow",
        ),
        (
            replace(RESIZE, draft=True),
            "resized, bilinear with antialiasing; large JPEG files decoded at a fraction of their size",
        ),
    ],
)
def test_the_way_of_a_picture_to_the_model_is_told(golden: Path, preprocessing: Preprocessing, text: str) -> None:
    manifest = replace(read_manifest(golden), preprocessing=preprocessing)
    assert f"reading    {text}" in describe_bundle(manifest, check_files(golden, manifest)).splitlines()


def test_what_is_known_of_the_test_images_is_told(golden: Path) -> None:
    manifest = replace(read_manifest(golden), split=SplitFile(file="split.npz", sha256="0" * 64, images=67))
    states = {**check_files(golden, manifest), "split.npz": FileState.CHANGED}
    line = "test part  67 images held out from the training, known by digests in split.npz, changed"
    assert line in describe_bundle(manifest, states).splitlines()
