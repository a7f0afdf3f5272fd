"""Read untrusted JSON: each value is asked for by its kind, and errors say where it stands."""

import json
import re
from typing import Any, cast

from ..errors import InvalidFileError, foreign_errors

MAX_JSON_BYTES = 4 * 2**20  # far above every honest file; a hostile one must not fill the memory
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MISSING: Any = object()


class Node:
    """A JSON value and where it stands."""

    def __init__(self, value: object, where: str) -> None:
        self.value = value
        self.where = where

    def get(self, key: str) -> "Node":
        """Return a member of an object."""
        found = self.mapping().get(key, _MISSING)
        if found is _MISSING:
            raise InvalidFileError(f"{self.where} has no {key!r}")
        return Node(found, f"{self.where}.{key}")

    def mapping(self) -> dict[str, object]:
        """Return the object that must be here."""
        return cast(dict[str, object], self._typed(dict, "an object"))

    def items(self, count: int | None = None) -> "list[Node]":
        """Return the members of the list that must be here, `count` of them if that is given."""
        values = cast(list[object], self._typed(list, "a list"))
        if count is not None and len(values) != count:
            raise InvalidFileError(f"{self.where} must be a list of {count}, got {len(values)}")
        return [Node(value, f"{self.where}[{i}]") for i, value in enumerate(values)]

    def text(self) -> str:
        """Return the text that must be here."""
        return cast(str, self._typed(str, "a text"))

    def label(self) -> str:
        """Return a text that can stand in a line of output: a file must not steer the terminal."""
        text = self.text()
        if not text or not text.isprintable():
            raise InvalidFileError(f"{self.where} must be printable text, got {text!a:.60}")
        return text

    def integer(self, minimum: int, maximum: int = 2**53) -> int:
        """Return the whole number that must be here, `minimum` to `maximum`."""
        number = cast(int, self._typed(int, "a whole number"))
        if not minimum <= number <= maximum:
            raise InvalidFileError(
                f"{self.where} must be a whole number from {minimum} to {maximum}, got {str(number)[:30]}"
            )
        return number

    def number(self, minimum: float = -1e300, maximum: float = 1e300) -> float:
        """Return the finite number that must be here, `minimum` to `maximum`."""
        number = cast(float, self._typed((int, float), "a number"))
        if not abs(number) <= 1e300:
            raise InvalidFileError(f"{self.where} must be a finite number")
        if not minimum <= number <= maximum:
            raise InvalidFileError(f"{self.where} must be from {minimum} to {maximum}, got {float(number)}")
        return float(number)

    def open_share(self) -> float:
        """Return the number between 0 and 1, neither of them, that must be here."""
        share = self.number()
        if not 0 < share < 1:
            raise InvalidFileError(f"{self.where} must be between 0 and 1, got {share}")
        return share

    def truth(self) -> bool:
        """Return the true or false that must be here."""
        return cast(bool, self._typed(bool, "true or false"))

    def sha256(self) -> str:
        """Return the digest that must be here."""
        digest = self.text()
        if not _SHA256.fullmatch(digest):
            raise InvalidFileError(f"{self.where} must be a sha256 in 64 hexadecimal digits, got {digest!r}")
        return digest

    def file_name(self) -> str:
        """Return a name inside the bundle's folder: a manifest must not reach outside of it."""
        name = self.label()
        if name in (".", "..") or any(c in name for c in "/\\:\0"):
            raise InvalidFileError(f"{self.where} must be a plain file name inside the bundle, got {name!r}")
        return name

    def _typed(self, kind: type | tuple[type, ...], called: str) -> object:
        # To Python, true and false are whole numbers.
        if not isinstance(self.value, kind) or isinstance(self.value, bool) != (kind is bool):
            raise InvalidFileError(f"{self.where} must be {called}, got {json.dumps(self.value)[:60]}")
        return self.value


def parse(content: bytes | str, called: str) -> Node:
    """Parse JSON text in UTF-8, which errors call `called`.

    Raises:
        InvalidFileError: It is not JSON, has a name twice in one object, or is larger than `MAX_JSON_BYTES`.
    """
    if len(content) > MAX_JSON_BYTES:
        raise InvalidFileError(f"{called} has {len(content):,} bytes; at most {MAX_JSON_BYTES:,} are possible")
    # ValueError: broken JSON, bytes that are not text, a number with too many digits, a name twice.
    with foreign_errors(InvalidFileError, f"{called} is not JSON", caught=(ValueError, RecursionError)):
        return Node(json.loads(content, object_pairs_hook=_unique), called)


def check_unique(members: "list[tuple[str, object]]") -> None:
    """Raise ValueError over a name that an object has twice: readers differ in which of the two they take.

    It is a hook for `json.loads`, which then keeps nothing.
    """
    if len(dict(members)) != len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has {twice!a:.60} twice")


def _unique(members: "list[tuple[str, object]]") -> dict[str, object]:
    check_unique(members)
    return dict(members)
