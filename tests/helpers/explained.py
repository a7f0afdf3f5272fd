"""Images and words for the tests of explanations."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from edgeproof.inspection.explain.run import Explained
    from edgeproof.metrics.explanation import Explanation, Finding

# Makes a file of a model, and explains it.
Explain: TypeAlias = "Callable[..., tuple[Explained, tuple[Finding, ...]]]"

# Squares of random grey: a network that pools would see no difference between images of noise.
IMAGES = np.random.default_rng(0).integers(0, 256, (48, 4, 4, 1)).astype(np.uint8).repeat(3, axis=1).repeat(3, axis=2)


def made_up_explanation() -> "Explanation":
    """An explanation of a file of `tests.helpers.reports`, in which one layer is in floats and one at fault."""
    from edgeproof.inspection.explain.layers import by_layer
    from edgeproof.metrics.explanation import Cause, Explanation, Finding, OperatorFacts, VariantExplanation

    def operator(
        position: int, layer: str, snr_db: float | None, own_snr_db: float | None, held: bool
    ) -> OperatorFacts:
        return OperatorFacts(
            kind="CONV_2D",
            position=position,
            layers=(layer, f"{layer}_relu"),
            stored="int8" if held else "float32",
            snr_db=snr_db,
            own_snr_db=own_snr_db,
            spread=2.5,
            low=-1.0,
            high=3.0,
            held_low=-1.5 if held else None,
            held_high=2.5 if held else None,
            tail=1.25,
            clipped=0.0125 if held else None,
            outside=not held,
            weight_bytes=1200,
            time_share=0.25,
        )

    operators = (
        operator(1, "stem", 40.0, 41.0, True),
        operator(2, "<b>wide</b> & $x_b$", 12.5, 3.25, True),
        operator(4, "float", 11.0, 200.0, False),
        operator(5, "answer", None, None, True),
    )
    finding = Finding(
        cause=Cause.CHANNEL_SPREAD,
        layers=("<b>wide</b> & $x_b$",),
        text="layer 'wide': its largest channel is 50 times the median one",
        action="equalize the channels",
        command="edgeproof export model.keras --data mnist --max-drop-points 0.5",
    )
    variant = VariantExplanation(
        name="static_wi8_ai8.onnx",
        sha256="b" * 64,
        reference="float32.onnx",
        engine="ONNX Runtime 1.32.0",
        snr_db=11.5,
        time_ratio=1.5,
        unmatched=("Gemm at 9",),
        operators=operators,
        layers=by_layer(operators),
        findings=(finding,),
    )
    return Explanation(bundle="bundle", images=32, images_from="golden images", variants=(variant,))
