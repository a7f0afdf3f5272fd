"""Figures of accuracy, calibration and latency, with their intervals. NumPy only at import."""

from typing import TYPE_CHECKING

from ..runtime.lazy import list_names

if TYPE_CHECKING:
    from .calibration_error import expected_calibration_error as expected_calibration_error
    from .comparison import accuracy as accuracy
    from .comparison import compare_answers as compare_answers
    from .paired import mcnemar as mcnemar
    from .paired import paired_difference as paired_difference
    from .types import Comparison as Comparison
    from .types import Difference as Difference
    from .types import Share as Share

list_names(
    __name__,
    {
        ".calibration_error": "expected_calibration_error",
        ".comparison": "accuracy compare_answers",
        ".paired": "mcnemar paired_difference",
        ".types": "Comparison Difference Share",
    },
    extra="check",
)
