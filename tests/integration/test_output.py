"""No verb begins what it could not write."""

from pathlib import Path

import pytest

from tests.helpers.command import refused

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize("verb", ["train", "export", "benchmark"])
def test_an_output_folder_that_cannot_be_written_is_refused(verb: str, small_npz: Path, exported: Path) -> None:
    subject = {"train": [], "export": [exported.parent / "model.keras"], "benchmark": [exported]}[verb]
    complaint = refused(verb, *subject, "--data", small_npz, "--out", "/proc/edgeproof/out")
    assert complaint.startswith("edgeproof: error: cannot write to /proc/edgeproof/out")
