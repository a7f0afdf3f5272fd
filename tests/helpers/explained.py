"""Images and words for the tests of explanations."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from edgeproof.inspection.explain.run import Explained
    from edgeproof.metrics.explanation import Finding

# Makes a file of a model, and explains it.
Explain: TypeAlias = "Callable[..., tuple[Explained, tuple[Finding, ...]]]"

# Squares of random grey: a network that pools would see no difference between images of noise.
IMAGES = np.random.default_rng(0).integers(0, 256, (48, 4, 4, 1)).astype(np.uint8).repeat(3, axis=1).repeat(3, axis=2)
