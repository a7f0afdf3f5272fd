"""Run docs/tutorial.ipynb anew, and keep its results but for what libraries log.

make docs, or python docs/make_tutorial.py
"""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

TUTORIAL = Path(__file__).parent / "tutorial.ipynb"


def run(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run every cell in a folder, and leave the results in the notebook."""
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=3600, record_timing=False, resources=resources).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # TensorFlow and the converters log to standard error, whoever asks.
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]


def main() -> None:
    notebook = nbformat.read(TUTORIAL, as_version=4)
    run(notebook, TUTORIAL.parent)
    nbformat.write(notebook, TUTORIAL)


if __name__ == "__main__":
    main()
