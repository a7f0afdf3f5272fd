"""Tolerances: a file whose answers are too far from the reference's does not ship."""

import numpy as np
from numpy.typing import NDArray

from ...metrics.distance import NumericDifference
from ...runtime.bundle.recipes import Tolerance
from ...runtime.errors import CheckFailedError


def check_tolerance(
    difference: NumericDifference, tolerance: Tolerance, *, numbers: NDArray[np.intp] | None = None
) -> None:
    """Raise CheckFailedError, with the worst image and its error, for a file further off than its recipe allows.

    `numbers` says how the images are numbered where the user can find them; by default as they were compared.
    """
    worst = difference.worst_image if numbers is None else int(numbers[difference.worst_image])
    off = f"training image {worst} is off by {difference.max_abs:.2g}"
    if tolerance.max_abs is not None and not difference.max_abs <= tolerance.max_abs:
        raise CheckFailedError(f"{off}, allowed is {tolerance.max_abs:g}")
    if tolerance.min_snr_db is not None and not difference.snr_db >= tolerance.min_snr_db:
        raise CheckFailedError(
            f"its signal-to-noise ratio is {difference.snr_db:.1f} dB, needed are {tolerance.min_snr_db:g}; "
            f"worst: {off}"
        )
    for found, needed, which in (
        (difference.agreement, tolerance.min_agreement, "answers"),
        (difference.clear_agreement, tolerance.min_clear_agreement, "answers that are clear to the reference"),
    ):
        if not found >= needed:
            raise CheckFailedError(
                f"it turns {(1 - found) * 100:.1f} % of the {which}, allowed are {(1 - needed) * 100:.0f} %; "
                f"worst: {off}"
            )
