"""Train a Keras image classifier, shrink it, ship it, and prove that it still gives the same answers.

`load` reads a bundle, a model file or a built-in model and gives the `Classifier` that predicts. The packages do the
rest: `edgeproof.datasets`, `edgeproof.train`, `edgeproof.export`, `edgeproof.benchmarks`, `edgeproof.report`.
"""

import os
from typing import TYPE_CHECKING

from edgeproof.runtime.lazy import list_names

if TYPE_CHECKING:
    from edgeproof.runtime import CheckFailedError as CheckFailedError
    from edgeproof.runtime import Classifier as Classifier
    from edgeproof.runtime import EdgeproofError as EdgeproofError
    from edgeproof.runtime import EngineMissingError as EngineMissingError
    from edgeproof.runtime import InvalidFileError as InvalidFileError
    from edgeproof.runtime import OutputError as OutputError
    from edgeproof.runtime import Prediction as Prediction
    from edgeproof.runtime import SpecMismatchError as SpecMismatchError
    from edgeproof.runtime import UnknownNameError as UnknownNameError
    from edgeproof.runtime.classifier import load as load

__version__ = "0.1.0"

# ONNX Runtime's wheels since 1.29 report usage over the network unless this is set before they are imported; Python
# runs this module before any other of edgeproof.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

list_names(
    __name__,
    {
        ".runtime": "Classifier Prediction CheckFailedError EdgeproofError EngineMissingError InvalidFileError "
        "OutputError SpecMismatchError UnknownNameError",
        ".runtime.classifier": "load",
    },
)
