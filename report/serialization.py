"""report.json: written from a report, and read back without trust."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec

from ..runtime.errors import InvalidFileError, foreign_errors
from ..runtime.io.files import read_file
from .model import SCHEMA_VERSION, Report

REPORT_NAME = "report.json"
# A report of ten thousand classes and as many flips has some megabytes.
_MAX_BYTES = 2**28
_LARGEST = 1e12


def to_json(report: Report) -> str:
    """Return the text of `report.json`."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def from_json(content: bytes | str, called: str = "the report") -> Report:
    """Read back what `to_json` wrote; messages name it as `called`.

    Raises:
        InvalidFileError: It is from another schema version, or is not a report.
    """
    foreign = (msgspec.MsgspecError, UnicodeError, RecursionError)
    with foreign_errors(InvalidFileError, f"{called} is not a report of edgeproof benchmark", caught=foreign):
        version = msgspec.json.decode(content, type=_Version).schema_version
        if version != SCHEMA_VERSION:
            remedy = f"this edgeproof reads {SCHEMA_VERSION}: run `edgeproof benchmark` again"
            raise InvalidFileError(f"{called} has schema version {version}; {remedy}")
        _check_numbers(msgspec.json.decode(content))
        return msgspec.json.decode(content, type=Report)


def read_report(path: Path) -> Report:
    """Read a report from its file, or from the folder that `edgeproof benchmark` wrote.

    Raises:
        InvalidFileError: It is missing, or as in `from_json`.
    """
    file = path / REPORT_NAME if path.is_dir() else path
    return from_json(read_file(file, "report", max_bytes=_MAX_BYTES), str(file))


def _check_numbers(value: object) -> None:
    """Raise ValidationError for numbers so large that no measurement gives them."""
    if isinstance(value, dict):
        for one in cast("dict[str, object]", value).values():
            _check_numbers(one)
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            _check_numbers(one)
    elif isinstance(value, (int, float)) and not abs(value) < _LARGEST:
        raise msgspec.ValidationError(f"a number is beyond {_LARGEST:.0e}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Version:
    schema_version: int
