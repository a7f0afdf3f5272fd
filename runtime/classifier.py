"""The runtime's one class: load a bundle or a model file, predict."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from .errors import SpecMismatchError
from .images.preprocess import Prepared, as_nhwc, prepare
from .images.reading import ImageLike
from .prediction import NO_DIGIT, UNCERTAIN, Prediction
from .probabilities import check_probabilities, not_probabilities, step_of
from .validation import probability, whole_number

if TYPE_CHECKING:  # imported when a model is loaded: `import edgeproof.runtime` stays as light as NumPy's
    from .bundle.model_metadata import Preprocessing
    from .loading import LoadOptions, Model

_CHUNK, _CHUNK_BYTES = 256, 2**22  # part of a large array: large enough to make what surrounds the engine cheap
_PER_WORKER = 8  # images of a sequence that a worker takes at once

_MAX_WORKERS = 256

# Iterable, some of them, but never a sequence of images.
_NO_SEQUENCES = (str, os.PathLike, bytes, bytearray, memoryview)
_HIGHEST = 1.001  # 1, and what rounding may add; a model that nobody vouches for is checked more closely


class Classifier:
    """An image classifier in any of its variants: images in, labels and class probabilities out.

    Several threads may call it at once, with the same answers as one. Pickled, it carries a model file of up to 8 MiB,
    and runs wherever the engine is installed; a larger file is loaded again from the same path, or refused if it has
    changed.

    Attributes:
        classes: The labels, in the order of the probabilities.
        image: The size and colour of the images that the model takes.
        preprocessing: How images of other sizes come to that size.
        variant: The variant's name, or that of a file without metadata.
    """

    def __init__(self, model: "Model", *, origin: str | os.PathLike[str], options: "LoadOptions") -> None:
        from pathlib import Path

        from .io.files import is_folder
        from .pretrained import is_pretrained

        self.classes = model.classes
        self.image = model.image
        self.preprocessing = model.preprocessing
        self.variant = model.variant
        self._engines = model.engines
        self._calibrated = model.calibrated
        self._vouched = model.vouched
        self._step = step_of(model.engines.output)
        height, width, channels = model.image.shape
        self._tensor_shape = (1, height, width, channels)
        self._takes_bytes = model.engines.input.dtype == "uint8" and model.engines.input.is_identity
        # The shapes of one image just as the model takes it.
        self._input_shapes = ((height, width, 1), (height, width)) if channels == 1 else ((height, width, channels),)
        # Pickled, it must find the same file from another folder, and not choose another variant.
        self._origin = os.fspath(origin) if is_pretrained(origin) else os.fspath(Path(origin).absolute())
        pinned = model.variant if is_pretrained(origin) or is_folder(Path(origin)) else None
        self._options = replace(options, variant=pinned, sha256=model.sha256)
        self._packed = model.packed()

    @property
    def engine(self) -> str:
        """The engine that runs it, with its version: ``"LiteRT 2.3.0"``."""
        return self._engines.name

    def __repr__(self) -> str:
        height, width, channels = self.image.shape
        labels = self.classes if len(self.classes) <= 3 else (*self.classes[:2], "…", self.classes[-1])
        return (
            f"<Classifier {self.variant} in {self.engine}: images {height} x {width} x {channels}, "
            f"{len(self.classes)} classes: {', '.join(labels)}>"
        )

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        engine: str = "auto",
        variant: str | None = None,
        threads: int = 1,
        trusted: bool = False,
        preprocessing: "Preprocessing | None" = None,
    ) -> "Classifier":
        """Load a bundle, a single model file, or a model that comes with edgeproof.

        Args:
            path: A bundle's folder, a `.tflite` or `.onnx` file, or a built-in reader of digits: ``"mnist"``, or
                ``"mnist-tiny"`` for microcontrollers (``"./mnist"`` is a folder of that name). A file is checked
                against the manifest beside it. Without a manifest, the metadata inside the file is used. A file
                without metadata gets raw pixels, and its classes are called ``"0"``, ``"1"`` and so on.
            engine: ``"auto"``, ``"litert"`` or ``"onnxruntime"``.
            variant: Which variant of the bundle: ``"static_wi8_ai8.tflite"``, or a recipe or its alias alone, such
                as ``"int8"``, for the first of its formats that an installed engine runs. By default the int8
                TFLite file, if its engine is installed.
            threads: How many threads the engine may use for one image.
            trusted: Damaged files can end or hang the engine's process. A file without a manifest is therefore first
                tried in a child process, which takes some tenths of a second; True skips that.
            preprocessing: How other images come to the model's size, for a file without metadata: one of `READINGS` in
                `edgeproof.runtime.bundle.model_metadata`, say, whose names are those of ``--reading``.

        Raises:
            InvalidFileError: The file or bundle is missing, damaged, or not what its manifest says.
            UnknownNameError: The bundle has no such variant, or there is no such engine.
            EngineMissingError: The engine that the file needs is not installed.
            SpecMismatchError: The model is not an image classifier that edgeproof can run, or `threads` is impossible,
                or it has a preprocessing already.
        """
        from .loading import LoadOptions, load_model

        options = LoadOptions(
            engine=engine, variant=variant, threads=threads, trusted=trusted, preprocessing=preprocessing
        )
        return cls(load_model(path, options), origin=path, options=options)

    def predict(
        self,
        images: ImageLike | Iterable[ImageLike],
        *,
        value_range: tuple[float, float] | None = None,
        min_confidence: float = 0.0,
        workers: int = 1,
    ) -> list[Prediction]:
        """Classify images.

        Args:
            images: A path, a Pillow image, an array, or any iterable of these. Arrays have shape (H, W), (H, W, C),
                (N, H, W) or (N, H, W, C); a last axis of 1, 3 or 4 is gray, RGB or RGB with alpha. They hold uint8
                0-255, or numbers in `value_range`. An array in the model's own size goes in unchanged; everything
                else goes through `preprocessing`.
            value_range: Black and white in arrays of numbers, for example ``(0, 1)``.
            min_confidence: An answer less probable than this is ``"uncertain"``; 0-1.
            workers: How many threads to spread many images over.

        Returns:
            One prediction per image, in order.

        Raises:
            InvalidFileError: A file is missing, or is not an image that can be read to its end; or the model's answers
                are not probabilities.
            SpecMismatchError: An argument is not one of the above.
        """
        if value_range is None and min_confidence == 0 and workers == 1 and self._is_model_input(images):
            return [self._prediction(cast("NDArray[np.uint8]", images))]
        return list(self.stream(images, value_range=value_range, min_confidence=min_confidence, workers=workers))

    def stream(
        self,
        images: ImageLike | Iterable[ImageLike],
        *,
        value_range: tuple[float, float] | None = None,
        min_confidence: float = 0.0,
        workers: int = 1,
    ) -> Iterator[Prediction]:
        """Classify images as they come; memory stays the same however many there are.

        Arguments and errors as in `predict`. With one worker, each prediction comes before the next image is read.
        """
        least = probability(min_confidence, "min_confidence")

        def answers(part: Any) -> list[Prediction]:  # noqa: ANN401  (whatever the caller has for an image)
            return self._predictions(self._prepared(part, value_range), least)

        return _flat(self._map_images(images, answers, workers))

    def predict_one(
        self, image: ImageLike, *, value_range: tuple[float, float] | None = None, min_confidence: float = 0.0
    ) -> Prediction:
        """Classify exactly one image.

        Raises:
            SpecMismatchError: `image` is an array of more than one image, or of none.
        """
        predictions = self.predict(image, value_range=value_range, min_confidence=min_confidence)
        if len(predictions) != 1:
            raise SpecMismatchError(f"predict_one takes one image, got {len(predictions)}")
        return predictions[0]

    def top_k(
        self,
        images: ImageLike | Iterable[ImageLike],
        k: int = 3,
        *,
        value_range: tuple[float, float] | None = None,
        workers: int = 1,
    ) -> list[list[tuple[str, float]]]:
        """Return for each image its `k` most probable classes, best first, as (label, probability).

        The list is empty where an image holds no digit. Otherwise arguments and errors are those of `predict`.
        """
        whole_number(k, "k", 1, len(self.classes))
        predictions = self.stream(images, value_range=value_range, workers=workers)
        return [self.ranked(prediction)[:k] for prediction in predictions]

    def ranked(self, prediction: Prediction) -> list[tuple[str, float]]:
        """Return the classes of a prediction with their probabilities, best first; none where there is no digit."""
        if not prediction.probabilities.any():
            return []
        order = np.argsort(-prediction.probabilities, kind="stable").tolist()
        return [(self.classes[index], float(prediction.probabilities[index])) for index in order]

    def probabilities(
        self,
        images: ImageLike | Iterable[ImageLike],
        *,
        value_range: tuple[float, float] | None = None,
        workers: int = 1,
    ) -> NDArray[np.float32]:
        """Return the class probabilities alone: float32 of shape (N, classes), zeros where there is no digit.

        Arguments and errors are those of `predict`.
        """

        def answers(part: Any) -> NDArray[np.float32]:  # noqa: ANN401
            return self._run(self._prepared(part, value_range))

        parts = list(self._map_images(images, answers, workers))
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)), np.float32)

    def pixels(self, images: ImageLike, *, value_range: tuple[float, float] | None = None) -> NDArray[Any]:
        """Return the pixels that the model gets for an image or an array of images: 0-255, (N, H, W, C)."""
        return self._prepared(images, value_range).pixels

    def __reduce__(self) -> tuple[Callable[..., "Classifier"], tuple[object, ...]]:
        return _load_again, (type(self), self._packed, self._origin, self._options)

    def _prepared(self, images: ImageLike, value_range: tuple[float, float] | None) -> Prepared:
        return prepare(images, self.image, self.preprocessing, value_range=value_range)

    def _is_model_input(self, images: object) -> bool:
        """Tell whether this is one uint8 image just as the model takes it."""
        # The type as text: made anew for each image, it would take longer than some models run.
        array = cast("NDArray[Any]", images)
        return isinstance(images, np.ndarray) and array.shape in self._input_shapes and array.dtype == np.uint8

    def _prediction(self, image: NDArray[Any]) -> Prediction:
        """Classify one image just as the model takes it: the hot path of a camera's loop."""
        tensor = image.reshape(self._tensor_shape)
        if not self._takes_bytes:
            tensor = self._engines.input.encode(tensor)
        probabilities = self._calibrated(self._engines.run_one(tensor))[0]
        index = int(probabilities.argmax())
        highest = float(probabilities[index])
        if not highest <= _HIGHEST:
            raise not_probabilities(probabilities, self.variant)
        if not self._vouched:
            check_probabilities(probabilities[np.newaxis], self._step, self.variant)
        return Prediction(self.classes[index], index, highest, probabilities)

    def _run(self, prepared: Prepared) -> NDArray[np.float32]:
        probabilities = self._calibrated(self._engines.run(prepared.pixels))
        highest = float(probabilities.max(initial=0))
        if not highest <= _HIGHEST:
            raise not_probabilities(probabilities, self.variant)
        if not self._vouched:
            check_probabilities(probabilities, self._step, self.variant)
        if prepared.blank:
            probabilities[list(prepared.blank)] = 0
        return probabilities

    def _predictions(self, prepared: Prepared, min_confidence: float) -> list[Prediction]:
        probabilities = self._run(prepared)
        best = probabilities.argmax(axis=1)
        highest = probabilities[np.arange(len(best)), best]
        indices, labels = cast("list[int]", best.tolist()), self.classes
        found = [
            Prediction(labels[index], index, probability, row)
            if probability >= min_confidence
            else Prediction(UNCERTAIN, None, probability, row)
            for index, probability, row in zip(indices, highest.tolist(), probabilities, strict=True)
        ]
        for position in prepared.blank:
            found[position] = replace(found[position], label=NO_DIGIT, index=None)
        return found

    def _map_images(
        self, images: ImageLike | Iterable[ImageLike], answers: Callable[[Any], Any], workers: int
    ) -> Iterator[Any]:
        """Yield the result of `answers` for each part of the images, in order."""
        whole_number(workers, "workers", 1, _MAX_WORKERS)
        from .parallel import map_in_order

        if isinstance(images, np.ndarray):
            parts: Iterable[Any] = _chunks(as_nhwc(cast("NDArray[Any]", images)))
        elif isinstance(images, _NO_SEQUENCES) or not isinstance(images, Iterable) or hasattr(images, "read"):
            parts = (images,)  # one image, or refused later
        elif workers == 1:
            parts = cast("Iterable[Any]", images)
        else:
            chunks = _chunked(cast("Iterable[Any]", images))
            return _flat(map_in_order(lambda chunk: [answers(image) for image in chunk], chunks, workers))
        return map(answers, parts) if workers == 1 else map_in_order(answers, parts, workers)


def _load_again(
    cls: type[Classifier], packed: dict[str, Any] | None, origin: str, options: "LoadOptions"
) -> Classifier:
    """Load what was pickled, from the very same file or its content."""
    from .loading import load_model, unpack_model

    model = load_model(origin, options) if packed is None else unpack_model(packed, options)
    return cls(model, origin=origin, options=options)


def _chunks(batch: NDArray[Any]) -> Iterator[NDArray[Any]]:
    size = max(1, min(_CHUNK, _CHUNK_BYTES // max(1, batch[:1].nbytes)))
    for i in range(0, len(batch), size):
        yield batch[i : i + size]


def _flat(parts: Iterable[Iterable[Any]]) -> Iterator[Any]:
    for part in parts:
        yield from part


def _chunked(items: Iterable[Any]) -> Iterator[list[Any]]:
    source = iter(items)
    while chunk := list(islice(source, _PER_WORKER)):
        yield chunk


load = Classifier.load
"""`Classifier.load`."""
