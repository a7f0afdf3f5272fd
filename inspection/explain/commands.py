"""Commands that a finding ends with, to be copied into a shell."""

import shlex
from dataclasses import dataclass
from typing import Self

from ...runtime.bundle.manifest import Manifest

_PIXELS = (0.0, 255.0)
_DROP = "0.5"  # points: what a test set of some thousand images can show
_FEWEST = 500  # the default of the export


@dataclass(frozen=True, kw_only=True, slots=True)
class Commands:
    """The export of a model, again, with other options.

    Attributes:
        model: The `.keras` file.
        data: The training data, as `--data` takes it.
        options: Other options that the model needs.
        calibration_images: How many images ranges were measured on.
    """

    model: str = "model.keras"
    data: str = "DATA"
    options: tuple[str, ...] = ()
    calibration_images: int = _FEWEST

    @classmethod
    def for_bundle(cls, manifest: Manifest, model: str, data: str | None = None) -> Self:
        """Return the commands that export a bundle's model again, from the data that its manifest names, or this."""
        reference = manifest.reference
        low, high = reference.input_range
        options = () if (low, high) == _PIXELS else ("--input-range", f"{low:g}", f"{high:g}")
        recorded = None if manifest.data is None else manifest.data.name
        return cls(
            model=model,
            data=recorded or data or "DATA",
            options=(*options, *(("--softmax",) if reference.output == "logits" else ())),
            calibration_images=manifest.calibration.images,
        )

    def export(self, *options: str) -> str:
        """Return the export with further options."""
        return shlex.join(["edgeproof", "export", self.model, "--data", self.data, *self.options, *options])

    def within_budget(self) -> str:
        """Return the export that equalizes channels and keeps layers in float until the accuracy holds."""
        return self.export("--max-drop-points", _DROP)

    def more_calibration(self) -> str:
        """Return the export with four times as many images to measure ranges on."""
        return self.export("--calibration-images", f"{4 * max(self.calibration_images, _FEWEST)}")
