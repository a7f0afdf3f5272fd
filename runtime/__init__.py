"""Run exported classifiers on the device: NumPy and one engine, each imported when it is needed, never TensorFlow."""

from typing import TYPE_CHECKING

from .lazy import list_names

if TYPE_CHECKING:
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

list_names(
    __name__,
    {
        ".classifier": "Classifier",
        ".errors": "CheckFailedError EdgeproofError EngineMissingError InvalidFileError OutputError SpecMismatchError "
        "UnknownNameError",
        ".images.reading": "ImageLike",
        ".prediction": "Prediction",
    },
)
