"""Runs exported classifiers on the device: NumPy at import, an engine when a model is loaded, never TensorFlow."""

import os

from .classifier import Classifier as Classifier
from .errors import CheckFailedError as CheckFailedError
from .errors import EdgeproofError as EdgeproofError
from .errors import EngineMissingError as EngineMissingError
from .errors import InvalidFileError as InvalidFileError
from .errors import OutputError as OutputError
from .errors import SpecMismatchError as SpecMismatchError
from .errors import UnknownNameError as UnknownNameError
from .images.reading import ImageLike as ImageLike
from .prediction import Prediction as Prediction

# ONNX Runtime's wheels since 1.29 report usage over the network unless this is set before they are imported; every
# package of edgeproof imports this one first.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
