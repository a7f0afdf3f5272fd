"""Build dataclasses from checked JSON, and JSON from them: a field's annotation says how its value is read."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, partial
from types import NoneType
from typing import Annotated, Any, TypeAlias, TypeVar

from ..errors import InvalidFileError
from .checked_json import Node

T = TypeVar("T")

# Constraints: what stands behind the type reads the node.
Sha256: TypeAlias = Annotated[str, Node.sha256]
FileName: TypeAlias = Annotated[str, Node.file_name]
Label: TypeAlias = Annotated[str, Node.label]
Share: TypeAlias = Annotated[float, partial(Node.number, minimum=0, maximum=1)]
OpenShare: TypeAlias = Annotated[float, Node.open_share]
Count: TypeAlias = Annotated[int, partial(Node.integer, minimum=0)]
Positive: TypeAlias = Annotated[int, partial(Node.integer, minimum=1)]
Seed: TypeAlias = Annotated[int, partial(Node.integer, minimum=0, maximum=2**31 - 1)]
Signed: TypeAlias = Annotated[int, partial(Node.integer, minimum=-(2**31))]

# Metadata of a field that older files lack: its default takes the place, and is not written.
MAY_BE_ABSENT = {"may be absent": True}

_READERS: Mapping[object, Callable[[Node], object]] = {
    str: Node.text,
    int: partial(Node.integer, minimum=-(2**53)),
    float: Node.number,
    bool: Node.truth,
}


def decode(cls: type[T], node: Node) -> T:
    """Build a dataclass from a JSON object; members that it does not know are ignored.

    Args:
        cls: Its fields are annotated with `int`, `float`, `str`, `bool`, enumerations, `tuple`, `Mapping` from texts,
            such dataclasses, any of these or `None`, and `Annotated[type, reader]`, whose function reads the node.
        node: Every field is a member of this object, unless it has the metadata `MAY_BE_ABSENT`.

    Raises:
        InvalidFileError: A member is missing, or is not what its annotation says.
        EdgeproofError: What the dataclass itself raises.
    """
    members = node.mapping()
    return cls(
        **{
            name: _read(kind, node.get(name))
            for name, kind, optional in _annotations(cls)
            if name in members or not optional
        }
    )


def encode(value: Any) -> Any:  # noqa: ANN401  (a dataclass, or what is in one)
    """Return what `decode` reads, for `json.dumps`: a dataclass as `asdict`, without defaults that may be absent."""
    if is_dataclass(value):
        return {
            field.name: encode(member)
            for field in fields(value)
            if (member := getattr(value, field.name)) != field.default or "may be absent" not in field.metadata
        }
    if isinstance(value, Mapping):
        return {name: encode(member) for name, member in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return tuple(map(encode, value)) if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


@cache
def _annotations(cls: Any) -> tuple[tuple[str, Any, bool], ...]:  # noqa: ANN401  (a dataclass)
    return tuple((field.name, field.type, "may be absent" in field.metadata) for field in fields(cls))


def _read(kind: Any, node: Node) -> Any:  # noqa: ANN401  (an annotation, and the value that it describes)
    reader = _READERS.get(kind) or next(iter(getattr(kind, "__metadata__", ())), None)
    if reader is not None:
        return reader(node)
    origin: object = getattr(kind, "__origin__", None)
    arguments: tuple[Any, ...] = getattr(kind, "__args__", ())
    if NoneType in arguments:
        return None if node.value is None else _read(arguments[0], node)
    if origin is tuple and arguments[-1] is ...:
        return tuple(_read(arguments[0], item) for item in node.items())
    if origin is tuple:
        return tuple(map(_read, arguments, node.items(len(arguments))))
    if origin is Mapping:
        return {name: _read(arguments[1], node.get(name)) for name in node.mapping()}
    return _member(kind, node) if issubclass(kind, Enum) else decode(kind, node)


def _member(kind: type[Enum], node: Node) -> Enum:
    text = node.text()
    possible = [member.value for member in kind]
    if text not in possible:
        raise InvalidFileError(f"{node.where} is {text!r}; possible: {', '.join(possible)}")
    return kind(text)
