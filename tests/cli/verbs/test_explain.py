import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from edgeproof.metrics.explanation_json import EXPLANATION_NAME, read_explanation
from edgeproof.runtime.bundle.reader import read_manifest

from tests.helpers.command import run
from tests.helpers.files import vouch
from tests.helpers.reports import write_report

if TYPE_CHECKING:
    from edgeproof.report.model import Report

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.tensorflow


def test_layers_have_the_users_names(exported: Path, run_folder: Path) -> None:
    code, text, complaint = run("explain", exported, "--variant", "int8.tflite", "--variant", "dynamic.tflite")
    assert (code, complaint) == (0, "")
    first, second = text.split("\n\n")
    assert first.startswith("static_wi8_ai8.tflite: ")
    assert second.startswith("dynamic_wi8_afp32.tflite: ")
    assert "dB against float32.tflite" in first
    assert "32 golden images, LiteRT" in first
    rows = [line.split()[0] for line in first.splitlines()[3:]]
    keras_names = {layer.name for layer in keras.saving.load_model(run_folder / "model.keras").layers}
    assert len(keras_names & set(rows)) > 4


def test_json_can_be_read_back_and_is_what_is_written(exported: Path, tmp_path: Path) -> None:
    code, text, _ = run("explain", exported, "--variant", "int8.tflite", "--json", "--out", tmp_path)
    assert code == 0
    document = json.loads(text)
    assert document["schema_version"] == 1
    explanation = read_explanation(tmp_path / EXPLANATION_NAME)
    [variant] = explanation.variants
    assert variant.name == "static_wi8_ai8.tflite"
    assert (tmp_path / EXPLANATION_NAME).read_text(encoding="utf-8") == text
    assert [operator["position"] for operator in document["variants"][0]["operators"]] == [
        operator.position for operator in variant.operators
    ]
    assert variant.snr_db is not None
    assert all(0 <= (layer.time_share or 0) <= 1 for layer in variant.layers)


def test_commands_are_commands_of_edgeproof(exported: Path, tmp_path: Path) -> None:
    model = tmp_path / "my model.keras"
    model.touch()
    _, text, _ = run("explain", exported, "--variant", "int8", "--json", "--reference", model)
    variants = json.loads(text)["variants"]
    assert [variant["name"] for variant in variants] == ["static_wi8_ai8.tflite", "static_wi8_ai8.onnx"]
    for finding in (finding for variant in variants for finding in variant["findings"] if finding["command"]):
        verb, *arguments = shlex.split(finding["command"])[1:]
        assert (verb, arguments[0]) == ("export", str(model))


def test_other_images_can_be_run(exported: Path, small_npz: Path) -> None:
    code, text, complaint = run("explain", exported, "--variant", "float16.tflite", "--data", small_npz)
    assert (code, complaint) == (0, "")
    assert "images of " in text.splitlines()[0]


def test_the_page_of_a_report_shows_the_layers(exported: Path, report: "Report", tmp_path: Path) -> None:
    digest = read_manifest(exported).variant("float16.tflite").sha256
    rows = (replace(report.rows[0], sha256=digest), *report.rows[1:])
    write_report(replace(report, rows=rows), tmp_path / "report.json")
    page = "<p>before</p><!-- layers --><!-- end of layers --><p>after</p>"
    (tmp_path / "report.html").write_text(page)
    code, _, complaint = run("explain", exported, "--variant", "float16.tflite", "--out", tmp_path)
    assert (code, complaint) == (0, "")
    shown = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert shown.startswith('<p>before</p><!-- layers --><h2 id="layers">')
    assert shown.endswith("<!-- end of layers --><p>after</p>")
    # An explanation of other files is written, and not shown.
    assert run("explain", exported, "--variant", "int8.tflite", "--out", tmp_path).returncode == 0
    assert (tmp_path / "report.html").read_text() == page


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere"], "nowhere"),
        (["{bundle}", "--variant", "int9"], "unknown variant 'int9'"),
        (["{bundle}", "--data", "nothing"], "nothing"),
        (["{bundle}", "--reference", "nothing.keras"], "no such model: nothing.keras"),
        (["{bundle}", "--out", "{bundle}"], "holds what is measured"),
    ],
)
def test_bad_input_is_one_line(golden: Path, arguments: list[str], complaint: str) -> None:
    code, text, error = run("explain", *(argument.replace("{bundle}", str(golden)) for argument in arguments))
    assert (code, text) == (2, "")
    assert complaint in error
    assert error.count("\n") == 1


def test_a_bundle_without_the_float32_file_says_what_to_export(bundle_copy: Path) -> None:
    manifest = json.loads((bundle_copy / "manifest.json").read_text())
    manifest["variants"] = [one for one in manifest["variants"] if one["name"] != "float32.tflite"]
    (bundle_copy / "manifest.json").write_text(json.dumps(manifest))
    code, _, complaint = run("explain", bundle_copy, "--variant", "int8.tflite")
    assert code == 2
    assert "the bundle has none: export it with --recipes float32,static_wi8_ai8" in complaint


def test_a_bundle_without_names_is_explained_by_operators(bundle_copy: Path) -> None:
    """As those of earlier versions are."""
    from edgeproof.export.tflite.flatbuffer import pack, schema

    root = schema.ModelT.InitFromPackedBuf((bundle_copy / "float32.tflite").read_bytes(), 0)
    root.metadata = []
    for number, tensor in enumerate(root.subgraphs[0].tensors):
        tensor.name = f"t{number}"
    (bundle_copy / "float32.tflite").write_bytes(pack(root))
    vouch(bundle_copy, "float32.tflite")
    code, text, _ = run("explain", bundle_copy, "--variant", "int8.tflite")
    assert code == 0
    assert "CONV_2D 1" in text
    assert "names no layers" in text
