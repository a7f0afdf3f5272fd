import struct
from pathlib import Path

import pytest
from edgeproof.runtime import Classifier, InvalidFileError


@pytest.mark.needs("tflite")
@pytest.mark.parametrize("size", [4, 600, 50_000])
def test_weights_that_reach_beyond_their_end_are_refused(golden: Path, tmp_path: Path, size: int) -> None:
    """With 600, a process died of it that came after one that did not."""
    model = (golden / "float16.tflite").read_bytes()
    # A flatbuffer's vector: its length, and the sizes of kernels; the dequantized ones come first.
    shape, beyond = (struct.pack("<5i", 4, 16, height, 3, 8) for height in (3, size))
    assert shape in model
    (tmp_path / "model.tflite").write_bytes(model.replace(shape, beyond, 1))
    with pytest.raises(InvalidFileError, match=r"dequantizes weights of shape \(16, 3, 3, 8\) to shape \(16, \d+,"):
        Classifier.load(tmp_path / "model.tflite")
