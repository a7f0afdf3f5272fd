"""Commands that a finding ends with, to be copied into a shell."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ...runtime.bundle.manifest import NO_AVX2, Manifest, ModelOutput

_PIXELS = (0.0, 255.0)
# Of an export, for what a model gives that are not probabilities.
_OPTIONS_OF_OUTPUTS: Mapping[str, tuple[str, ...]] = {
    ModelOutput.LOGITS: ("--softmax",),
    ModelOutput.LOGIT: ("--softmax",),
    ModelOutput.SIGMOIDS: ("--normalize-outputs",),
}
_DROP = "0.5"  # points: what a test set of some thousand images can show
_FEWEST = 500  # the default of the export
_CALIBRATION = "--calibration-images"
# Where nobody has said what the data are.
UNKNOWN_DATA = "DATA"


@dataclass(frozen=True, kw_only=True, slots=True)
class Commands:
    """The export of a model, again, with other options.

    Attributes:
        model: The `.keras` file.
        data: The training data, as `--data` takes it.
        options: Other options that the model needs.
        calibration_images: How many images ranges were measured on.
        out: The new bundle, which is not to take the place of the one that is explained; None for the default.
        present: The names of the files that the bundle has.
        min_snr_db: What a mixed file falls short of, and a better one is to keep to; None for any.
    """

    model: str = "model.keras"
    data: str = UNKNOWN_DATA
    options: tuple[str, ...] = ()
    calibration_images: int = _FEWEST
    out: str | None = None
    present: frozenset[str] = frozenset()
    min_snr_db: int | None = None

    @classmethod
    def for_bundle(cls, bundle: Path, manifest: Manifest, model: str, data: str | None = None) -> Self:
        """Return the commands that export a bundle's model again, from the data that its manifest names, or this."""
        reference = manifest.reference
        low, high = reference.input_range
        options = () if (low, high) == _PIXELS else ("--input-range", f"{low:g}", f"{high:g}")
        options += _OPTIONS_OF_OUTPUTS.get(reference.output, ())
        options += ("--onnx-int8-for", "vnni") if any(one.cpus == NO_AVX2 for one in manifest.variants) else ()
        # Beside the bundle, also where it was named ``.`` or ``..``.
        named = bundle if bundle.name not in ("", "..") else bundle.resolve()
        recorded = None if manifest.data is None else manifest.data.name
        return cls(
            model=model,
            data=recorded or data or UNKNOWN_DATA,
            options=options,
            calibration_images=manifest.calibration.images,
            out=f"{named}-2",
            present=frozenset(one.name for one in manifest.variants),
        )

    def export(self, *options: str) -> str:
        """Return the export with further options."""
        own = self.options
        if self.calibration_images > _FEWEST and _CALIBRATION not in options:
            own += (_CALIBRATION, str(self.calibration_images))
        out = () if self.out is None else ("--out", self.out)
        return shlex.join(["edgeproof", "export", self.model, "--data", self.data, *own, *options, *out])

    def only(self, recipe: str) -> str:
        """Return the export of one recipe; into a bundle, with the float32 file that it is compared with."""
        _, dot, suffix = recipe.partition(".")
        return self.export("--recipes", recipe if self.out is None else f"float32{dot}{suffix},{recipe}")

    def within_budget(self) -> str:
        """Return the export that equalizes channels and keeps layers in float until the accuracy holds."""
        more = () if self.min_snr_db is None else ("--min-snr", str(self.min_snr_db))
        return self.export("--max-drop-points", _DROP, *more)

    @property
    def has_few_images(self) -> bool:
        """Whether ranges were measured on fewer images than an export takes by itself, as a rule for want of more."""
        return self.calibration_images < _FEWEST

    def more_calibration(self) -> str:
        """Return the export with four times as many images to measure ranges on."""
        return self.export(_CALIBRATION, f"{4 * max(self.calibration_images, _FEWEST)}")
