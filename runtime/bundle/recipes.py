"""The words for what a variant is: its recipe, its format, and the name made of both."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ..errors import UnknownNameError


class Format(StrEnum):
    """File format of an exported model; the value is the file's suffix without its dot."""

    TFLITE = "tflite"
    ONNX = "onnx"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How weights are stored and activations computed.

    Attributes:
        name: The field's name, after AI Edge Quantizer: ``wi8`` is int8 weights, ``ai8`` int8 activations, ``afp32``
            float32 ones.
        alias: A short name that users may type instead.
        weights: The dtype that weights are stored in.
        activations: The dtype that travels between the layers.
        calibrated: Whether activation ranges are measured on representative images.
        formats: The formats in which edgeproof writes it.
    """

    name: str
    alias: str
    weights: str
    activations: str
    calibrated: bool = False
    formats: tuple[Format, ...] = (Format.TFLITE, Format.ONNX)


_RECIPES = (
    Recipe(name="float32", alias="float32", weights="float32", activations="float32"),
    Recipe(name="float16", alias="float16", weights="float16", activations="float32"),
    Recipe(
        name="dynamic_wi8_afp32",
        alias="dynamic",
        weights="int8",
        activations="float32",
        formats=(Format.TFLITE,),
    ),
    Recipe(name="static_wi8_ai8", alias="int8", weights="int8", activations="int8", calibrated=True),
    Recipe(
        name="static_wi8_ai16",
        alias="int16x8",
        weights="int8",
        activations="int16",
        calibrated=True,
        formats=(Format.TFLITE,),
    ),
)

RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in _RECIPES}

ALL_VARIANTS: tuple[str, ...] = tuple(f"{r.name}.{f}" for f in Format for r in _RECIPES if f in r.formats)


def find_recipe(name: str) -> Recipe:
    """Return the recipe with this name or alias.

    Raises:
        UnknownNameError: There is none.
    """
    for recipe in _RECIPES:
        if name in (recipe.name, recipe.alias):
            return recipe
    known = ", ".join(f"{r.name} ({r.alias})" if r.alias != r.name else r.name for r in _RECIPES)
    raise UnknownNameError(f"unknown recipe {name!r}; possible: {known}")


def choose_recipes(names: Iterable[str]) -> tuple[Recipe, ...]:
    """Return recipes with the formats that are asked for, in the order of `RECIPES`.

    Args:
        names: Each ``"all"``, a recipe or its alias for all of its formats, or a variant such as ``"int8.tflite"``.

    Raises:
        UnknownNameError: One is none of these.

    >>> [(recipe.alias, *recipe.formats) for recipe in choose_recipes(["int8.onnx", "float32"])]
    [('float32', <Format.TFLITE: 'tflite'>, <Format.ONNX: 'onnx'>), ('int8', <Format.ONNX: 'onnx'>)]
    """
    wanted: set[str] = set()
    for name in names:
        full = canonical_name(name)
        if name == "all":
            wanted |= set(ALL_VARIANTS)
        elif "." not in name:
            wanted |= {f"{full}.{model_format}" for model_format in find_recipe(name).formats}
        elif full in ALL_VARIANTS:
            wanted.add(full)
        else:
            raise UnknownNameError(f"unknown variant {name!r}; possible: {', '.join(ALL_VARIANTS)}")
    chosen = (replace(r, formats=tuple(f for f in r.formats if f"{r.name}.{f}" in wanted)) for r in _RECIPES)
    return tuple(recipe for recipe in chosen if recipe.formats)


def canonical_name(name: str) -> str:
    """Spell out an alias inside a variant's name, with or without its format.

    >>> canonical_name("int8.tflite"), canonical_name("int8"), canonical_name("my_recipe.onnx")
    ('static_wi8_ai8.tflite', 'static_wi8_ai8', 'my_recipe.onnx')
    """
    recipe, dot, suffix = name.partition(".")
    full = {r.alias: r.name for r in _RECIPES}
    return full.get(recipe, recipe) + dot + suffix
