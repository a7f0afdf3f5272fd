import pytest
from edgeproof.runtime.errors import UnknownNameError
from edgeproof.runtime.variants import ALL_VARIANTS, canonical_name, find_recipe


def test_recipes_are_found_by_name_and_by_alias() -> None:
    assert find_recipe("int8") is find_recipe("static_wi8_ai8")


def test_an_unknown_recipe_names_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match=r"'int4'.*float32.*static_wi8_ai8 \(int8\)"):
        find_recipe("int4")


def test_every_variant_is_its_own_canonical_name() -> None:
    assert [canonical_name(name) for name in ALL_VARIANTS] == list(ALL_VARIANTS)
