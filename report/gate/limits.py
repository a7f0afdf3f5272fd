"""Limits of budgets, for all variants or for some: from a TOML file and from flags."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from ...runtime.bundle.recipes import canonical_name
from ...runtime.errors import InvalidFileError, SpecMismatchError, UnknownNameError, foreign_errors, similar
from ...runtime.io.files import read_file
from .budget import Budget
from .budgets import BUDGETS

_MAX_BYTES = 2**16  # every budget for every variant takes 7 kB
# tomllib's time grows with the square of a name's parts; an inline table of budgets has a dot in some of its numbers.
_MAX_DOTS = 100
_VARIANTS = "variants"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """A limit for each budget that was set, by the budget's name.

    Attributes:
        general: For every variant.
        of_variants: For one variant, by its full name; go before the general ones.
        flags: From the command line, for every variant; go before all others.

    Raises:
        UnknownNameError: A budget does not exist.
        SpecMismatchError: A limit is not a number, or none that can be a limit.
    """

    general: Mapping[str, float] = field(default_factory=dict[str, float])
    of_variants: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    flags: Mapping[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        for table in (self.general, self.flags, *self.of_variants.values()):
            _limits(table, "limits")

    def of(self, variant: str) -> dict[str, float]:
        """Return the limits of a variant, in the order of `BUDGETS`."""
        merged = {**self.general, **self.of_variants.get(variant, {}), **self.flags}
        return {name: merged[name] for name in BUDGETS if name in merged}

    def with_flags(self, flags: Mapping[str, float]) -> "Limits":
        """Return these with limits that go before them."""
        return replace(self, flags=flags)

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """Every budget that was set for any variant."""
        names = {*self.general, *self.flags, *(name for limits in self.of_variants.values() for name in limits)}
        return tuple(budget for name, budget in BUDGETS.items() if name in names)


def read_limits(file: Path) -> Limits:
    """Read a TOML file of budgets.

    Raises:
        InvalidFileError: It is missing, too large or not TOML, or a name in it has too many parts.
        UnknownNameError: It names a budget that does not exist.
        SpecMismatchError: A limit is not a number, or none that can be a limit.
    """
    content = read_file(file, "budgets", max_bytes=_MAX_BYTES)
    for number, line in enumerate(content.split(b"\n"), 1):
        if (dots := line.count(b".")) > _MAX_DOTS:
            raise InvalidFileError(
                f"{file}, line {number} has {dots:,} dots; at most {_MAX_DOTS} are possible in one: names have two "
                f'parts, as in [{_VARIANTS}."int8.tflite"]'
            )
    with foreign_errors(InvalidFileError, f"{file} is not TOML", caught=(ValueError, RecursionError)):
        document = tomllib.loads(content.decode("utf-8-sig"))  # some editors write a byte order mark
    named = document.pop(_VARIANTS, {})
    if not isinstance(named, dict):
        raise SpecMismatchError(f'{file}: {_VARIANTS}: tables such as [{_VARIANTS}."int8.tflite"] are needed')
    of_variants = _of_variants(cast("dict[str, Any]", named), str(file))
    return Limits(general=_limits(document, str(file)), of_variants=of_variants)


def _of_variants(tables: Mapping[str, Any], file: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for name, table in tables.items():
        variant, place = canonical_name(name), f'{file}, [{_VARIANTS}."{name}"]'
        if not isinstance(table, dict):
            raise SpecMismatchError(f"{place}: a table of budgets is needed, got {table!r:.40}")
        budgets = cast("dict[str, Any]", table)
        inner = next((key for key, value in budgets.items() if isinstance(value, dict) and key not in BUDGETS), None)
        if inner is not None:
            raise SpecMismatchError(f'{place}: a name with a dot needs quotes: [{_VARIANTS}."{name}.{inner}"]')
        if variant in found:
            raise SpecMismatchError(f"{place}: {variant} is named twice")
        found[variant] = _limits(budgets, place)
    return found


def _limits(table: Mapping[str, Any], place: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in table.items():
        if name not in BUDGETS:
            raise UnknownNameError(f"{place}: unknown budget {name!r:.60}; {similar(name, [*BUDGETS])}")
        try:
            found[name] = BUDGETS[name].limit(value)
        except SpecMismatchError as error:
            raise SpecMismatchError(f"{place}: {error}") from None
    return found
