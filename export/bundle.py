"""Export of a Keras file to a bundle, in a child process that a converter may end."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..datasets.builtin import BUILT_IN
from ..datasets.dataset import DataOptions, Dataset
from ..datasets.images.reading_remarks import advises_reading
from ..datasets.loading import is_image_folder, load_data
from ..datasets.training_record import describe_training_data, find_data_options, find_held_out, find_split
from ..runtime.bundle.manifest import LeftOut, Manifest
from ..runtime.bundle.reader import check_is_bundle
from ..runtime.errors import InvalidFileError, SpecMismatchError
from ..runtime.io.atomic import atomic_folder
from ..runtime.io.worker import Parent, Worker, WorkerDiedError
from .options import DEFAULTS, DataNote, DataWarning, Event, ExportOptions, Started
from .reference.model_kind import check_model_file
from .reference.stored_input import stored_input


def export_bundle(
    model: Path,
    data: Dataset | str | Path,
    out: Path,
    options: ExportOptions = DEFAULTS,
    *,
    data_options: Mapping[str, Any] | None = None,
    on_event: Callable[[Event], None] = lambda _: None,
) -> Manifest:
    """Export a Keras file with every recipe in every format and write the bundle.

    The record of the training, `training.json` beside the model, says how to load its data, and on which held-out
    images to fit temperatures.

    Args:
        model: A `.keras` or `.h5` file.
        data: The data set that the model has learned from, or what `load_data` loads it from. Calibration, verification
            and golden images are drawn from the training images; the test images give the reference's accuracy only.
        out: The bundle's folder; an older bundle there is replaced, in one step, once all variants are verified.
        options: What to export, and how.
        data_options: Fields of `DataOptions` that differ from the training's, for data that is to be loaded.
        on_event: Called with what happens, as it happens.

    Returns:
        The manifest. Variants that could not be converted, or are too far from the reference, are in `left_out`.

    Raises:
        CheckFailedError: No variant is close enough to the reference; nothing is written.
        InvalidFileError: The model or the data cannot be loaded.
        SpecMismatchError: Model, labels and data do not fit each other.
        OutputError: `out` cannot be written.
    """
    overrides = dict(data_options or {})
    if overrides and isinstance(data, Dataset):
        raise SpecMismatchError(f"data options are for data that is to be loaded; {data.name} is loaded already")
    DataOptions(**overrides)  # checks them before anything is loaded
    check_model_file(model)
    with atomic_folder(out, check_replaceable=check_is_bundle) as staging:
        return _write_in_children((model, data, overrides, staging, options), on_event)


def _write_in_children(arguments: tuple[Any, ...], on_event: Callable[[Event], None]) -> Manifest:
    """Write the bundle in a child process; when a variant ends it, start again without that variant."""
    failures: list[LeftOut] = []
    reported: list[Event] = []
    started = ""

    def report(event: Event) -> None:
        nonlocal started
        if isinstance(event, Started):
            started = event.name
        if event not in reported:  # by a child that died
            reported.append(event)
            on_event(event)

    while True:
        try:
            with Worker(_write, *arguments, tuple(failures), name="the converter") as worker:
                return worker.result(report)
        except WorkerDiedError as error:
            if not started or started in {known.name for known in failures}:
                raise
            failures.append(LeftOut(name=started, reason=f"{error}; this is a fault of the converter with this model"))


def _write(
    parent: Parent,
    model: Path,
    data: Dataset | str | Path,
    overrides: Mapping[str, Any],
    folder: Path,
    options: ExportOptions,
    failures: tuple[LeftOut, ...],
) -> Manifest:
    """Load the data and write the bundle; the work of a child process."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    dataset = data if isinstance(data, Dataset) else _load(parent, model, data, overrides, options.cache)
    chosen = _with_record(options, model, dataset, lambda text: parent.send(DataWarning(text=text)))
    for remark in filter(advises_reading, dataset.remarks):
        parent.send(DataWarning(text=remark))
    from .bundle_writer import write_bundle

    return write_bundle(model, dataset, folder, chosen, known_failures=failures, on_event=parent.send)


def _load(parent: Parent, model: Path, data: str | Path, overrides: Mapping[str, Any], cache: Path | None) -> Dataset:
    options = _data_options(model, overrides)
    if data not in BUILT_IN and is_image_folder(Path(data)):  # arrays keep their shape
        taken = stored_input(model)
        taken.check(options, model)
        completed = taken.completed(options)
        if completed != options:
            parent.send(DataNote(text=f"images are read as {model.name} takes them: {taken}"))
        options = completed
    split = None
    with suppress(InvalidFileError):  # reported where held-out images are looked for
        split = find_split(model)
    return load_data(data, options, earlier=split, cache=cache, progress=parent.send)


def _data_options(model: Path, overrides: Mapping[str, Any]) -> DataOptions:
    """Return how the data is read: as in the training, but for what the user says."""
    recorded = None
    with suppress(InvalidFileError):  # reported where held-out images are looked for
        recorded = find_data_options(model)
    return replace(recorded or DataOptions(), **overrides)


def _with_record(options: ExportOptions, model: Path, data: Dataset, warn: Callable[[str], None]) -> ExportOptions:
    """Return the options with what the training's record says; warn where nothing vouches for the test images."""
    if options.held_out is not None:
        return options
    try:
        held_out = find_held_out(model, data)
    except InvalidFileError as error:
        warn(str(error))
        held_out = None
    if held_out is not None:
        return replace(options, held_out=tuple(held_out.tolist()), data=describe_training_data(data))
    if data.test_drawn:
        warn(
            f"{data.name} has no test part, and nothing vouches that the model has not learned from the "
            f"{len(data.x_test):,} images that were drawn for one: its accuracy may be too high"
        )
    return options
