from pathlib import Path

import pytest

from tests.faults.low_memory import DONE, MIB, REFUSED, judge, limits, try_verb

pytestmark = pytest.mark.needs("tflite", "pillow")


@pytest.mark.parametrize("verb", ["predict", "inspect"])
def test_little_memory_is_one_line_and_nothing_more(verb: str, tmp_path: Path) -> None:
    ends = [try_verb(verb, limit, tmp_path) for limit in limits(verb, 8)]
    assert [(end, words) for end, words in ends if end not in (DONE, REFUSED)] == []
    assert {ends[0][0], ends[-1][0]} == {REFUSED, DONE}


@pytest.mark.parametrize(
    ("code", "errors", "left", "end"),
    [
        (0, "", ["a file"], DONE),
        (0, "words\n", [], "words with exit code 0"),
        (0, "  latency, round 38/60\n", [], DONE),
        (2, "edgeproof: error: x\n", [], REFUSED),
        (2, "edgeproof: error: x\n", ["half"], "left half"),
        (2, "edgeproof: error: x\nmore\n", [], "other words or exit codes"),
        (1, "", [], "other words or exit codes"),
        (70, "edgeproof: error: x\n", [], "other words or exit codes"),
        (1, "Traceback (most recent call last):\n", [], "traceback"),
        (-6, "edgeproof: error: x\n", [], "killed"),
    ],
)
def test_ends_are_told_apart(code: int, errors: str, left: list[str], end: str) -> None:
    assert judge(code, errors, left) == end


def test_the_limits_begin_where_python_hardly_starts() -> None:
    assert limits("predict", 20)[0] == 40 * MIB
    assert len(limits("predict", 20)) == 20
