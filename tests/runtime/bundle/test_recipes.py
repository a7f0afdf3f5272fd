import pytest
from edgeproof.runtime.bundle.recipes import (
    ALL_VARIANTS,
    RECIPES,
    VARIANTS,
    Format,
    canonical_name,
    choose_recipes,
    find_recipe,
    preference,
)
from edgeproof.runtime.errors import UnknownNameError


def test_recipes_are_found_by_name_and_by_alias() -> None:
    assert find_recipe("int8") is find_recipe("static_wi8_ai8")


def test_an_unknown_recipe_names_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match=r"'int4'.*float32.*static_wi8_ai8 \(int8\)"):
        find_recipe("int4")


def test_every_variant_is_its_own_canonical_name() -> None:
    assert [canonical_name(name) for name in ALL_VARIANTS] == list(ALL_VARIANTS)


def test_every_recipe_bounds_the_error_of_its_files() -> None:
    for recipe in RECIPES.values():
        tolerance = recipe.tolerance
        assert tolerance.max_abs is not None or tolerance.min_snr_db is not None
        for traits in recipe.formats.values():
            assert 0 <= traits.across_machines <= 0.1


def test_every_variant_has_a_place_of_its_own_when_one_is_preferred() -> None:
    assert {f"{recipe.name}.{one}" for recipe in RECIPES.values() for one in recipe.formats} == {*ALL_VARIANTS}
    assert sorted(traits.preference for traits in VARIANTS.values()) == [*range(1, len(ALL_VARIANTS) + 1)]


def test_the_variants_of_other_versions_are_preferred_to_none() -> None:
    assert max(ALL_VARIANTS, key=preference) == "static_wi8_ai8.onnx"
    assert preference("my_recipe.tflite") > len(ALL_VARIANTS)


def test_all_are_all() -> None:
    assert choose_recipes(["int8", "all"]) == tuple(RECIPES.values())


def test_a_single_variant_can_be_chosen() -> None:
    [recipe] = choose_recipes(["int8.tflite", "static_wi8_ai8.tflite"])
    assert (recipe.name, [*recipe.formats]) == ("static_wi8_ai8", [Format.TFLITE])


@pytest.mark.parametrize("name", ["int4.tflite", "int8.pt", "dynamic.onnx", "int4", ""])
def test_an_unknown_choice_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match="possible: float32"):
        choose_recipes(["int8", name])
