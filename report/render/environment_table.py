"""Machine and method of a report as names and texts: all that was recorded."""

from collections.abc import Mapping
from typing import Any, cast

from ..formatting import UNKNOWN

_UNITS = {"_mib": "MiB", "_mhz": "MHz", "_c": "°C", "_seconds": "seconds", "_us": "µs"}
STATES = ("before", "after")  # in a table of their own


def facts(recorded: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and texts of everything but the machine's states.

    >>> facts({"memory_mib": 8000, "affinity": [0, 1], "packages": {"numpy": "2.4"}})
    [('memory', '8,000 MiB'), ('affinity', '0, 1'), ('packages', 'numpy 2.4')]
    """
    return [_named(name, value) for name, value in recorded.items() if name not in STATES]


def remarks(environment: Mapping[str, Any]) -> list[str]:
    """Return the reasons to doubt the figures that were seen in the images and the machine."""
    found = environment.get("remarks")
    return [str(each) for each in cast("list[object]", found)] if isinstance(found, list | tuple) else []


def states(environment: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return names and texts of the machine's state, before and after; empty where it was not recorded."""
    before, after = (_mapping(environment.get(when)) for when in STATES)
    names = dict.fromkeys([*before, *after])
    return [(*_named(name, before.get(name)), _named(name, after.get(name))[1]) for name in names]


def _named(name: str, value: object) -> tuple[str, str]:
    suffix = next((suffix for suffix in _UNITS if name.endswith(suffix)), "")
    unit = f" {_UNITS[suffix]}" if suffix and value is not None else ""
    return name.removesuffix(suffix).replace("_", " "), _text(value) + unit


def _text(value: object) -> str:
    match value:
        case None:
            return UNKNOWN
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return f"{value:,}"
        case Mapping():
            return ", ".join(f"{key} {_text(each)}" for key, each in _mapping(cast("object", value)).items()) or UNKNOWN
        case list() | tuple():
            values = cast("list[object]", value)
            if any(isinstance(each, str) for each in values):
                return "; ".join(map(_text, values))
            # Numbers without separators of thousands, which would be taken for those of the list.
            return ", ".join(str(each) if isinstance(each, int | float) else _text(each) for each in values) or "none"
        case _:
            return str(value)


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
