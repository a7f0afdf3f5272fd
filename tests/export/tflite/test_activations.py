"""The values of a file's tensors, on digits."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from edgeproof.export.tflite.activations import measure_activations

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset


def test_every_tensor_that_depends_on_the_image_is_measured(exported: Path, small_data: "Dataset") -> None:
    float32 = (exported / "float32.tflite").read_bytes()
    few, many = (measure_activations(float32, small_data.x_train[:count]) for count in (5, 50))
    assert few.names == many.names
    assert len(few.names) > 5
    for index in few.names:
        assert many.histograms[index].low <= few.histograms[index].low <= few.histograms[index].high
    (answers,) = [index for index, name in many.names.items() if name == "probabilities"]
    interpreter = Interpreter(model_content=float32)
    interpreter.allocate_tensors()
    given, output = (one()[0]["index"] for one in (interpreter.get_input_details, interpreter.get_output_details))
    found = []
    for image in small_data.x_train[:50]:
        interpreter.set_tensor(given, image[np.newaxis].astype(np.float32))
        interpreter.invoke()
        found.append(interpreter.get_tensor(output))
    np.testing.assert_allclose(many.histograms[answers].high, np.max(found), rtol=1e-5)
    np.testing.assert_allclose(many.histograms[answers].low, np.min(found), rtol=1e-3)
    # The kernels are other ones than XNNPACK's.
    np.testing.assert_allclose(many.largest[answers], np.abs(found).max(axis=(0, 1)), rtol=1e-3)


def test_spreads_are_those_of_every_other_image(exported: Path, small_data: "Dataset") -> None:
    float32 = (exported / "float32.tflite").read_bytes()
    images = small_data.x_train[:20]
    both = measure_activations(float32, images)
    for half, spreads in enumerate(both.spreads):
        alone = measure_activations(float32, images[half::2]).histograms
        assert spreads == {index: one.high - one.low for index, one in alone.items()}
