"""The tutorial runs from its first cell to its last, here on little data; committed are the results of a full run."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import nbformat
import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.ipynb"
SMALL = """
DATA = "small.npz"
FIT = FitOptions(epochs=1)
RECIPES = ("float32",)
MEASUREMENT = BenchmarkOptions(seconds=0.01, rounds=2, memory=False)
RUN = Path("run")
OWN_IMAGES = (Path("seven.png"),)
"""


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(TUTORIAL, as_version=4)


def test_it_runs(notebook: nbformat.NotebookNode, files: Path, root: Path, tmp_path: Path) -> None:
    with np.load(root / "data" / "mnist.npz") as mnist:
        small = {name: mnist[name][: 600 if name.endswith("train") else 200] for name in mnist.files}
    np.savez_compressed(tmp_path / "small.npz", allow_pickle=False, **small)
    (tmp_path / "seven.png").write_bytes((files / "seven.png").read_bytes())
    [parameters] = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    assert names_set(parameters.source) == names_set(SMALL)
    parameters.source = SMALL
    make_tutorial(root).run(notebook, tmp_path)
    assert (tmp_path / "run" / "bundle" / "float32.tflite").is_file()
    assert (tmp_path / "run" / "report" / "report.html").is_file()


def make_tutorial(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tutorial", root / "docs" / "make_tutorial.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names_set(source: str) -> set[str]:
    return set(re.findall(r"^(\w+) =", source, re.MULTILINE))


def test_its_results_are_those_of_one_run(notebook: nbformat.NotebookNode) -> None:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} == {"stream", "display_data", "execute_result"}
    assert {output.name for output in outputs if output.output_type == "stream"} == {"stdout"}
    assert sum("image/png" in output.get("data", ()) for output in outputs) >= 5


def test_it_names_no_place_of_the_machine_that_it_ran_on(notebook: nbformat.NotebookNode) -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|usr|work)/\S*", nbformat.writes(notebook)) == []
