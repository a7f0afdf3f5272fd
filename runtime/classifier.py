"""The runtime's one class: load a bundle or a model file, predict."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from .description import DESCRIPTION_KEY, ImageSpec, parse_description
from .engine import ENGINE_OF, Engine, is_installed, load_engine, run_each
from .errors import EngineMissingError, InvalidFileError, SpecMismatchError, UnknownNameError
from .files import is_folder, read_file
from .manifest import MANIFEST_NAME, Manifest, Variant
from .manifest_reader import read_manifest, read_vouched_file
from .preprocess import ImageLike, to_pixels
from .variants import Format, canonical_name

# What a bundle is loaded with when no variant is asked for. On a CPU int8 TFLite is the smallest and fastest; in ONNX
# Runtime int8 is often slower than float for small models, so float comes first there.
_PREFERENCE = (
    "static_wi8_ai8.tflite",
    "dynamic_wi8_afp32.tflite",
    "float16.tflite",
    "float32.tflite",
    "static_wi8_ai16.tflite",
    "float32.onnx",
    "float16.onnx",
    "static_wi8_ai8.onnx",
)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one image.

    Attributes:
        label: The most probable class.
        index: Its position in `Classifier.classes`.
        probability: Its probability, 0-1.
        probabilities: float32 array of shape (classes,): the probability of every class.
    """

    label: str
    index: int
    probability: float
    probabilities: NDArray[np.float32]


class Classifier:
    """An image classifier in any of its variants: raw pixels in, class probabilities out.

    Attributes:
        engine: The engine that runs the model.
        classes: The labels, in the order of the probabilities.
        image: The size and colour of the images that the model takes.
        variant: The variant's name, or the file's where no manifest names it.
    """

    def __init__(self, engine: Engine, *, classes: tuple[str, ...], image: ImageSpec, variant: str) -> None:
        if engine.output.shape[1:] != (len(classes),) or len(engine.input.shape) != 4:
            raise SpecMismatchError(
                f"{variant} takes shape {engine.input.shape} and gives {engine.output.shape} for {len(classes)} classes"
            )
        taken = image.shape
        if any(size not in (None, wanted) for size, wanted in zip(engine.input.shape[1:], taken, strict=True)):
            raise SpecMismatchError(f"{variant} takes shape {engine.input.shape}, not images of shape {taken}")
        self.engine = engine
        self.classes = classes
        self.image = image
        self.variant = variant

    @classmethod
    def load(
        cls, path: str | Path, *, engine: str = "auto", variant: str | None = None, threads: int = 1
    ) -> "Classifier":
        """Load a bundle, or a single model file.

        Args:
            path: A bundle's folder, or a `.tflite` or `.onnx` file. A file is checked against the manifest beside
                it. Without one it is taken as it describes itself; a file that does not, because another tool made
                it, is given raw pixels and its classes are called ``"0"``, ``"1"`` and so on.
            engine: ``"auto"``, ``"litert"`` or ``"onnxruntime"``.
            variant: Which variant of the bundle: ``"static_wi8_ai8.tflite"``, or a recipe or its alias alone, such
                as ``"int8"``, for the first of its formats that an installed engine runs. By default the int8
                TFLite file, if its engine is installed.
            threads: How many threads the engine may use for one image.

        Raises:
            InvalidFileError: The file or bundle is missing, broken, or not what its manifest says.
            UnknownNameError: The bundle has no such variant, or there is no such engine.
            EngineMissingError: The engine that the file needs is not installed.
        """
        location = Path(path)
        if is_folder(location):
            manifest = read_manifest(location)
            chosen = _choose(manifest, variant, engine)
            return _load_variant(cls, location, manifest, chosen, engine, threads)
        if variant is not None:
            raise UnknownNameError(f"a variant is chosen from a bundle, and {location} is not a folder")
        listed = _listed_beside(location)
        if listed is not None:
            return _load_variant(cls, location.parent, listed[0], listed[1], engine, threads)
        return _load_lone_file(cls, location, engine, threads)

    def predict(
        self, images: ImageLike | Iterable[ImageLike], *, value_range: tuple[float, float] | None = None
    ) -> list[Prediction]:
        """Classify images; see `to_pixels` for what can be given.

        Args:
            images: A path, a Pillow image, an array of one or many images, or an iterable of these.
            value_range: What black and white are in arrays of floats, for example ``(0, 1)``.

        Returns:
            One prediction per image, in order.
        """
        probabilities = self.probabilities(images, value_range=value_range)
        best = probabilities.argmax(axis=1)
        return [
            Prediction(self.classes[index], index, float(row[index]), row)
            for index, row in zip(cast(list[int], best.tolist()), probabilities, strict=True)
        ]

    def predict_one(self, image: ImageLike, *, value_range: tuple[float, float] | None = None) -> Prediction:
        """Classify exactly one image.

        Raises:
            SpecMismatchError: `image` is an array of more than one image, or of none.
        """
        predictions = self.predict(image, value_range=value_range)
        if len(predictions) != 1:
            raise SpecMismatchError(f"predict_one takes one image, got {len(predictions)}")
        return predictions[0]

    def probabilities(
        self, images: ImageLike | Iterable[ImageLike], *, value_range: tuple[float, float] | None = None
    ) -> NDArray[np.float32]:
        """Return the class probabilities alone: float32 of shape (N, classes), each row 0-1."""
        pixels = to_pixels(images, self.image, value_range=value_range)
        return self.engine.output.decode(run_each(self.engine, pixels))


def _choose(manifest: Manifest, name: str | None, engine: str) -> Variant:
    if name is not None and "." in name:
        return manifest.variant(name)
    candidates = [v for v in manifest.variants if name is None or v.recipe == canonical_name(name)]
    if not candidates:
        if name is None:
            raise InvalidFileError("the bundle holds no variants")
        return manifest.variant(name)  # raises, and says which variants there are
    if engine != "auto":
        candidates = [v for v in candidates if ENGINE_OF[v.format] == engine] or candidates
    runnable = [v for v in candidates if is_installed(ENGINE_OF[v.format])]
    if not runnable:
        raise EngineMissingError(
            f"no engine for {candidates[0].name} is installed; pip install 'edgeproof[litert]', 'edgeproof[tflite]' on "
            "32-bit ARM, or 'edgeproof[onnx]'"
        )
    rank = {variant: position for position, variant in enumerate(_PREFERENCE)}
    return min(runnable, key=lambda v: rank.get(v.name, len(rank)))


def _load_variant(
    cls: type[Classifier], folder: Path, manifest: Manifest, variant: Variant, engine: str, threads: int
) -> Classifier:
    model = read_vouched_file(folder, variant.file, variant.sha256)
    loaded = load_engine(model, variant.format, engine=engine, threads=threads)
    if (loaded.input, loaded.output) != (variant.input, variant.output):
        raise SpecMismatchError(
            f"{variant.file} has other tensors than the manifest says: {loaded.input}, {loaded.output}"
        )
    return cls(loaded, classes=manifest.classes, image=manifest.image, variant=variant.name)


def _listed_beside(file: Path) -> tuple[Manifest, Variant] | None:
    """Return the manifest beside a model file and the variant that it names the file, if there is one."""
    if file.suffix.removeprefix(".") not in tuple(Format) or not (file.parent / MANIFEST_NAME).is_file():
        return None
    manifest = read_manifest(file.parent)
    return next(((manifest, v) for v in manifest.variants if v.file == file.name), None)


def _load_lone_file(cls: type[Classifier], file: Path, engine: str, threads: int) -> Classifier:
    suffix = file.suffix.removeprefix(".")
    if suffix not in tuple(Format):
        raise InvalidFileError(f"{file} is no bundle and no model file; possible: a folder, .tflite, .onnx")
    model = read_file(file, "model")
    try:
        loaded = load_engine(model, Format(suffix), engine=engine, threads=threads)
    except InvalidFileError as error:
        raise InvalidFileError(f"{file}: {error}") from error
    text = loaded.metadata.get(DESCRIPTION_KEY)
    if text is None:
        return cls(loaded, classes=_numbered(loaded, file), image=_image_spec(loaded, file), variant=file.name)
    try:
        description = parse_description(text)
    except InvalidFileError as error:
        raise InvalidFileError(f"{file}: {error}") from error
    variant = f"{description.recipe}.{suffix}"
    return cls(loaded, classes=description.classes, image=description.image, variant=variant)


def _numbered(engine: Engine, file: Path) -> tuple[str, ...]:
    shape = engine.output.shape
    if len(shape) != 2 or shape[1] is None:
        raise SpecMismatchError(f"{file} gives shape {shape}; a classifier gives (batch, classes)")
    return tuple(str(i) for i in range(shape[1]))


def _image_spec(engine: Engine, file: Path) -> ImageSpec:
    _, *size = engine.input.shape if len(engine.input.shape) == 4 else (None,)
    match size:
        case [int(height), int(width), (1 | 3) as channels]:
            return ImageSpec(height=height, width=width, channels=channels)
        case _:
            raise SpecMismatchError(
                f"{file} takes shape {engine.input.shape}; edgeproof runs (batch, height, width, 1 or 3)"
            )
