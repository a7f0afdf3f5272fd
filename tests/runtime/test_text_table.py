"""Tables for a terminal."""

import pytest
from edgeproof.runtime.text_table import aligned, display_width, text_table


@pytest.mark.parametrize("name", ["cat", "猫", "ねこ", "🐈", "e\u0301te\u0301", "Ωmega"])
def test_columns_of_names_in_any_script_end_at_one_place(name: str) -> None:
    lines = aligned([(name, "1", "x"), ("a longer name", "22", "x")])
    assert len({display_width(line) for line in lines}) == 1
    assert len({display_width(line[: line.rindex("x")]) for line in lines}) == 1


def test_the_rule_of_a_table_is_as_wide_as_its_widest_line() -> None:
    lines = text_table([("name", "n"), ("猫の手も借りたい", "1,000")]).splitlines()
    assert len(lines[1]) == max(map(display_width, lines)) == 16 + 2 + 5
