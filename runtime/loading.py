"""Load a model in its engine: from a bundle, a lone file, or a built-in name."""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from .bundle.manifest import Manifest, Variant
from .bundle.model_metadata import (
    DESCRIPTION_KEY,
    RESIZE,
    ImageSpec,
    Preprocessing,
    check_fit,
    check_tensors,
    parse_description,
)
from .bundle.reader import holds_manifest, read_manifest, read_vouched_file
from .bundle.recipes import VARIANTS, Format, canonical_name, preference
from .bundle.temperature import Temperature
from .engines.engine import CONCURRENT, ENGINE_OF, MAX_THREADS, Engine, is_installed, load_engine
from .engines.packages import no_engine_message
from .engines.pool import BATCH, EnginePool
from .errors import EngineMissingError, InvalidFileError, SpecMismatchError, UnknownNameError, did_you_mean
from .io.digest import sha256_of
from .io.files import exists, is_folder, near_path, read_file
from .io.shortage import memory_needed_to
from .pretrained import PRETRAINED, find_pretrained, is_pretrained
from .probabilities import check_one_answer
from .validation import whole_number

_LARGEST_FOR_BATCHES = 2**18  # bytes; in batches, Python's share of a run is smaller, which pays for small models

_LARGEST_PICKLED = 2**23  # bytes; a larger file would be sent with every task of a pool of processes
_EXTERNAL_DATA = b"location"  # in each ONNX file that keeps weights in other files: the key that names these

_MAX_CLASSES = 2**16  # of a file without metadata; a label is made for each


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelContent:
    """What engines for a model are made of.

    Attributes:
        content: The whole model file.
        format: Which format these bytes are in.
        in_batches: Whether the model gains by batches, and its answers cannot depend on them.
        data_folder: Where an ONNX model may keep weights in other files; None where it must hold them itself.
    """

    content: bytes
    format: Format
    in_batches: bool = False
    data_folder: Path | None = None

    @property
    def is_pickled(self) -> bool:
        """Whether it travels to other processes: it is not large, and it is all of the model."""
        has_all = self.data_folder is None or self.format not in CONCURRENT or _EXTERNAL_DATA not in self.content
        return has_all and len(self.content) <= _LARGEST_PICKLED

    def engine(self, options: "LoadOptions") -> Engine:
        """Load the model into an engine; errors as in `load_engine`."""
        return load_engine(
            self.content, self.format, engine=options.engine, threads=options.threads, data_folder=self.data_folder
        )

    def pool(self, first: Engine, options: "LoadOptions") -> EnginePool:
        """Return a pool with this engine for the model, which makes others like it."""
        another = None if self.format in CONCURRENT else partial(self.engine, options)
        return EnginePool(first, another, batches=self._batches(options))

    def _batches(self, options: "LoadOptions") -> Callable[[], Engine] | None:
        if not self.in_batches:
            return None

        def make() -> Engine:
            from .engines.litert import LiteRTEngine

            return LiteRTEngine(self.content, threads=options.threads, batch=BATCH)

        return make


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A model in the engines that run it; other attributes as in `Classifier`.

    Attributes:
        content: What the engines were made of; None where another process finds the file by its path.
        calibrated: Turns the engines' outputs into probabilities.
        sha256: Digest of the model file.
        vouched: Whether a manifest vouches for the file; its answers were probabilities when it was loaded.
    """

    engines: EnginePool
    content: ModelContent | None
    classes: tuple[str, ...]
    image: ImageSpec
    preprocessing: Preprocessing
    variant: str
    calibrated: Temperature
    sha256: str
    vouched: bool

    def __post_init__(self) -> None:
        taken, given = self.engines.input.shape, self.engines.output.shape
        check_tensors(self.variant, taken, given, self.image, self.classes)

    def packed(self) -> dict[str, Any] | None:
        """Return all of it but the engines, which can be pickled; None where another process must find the file."""
        if self.content is None:
            return None
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "engines"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadOptions:
    """How a model is loaded; see `Classifier.load`.

    Attributes:
        sha256: The digest that the model file must have; None for any. A file that has it is not tried first.
        preprocessing: How images come to the model's size, for a file that does not say it.
    """

    engine: str = "auto"
    variant: str | None = None
    threads: int = 1
    trusted: bool = False
    sha256: str | None = None
    preprocessing: Preprocessing | None = None


def load_model(path: str | os.PathLike[str], options: LoadOptions) -> Model:
    """Load a bundle, a lone file or a built-in model; arguments and errors as in `Classifier.load`."""
    whole_number(options.threads, "threads", 1, MAX_THREADS)
    if not os.fspath(path):
        raise InvalidFileError("the model's path is empty")
    location = find_pretrained(path) if isinstance(path, str) and is_pretrained(path) else Path(path)
    if is_folder(location):
        _check_says_nothing(location, options)
        manifest = read_manifest(location)
        return _load_variant(location, manifest, _choose(manifest, options), options)
    if options.variant is not None:
        raise UnknownNameError(f"a variant is chosen from a bundle, and {location} is not a folder")
    listed = _listed_beside(location)
    if listed is not None:
        _check_says_nothing(location, options)
        return _load_variant(location.parent, *listed, options)
    return _load_lone_file(location, options)


def unpack_model(packed: dict[str, Any], options: LoadOptions) -> Model:
    """Make the engines of a model anew, from what `Model.packed` returned in another process, perhaps elsewhere.

    Raises:
        EngineMissingError: The engine that it needs is not installed here.
    """
    content: ModelContent = packed["content"]
    return Model(engines=content.pool(content.engine(options), options), **packed)


def _choose(manifest: Manifest, options: LoadOptions) -> Variant:
    name = options.variant
    if name is not None and "." in name:
        return manifest.variant(name)
    candidates = [v for v in manifest.variants if name is None or v.recipe == canonical_name(name)]
    if not candidates:
        return manifest.variant(name or "")  # raises, and says which variants there are
    if options.engine != "auto":
        candidates = [v for v in candidates if ENGINE_OF[v.format] == options.engine] or candidates
    runnable = [v for v in candidates if is_installed(ENGINE_OF[v.format])]
    if not runnable:
        raise EngineMissingError(no_engine_message(v.format for v in candidates))
    return min(runnable, key=lambda v: preference(v.name))


def _load_variant(folder: Path, manifest: Manifest, variant: Variant, options: LoadOptions) -> Model:
    file = folder / variant.file
    content = read_vouched_file(folder, variant)
    _check_unchanged(file, variant.sha256, options)
    made_of = ModelContent(content=content, format=variant.format, in_batches=_gains_by_batches(content, variant))
    with memory_needed_to(f"load {file}"):
        engine = made_of.engine(options)
    if (engine.input, engine.output) != (variant.input, variant.output):
        raise SpecMismatchError(
            f"{variant.file} has other tensors than the manifest says: {engine.input}, {engine.output}"
        )
    model = Model(
        engines=made_of.pool(engine, options),
        content=made_of if made_of.is_pickled else None,
        classes=manifest.classes,
        image=manifest.image,
        preprocessing=manifest.preprocessing,
        variant=variant.name,
        calibrated=Temperature(engine.output, 1.0 if variant.confidence is None else variant.confidence.temperature),
        sha256=variant.sha256,
        vouched=True,
    )
    check_one_answer(engine, model.image, str(file))
    return model


def _check_unchanged(file: Path, digest: str, options: LoadOptions) -> None:
    """Refuse a file with another digest than the one asked for, before an engine sees it."""
    if options.sha256 not in (None, digest):
        raise InvalidFileError(f"{file} has changed: sha256 {digest[:12]}… instead of {options.sha256:.12}…")


def _check_says_nothing(location: Path, options: LoadOptions) -> None:
    """Refuse a preprocessing for a model that has its own."""
    if options.preprocessing is not None:
        raise SpecMismatchError(
            f"{location} says itself how its images are read; options for that are for model files without metadata "
            "(to change it, export the model again with them)"
        )


def _listed_beside(file: Path) -> tuple[Manifest, Variant] | None:
    """Return the manifest beside a model file and the file's variant, if the manifest names it."""
    if file.suffix.removeprefix(".") not in tuple(Format) or not holds_manifest(file.parent):
        return None
    manifest = read_manifest(file.parent)
    return next(((manifest, v) for v in manifest.variants if v.file == file.name), None)


def _load_lone_file(file: Path, options: LoadOptions) -> Model:
    suffix = file.suffix.removeprefix(".")
    if suffix not in tuple(Format):
        is_there = exists(file)
        meant = "" if is_there else did_you_mean(str(file), PRETRAINED) or near_path(file)
        raise InvalidFileError(
            f"{file} is {'not a model file' if is_there else 'neither there nor built in'}; possible: "
            f"a bundle's folder, .tflite, .onnx, or a built-in model: {', '.join(PRETRAINED)}{meant}"
        )
    content, model_format = read_file(file, "model"), Format(suffix)
    digest = sha256_of(content)
    _check_unchanged(file, digest, options)
    made_of = ModelContent(content=content, format=model_format, data_folder=file.parent)
    try:
        if not options.trusted and options.sha256 is None:
            from .engines.probe import probe

            probe(content, model_format, data_folder=file.parent, threads=options.threads)
        with memory_needed_to(f"load {file}"):
            engine = made_of.engine(options)
        text = engine.metadata.get(DESCRIPTION_KEY)
        description = None if text is None else parse_description(text)
    except InvalidFileError as error:
        raise InvalidFileError(f"{file}: {error}") from error
    if description:
        _check_says_nothing(file, options)
    image = description.image if description else _image_spec(engine, file)
    preprocessing = description.preprocessing if description else options.preprocessing or RESIZE
    check_fit(image, preprocessing)
    return Model(
        engines=made_of.pool(engine, options),
        content=replace(made_of, data_folder=None) if made_of.is_pickled else None,
        classes=description.classes if description else _numbered_classes(engine, file),
        image=image,
        preprocessing=preprocessing,
        variant=f"{description.recipe}.{suffix}" if description else file.name,
        calibrated=Temperature(engine.output, 1.0),
        sha256=digest,
        vouched=False,
    )


def _gains_by_batches(content: bytes, variant: Variant) -> bool:
    """Tell whether the model gains by batches, and its answers cannot depend on them."""
    # Sums of integers are the same in any order; sums of floats are not.
    traits = VARIANTS.get(f"{variant.recipe}.{variant.format}")
    exact = traits is not None and traits.across_machines == 0 and variant.float_islands == 0
    return exact and len(content) <= _LARGEST_FOR_BATCHES


def _numbered_classes(engine: Engine, file: Path) -> tuple[str, ...]:
    shape = engine.output.shape
    if len(shape) != 2 or shape[1] is None or not 1 <= shape[1] <= _MAX_CLASSES:
        raise SpecMismatchError(
            f"{file} gives shape {shape}; a classifier gives (batch, classes), 1 to {_MAX_CLASSES:,} of them"
        )
    return tuple(str(i) for i in range(shape[1]))


def _image_spec(engine: Engine, file: Path) -> ImageSpec:
    match engine.input.shape:
        case (_, int(height), int(width), (1 | 3) as channels):
            return ImageSpec(height=height, width=width, channels=channels)
        case shape:
            raise SpecMismatchError(f"{file} takes shape {shape}; edgeproof runs (batch, height, width, 1 or 3)")
