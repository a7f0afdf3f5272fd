"""report.json: written from a report, and read back without trust."""

import gc
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from math import inf
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Optional, cast, get_args, get_origin

import msgspec

from ..metrics.ranges import Range
from ..runtime.errors import InvalidFileError, foreign_errors
from ..runtime.io.checked_json import check_unique
from ..runtime.io.files import read_file
from ..runtime.io.shortage import memory_needed_to
from .consistency import check_consistency
from .model import SCHEMA_VERSION, Report

REPORT_NAME = "report.json"
# A report of ten thousand classes and as many flips has some megabytes.
_MAX_BYTES = 2**28
_ANY = Range(-inf)
_LARGEST = 10**12  # beyond it are numbers that no measurement gives


def to_json(report: Report) -> str:
    """Return the text of `report.json`."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def from_json(content: bytes | str, called: str = "the report") -> Report:
    """Read back what `to_json` wrote; messages name it as `called`.

    Raises:
        InvalidFileError: It is from another schema version, is not a report, or contradicts itself.
    """
    # ValueError: a number with too many digits.
    foreign = (msgspec.MsgspecError, ValueError, RecursionError)
    with foreign_errors(InvalidFileError, f"{called} is not a report of edgeproof benchmark", caught=foreign):
        head = msgspec.json.decode(content, type=_Head)
    if head.task is not None:
        remedy = "check and pick take the bundle's folder, and `edgeproof benchmark` writes a report of it"
        raise InvalidFileError(f"{called} is a bundle's manifest, not a report: {remedy}")
    version = head.schema_version
    if version != SCHEMA_VERSION:
        remedy = f"this edgeproof reads {SCHEMA_VERSION}: run `edgeproof benchmark` again"
        raise InvalidFileError(f"{called} has schema version {version}; {remedy}")
    with foreign_errors(InvalidFileError, f"{called} is not a report of edgeproof benchmark", caught=foreign):
        # Three times: one parse, by Python's reader because msgspec's passes over names that are twice, and two
        # conversions of its dictionaries took 1.6 times as long, and half as much memory again.
        with _no_collection():
            json.loads(content, object_pairs_hook=check_unique)
            msgspec.json.decode(content, type=_bounded(Report))
            report = msgspec.json.decode(content, type=Report)
        _check_numbers(_free_figures(report))
    check_consistency(report, called)
    return report


def read_report(path: Path) -> Report:
    """Read a report from its file, or from the folder that `edgeproof benchmark` wrote.

    Raises:
        InvalidFileError: It is missing, or as in `from_json`.
    """
    file = path / REPORT_NAME if path.is_dir() else path
    with memory_needed_to(f"read {file}"):
        return from_json(read_file(file, "report", max_bytes=_MAX_BYTES), str(file))


@contextmanager
def _no_collection() -> Generator[None]:
    """Hold the garbage collector, which would go through a large report's parts, all of them in use, many times."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@cache
def _bounded(kind: Any, bounds: Range = _ANY) -> Any:  # noqa: ANN401  (types, as annotations)
    """Return a type that msgspec decodes from the same JSON as this one, and whose numbers it refuses out of range.

    The classes themselves cannot say this to msgspec, which a device does not have.
    """
    arguments: tuple[Any, ...] = get_args(kind)
    if kind in (int, float):
        return Annotated[kind, msgspec.Meta(ge=max(bounds.low, -_LARGEST), le=min(bounds.high, _LARGEST))]
    if is_dataclass(kind):
        members = [
            (field.name, _bounded(field.type), *(() if field.default is MISSING else (field.default,)))
            for field in fields(kind)
        ]
        return msgspec.defstruct(getattr(kind, "__name__", ""), cast("list[Any]", members), kw_only=True)
    if get_origin(kind) is Annotated:
        return _bounded(arguments[0], next(extra for extra in arguments if isinstance(extra, Range)))
    inner = tuple(_bounded(argument, bounds) for argument in arguments)
    if NoneType in arguments:
        return Optional[inner[0]]  # noqa: UP045  (a type that is known at run time only)
    return kind.__origin__[inner] if inner else kind


def _free_figures(report: Report) -> list[object]:
    """Return the parts of a report that any runtime or machine may fill, whose figures have no ranges of their own."""
    return [report.environment, report.method, report.sustained and list(report.sustained.states)]


def _check_numbers(value: object) -> None:
    """Raise ValidationError for numbers so large that no measurement gives them."""
    if isinstance(value, dict):
        for one in cast("dict[str, object]", value).values():
            _check_numbers(one)
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            _check_numbers(one)
    elif isinstance(value, (int, float)) and not abs(value) <= _LARGEST:
        raise msgspec.ValidationError(f"a number is beyond {_LARGEST:,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Head:
    schema_version: int
    task: object = None  # in a bundle's manifest, which stands where a report is looked for as well
