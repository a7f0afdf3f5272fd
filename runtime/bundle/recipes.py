"""The table of recipes: how each stores a model, in which formats, and how far its answers may be off.

A new recipe is an entry here and, for each of its formats, the converter's settings in `export`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ..errors import UnknownNameError, did_you_mean, similar


class Format(StrEnum):
    """File format of an exported model; the value is the file's suffix without its dot."""

    TFLITE = "tflite"
    ONNX = "onnx"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """How far a file's probabilities may be from the reference's; None where a bound does not apply.

    Attributes:
        max_abs: Largest difference of one probability.
        min_snr_db: Least signal-to-noise ratio over all probabilities, in decibels.
        min_agreement: Least share of images with the same answer.
        min_clear_agreement: The same among images whose answer is clear to the reference.
    """

    max_abs: float | None = None
    min_snr_db: float | None = None
    min_agreement: float = 0.9
    min_clear_agreement: float = 0.97


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatTraits:
    """How a recipe's files in one format behave.

    Attributes:
        preference: Place among all variants of a bundle that is loaded without naming one; 1 is tried first.
        across_machines: Largest difference of a probability between two machines; 0 for equality to the last bit.
    """

    preference: int
    across_machines: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How weights are stored and activations computed.

    Attributes:
        name: After AI Edge Quantizer: ``wi8`` is int8 weights, ``ai8`` int8 activations, ``afp32`` float32 ones.
        alias: A short name that users may type instead.
        weights: The dtype that weights are stored in.
        activations: The dtype that travels between the layers.
        calibrated: Whether activation ranges are measured on representative images.
        where_needed: Whether it is written only for networks that gain by it.
        tolerance: How far its files may be from the reference.
        formats: The formats in which edgeproof writes it.
    """

    name: str
    alias: str
    weights: str
    activations: str
    calibrated: bool = False
    where_needed: bool = False
    tolerance: Tolerance
    formats: Mapping[Format, FormatTraits]


# Preference: int8 TFLite is smallest and fastest, and where a mixed file is written, that is faster still; in ONNX
# Runtime, small models are often slower in int8 than in float. Files whose weights are expanded when they are loaded
# take float32's time and memory: they are smaller to ship, and no better to run than a float32 file that is there too.
#
# Across machines: float engines add the same numbers in another order, and ARM's may compute float16 in float16. Where
# activations are rounded to 8 bits from floats, one that stands on the edge may fall to either side, and a softmax can
# make several percent of one step; what a wrong kernel gives is far more.
_RECIPES = (
    Recipe(
        name="float32",
        alias="float32",
        weights="float32",
        activations="float32",
        # Sums in another order: 1e-7 is seen, in networks of a hundred layers 1e-5; a wrong layer gives 1e-2 and more.
        tolerance=Tolerance(max_abs=1e-4),
        formats={
            Format.TFLITE: FormatTraits(preference=5, across_machines=1e-4),
            Format.ONNX: FormatTraits(preference=8, across_machines=1e-4),
        },
    ),
    Recipe(
        name="float16",
        alias="float16",
        weights="float16",
        activations="float32",
        # Weights keep 11 bits, which is noise at about -66 dB; layers add up to some 20 dB to it.
        tolerance=Tolerance(min_snr_db=35.0),
        formats={
            Format.TFLITE: FormatTraits(preference=4, across_machines=1e-2),
            Format.ONNX: FormatTraits(preference=10, across_machines=1e-2),
        },
    ),
    Recipe(
        name="dynamic_wi8_afp32",
        alias="dynamic",
        weights="int8",
        activations="float32",
        # Weights keep 8 bits: trained models are seen at 35 dB and more, weak ones (few features, small margins) at 21.
        tolerance=Tolerance(min_snr_db=15.0),
        formats={Format.TFLITE: FormatTraits(preference=3, across_machines=1e-1)},
    ),
    Recipe(
        name="weight_only_wi8_afp32",
        alias="weight-only",
        weights="int8",
        activations="float32",
        # The weights of the dynamic recipe, and small tensors, which that one leaves in float; nothing else is rounded.
        # Networks of a few hundred weights that hardly learnt anything turn a tenth of their answers, at 20 dB.
        tolerance=Tolerance(min_snr_db=15.0, min_agreement=0.8),
        formats={
            Format.TFLITE: FormatTraits(preference=6, across_machines=1e-4),
            Format.ONNX: FormatTraits(preference=9, across_machines=1e-4),
        },
    ),
    Recipe(
        name="static_wi8_ai8",
        alias="int8",
        weights="int8",
        activations="int8",
        calibrated=True,
        # Activations as well: trained models are seen at 25 dB and more, weak ones at 15. A single probability near a
        # decision boundary may move far, so the bounds are on the whole, and on answers that no noise should turn. A
        # scale or a zero point that is wrong leaves 5 dB and less; where probabilities differ by less than the output's
        # step of 1/256, the ratio is high and the answers are lost.
        tolerance=Tolerance(min_snr_db=10.0, min_agreement=0.6, min_clear_agreement=0.95),
        formats={
            Format.TFLITE: FormatTraits(preference=2, across_machines=0.0),
            Format.ONNX: FormatTraits(preference=12, across_machines=5e-2),
        },
    ),
    Recipe(
        name="mixed_wi8_ai8",
        alias="mixed",
        weights="int8",
        activations="int8 and float32",
        calibrated=True,
        where_needed=True,
        # Layers in float32 only take noise away.
        tolerance=Tolerance(min_snr_db=10.0, min_agreement=0.6, min_clear_agreement=0.95),
        # Between int8 layers, floats that differ in their last bits are rounded to different steps; tflite-runtime 2.14
        # and LiteRT 2.3 were seen to differ by up to 17 of 256.
        formats={
            Format.TFLITE: FormatTraits(preference=1, across_machines=1e-1),
            Format.ONNX: FormatTraits(preference=11, across_machines=1e-1),
        },
    ),
    Recipe(
        name="static_wi8_ai16",
        alias="int16x8",
        weights="int8",
        activations="int16",
        calibrated=True,
        # Weights as in the weight-only recipe.
        tolerance=Tolerance(min_snr_db=15.0, min_agreement=0.8),
        # The softmax of tflite-runtime 2.14 was seen 6 of its 32,768 steps from that of LiteRT 2.3.
        formats={Format.TFLITE: FormatTraits(preference=7, across_machines=1e-3)},
    ),
)

RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in _RECIPES}

VARIANTS: Mapping[str, FormatTraits] = {
    f"{recipe.name}.{one}": recipe.formats[one] for one in Format for recipe in _RECIPES if one in recipe.formats
}
ALL_VARIANTS: tuple[str, ...] = tuple(VARIANTS)
# Those that are written for every network.
STANDARD_VARIANTS: tuple[str, ...] = tuple(
    name for name in ALL_VARIANTS if not RECIPES[name.partition(".")[0]].where_needed
)


def preference(variant: str) -> int:
    """Return a variant's place among those of a bundle; unknown ones, of another version of edgeproof, come last."""
    traits = VARIANTS.get(variant)
    return len(VARIANTS) + 1 if traits is None else traits.preference


def find_recipe(name: str) -> Recipe:
    """Return the recipe with this name or alias.

    Raises:
        UnknownNameError: No recipe has it.
    """
    for recipe in _RECIPES:
        if name in (recipe.name, recipe.alias):
            return recipe
    known = ", ".join(f"{r.name} ({r.alias})" if r.alias != r.name else r.name for r in _RECIPES)
    meant = did_you_mean(name, ["all", *(each for r in _RECIPES for each in (r.alias, r.name))])
    raise UnknownNameError(f"unknown recipe {name!r}; possible: {known}{meant}")


def choose_recipes(names: Iterable[str]) -> tuple[Recipe, ...]:
    """Return recipes with the formats that are asked for, in the order of `RECIPES`.

    Args:
        names: Each ``"all"``, a recipe or its alias for all of its formats, or a variant such as ``"int8.tflite"``.

    Raises:
        UnknownNameError: One is unknown.

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
            raise UnknownNameError(f"unknown variant {name!r}; {similar(full, ALL_VARIANTS)}")
    chosen = (
        replace(r, formats={f: traits for f, traits in r.formats.items() if f"{r.name}.{f}" in wanted})
        for r in _RECIPES
    )
    return tuple(recipe for recipe in chosen if recipe.formats)


def canonical_name(name: str) -> str:
    """Spell out an alias inside a variant's name, with or without its format.

    >>> canonical_name("int8.tflite"), canonical_name("int8"), canonical_name("my_recipe.onnx")
    ('static_wi8_ai8.tflite', 'static_wi8_ai8', 'my_recipe.onnx')
    """
    recipe, dot, suffix = name.partition(".")
    full = {r.alias: r.name for r in _RECIPES}
    return full.get(recipe, recipe) + dot + suffix
