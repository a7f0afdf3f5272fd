"""Run a TFLite file in a runtime of this Python, for which edgeproof need not be installed.

    python other_runtime_script.py PACKAGE MODEL INPUTS.npy OUTPUTS.npy

PACKAGE is tflite_runtime, ai_edge_litert or tflite_micro. Inputs and outputs are arrays with one image, or its answer,
per entry, in the dtype of the model's tensors. Prints the runtime's version; tflite_micro's account of its memory goes
to standard error.
"""

import sys
from importlib import import_module
from importlib.metadata import version

import numpy as np


def _in_litert(package: str, model: str, images: np.ndarray) -> list[np.ndarray]:
    interpreter = import_module(package + ".interpreter").Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    given, answer = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    answers = []
    for image in images:
        interpreter.set_tensor(given, image[np.newaxis])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(answer))
    return answers


def _in_micro(package: str, model: str, images: np.ndarray) -> list[np.ndarray]:
    # The default, ten times the file, is too small where few weights make large tensors.
    interpreter = import_module(package).runtime.Interpreter.from_file(model, arena_size=2**26)
    answers = []
    for image in images:
        interpreter.set_input(image[np.newaxis], 0)
        interpreter.invoke()
        answers.append(interpreter.get_output(0).copy())
    interpreter.print_allocations()
    return answers


if __name__ == "__main__":
    package, model, inputs, outputs = sys.argv[1:]
    run = _in_micro if package == "tflite_micro" else _in_litert
    np.save(outputs, np.concatenate(run(package, model, np.load(inputs))))
    print(version(package.replace("_", "-")))  # noqa: T201
