import pytest
from edgeproof.runtime.errors import InvalidFileError
from edgeproof.runtime.io.checked_json import parse


@pytest.mark.parametrize("text", ['{"a": 1, "b": 2, "a": 1}', '[{"b": {"a": 1, "a": 2}}]'])
def test_a_name_that_an_object_has_twice_is_refused(text: str) -> None:
    with pytest.raises(InvalidFileError, match="it is not JSON: an object has 'a' twice"):
        parse(text, "it")


def test_objects_of_one_list_may_have_the_same_names() -> None:
    assert parse('[{"a": 1}, {"a": 2, "b": {"a": 3}}]', "it").value == [{"a": 1}, {"a": 2, "b": {"a": 3}}]
