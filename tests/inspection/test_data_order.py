from edgeproof.inspection.data_order import in_data_order

# Two branches that meet: 0 -> 1, 0 -> 2, (2, 1) -> 3; nothing reads 4.
NEEDS = {0: [], 1: [0], 2: [0], 3: [2, 1], 4: [3]}


def test_what_is_needed_comes_first_and_in_the_order_of_the_inputs() -> None:
    assert list(in_data_order([3], NEEDS.__getitem__)) == [0, 2, 1, 3]
    assert list(in_data_order([3, 0, 1, 4], NEEDS.__getitem__)) == [0, 2, 1, 3, 4]


def test_the_numbers_do_not_matter() -> None:
    renamed = {9 - one: [9 - other for other in needs] for one, needs in NEEDS.items()}
    assert [9 - one for one in in_data_order([6], renamed.__getitem__)] == [0, 2, 1, 3]


def test_a_path_may_be_longer_than_the_stack() -> None:
    assert list(in_data_order([50_000], lambda one: [one - 1] if one else [])) == list(range(50_001))


def test_what_is_needed_often_is_followed_once() -> None:
    """A ladder of 60 steps has 2^60 paths."""
    assert len(list(in_data_order([60], lambda one: [one - 1] * 2 if one else []))) == 61
