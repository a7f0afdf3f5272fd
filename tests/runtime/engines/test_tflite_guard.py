import shutil
import struct
from pathlib import Path

import pytest
from edgeproof.runtime import Classifier, InvalidFileError
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine

from tests.helpers.files import vouch

NAME = "float16.tflite"
DAMAGE = r"dequantizes weights of shape \(16, 3, 3, 8\) to shape \(16, \d+,"


def reaching_beyond(model: bytes, size: int) -> bytes:
    """Return a file whose kernels are dequantized to another size than they have."""
    # A flatbuffer's vector: its length, and the sizes of kernels; the dequantized ones come first.
    shape, beyond = (struct.pack("<5i", 4, 16, height, 3, 8) for height in (3, size))
    assert shape in model
    return model.replace(shape, beyond, 1)


@pytest.mark.needs("tflite")
@pytest.mark.parametrize("size", [4, 600, 50_000])
def test_weights_that_reach_beyond_their_end_are_refused(golden: Path, tmp_path: Path, size: int) -> None:
    """With 600, a process died of it that came after one that did not."""
    (tmp_path / "model.tflite").write_bytes(reaching_beyond((golden / NAME).read_bytes(), size))
    with pytest.raises(InvalidFileError, match=DAMAGE):
        Classifier.load(tmp_path / "model.tflite")


@pytest.mark.needs("tflite")
def test_they_are_refused_whoever_vouches_for_the_file(bundle_copy: Path, tmp_path: Path) -> None:
    """By 4 rather than 3 rows, LiteRT reads a little too far, and may answer."""
    model = reaching_beyond((bundle_copy / NAME).read_bytes(), 4)
    (bundle_copy / NAME).write_bytes(model)
    vouch(bundle_copy, NAME)
    shutil.copy(bundle_copy / NAME, tmp_path)
    with pytest.raises(InvalidFileError, match=DAMAGE):
        Classifier.load(bundle_copy, variant=NAME)
    with pytest.raises(InvalidFileError, match=DAMAGE):
        Classifier.load(tmp_path / NAME, trusted=True)
    with pytest.raises(InvalidFileError, match=DAMAGE):
        load_engine(model, Format.TFLITE)
