import pytest
from edgeproof.report.figures import Comparison, Flip, Outcome, VerdictKind
from edgeproof.report.paired import mcnemar, paired_difference, share
from edgeproof.report.verdict import judge

IMAGES = 10_000


def comparison(fixed: int, broken: int, others: int = 0, *, p_adjusted: float | None = None) -> Comparison:
    """What was seen on 10,000 images; `others` are answered otherwise, and wrongly by both."""
    count = fixed + broken + others
    flip = Flip(position=0, truth=0, reference=1, reference_probability=0.5, found=2, found_probability=0.5)
    p = mcnemar(fixed, broken)
    outcome = Outcome(
        difference=paired_difference(fixed, broken, IMAGES),
        fixed=tuple(range(fixed)),
        broken=tuple(range(broken)),
        p_value=p,
        p_adjusted=p if p_adjusted is None else p_adjusted,
        recall_differences=(),
        ece_drift=0.0,
    )
    return Comparison(
        agreement=share(IMAGES - count, IMAGES),
        flips=(flip,) * count,
        max_probability_difference=0.1,
        mean_probability_difference=0.1,
        outcome=outcome,
    )


@pytest.mark.parametrize(
    ("seen", "kind", "words"),
    [
        (
            comparison(0, 0),
            VerdictKind.TIE,
            "tie: the same answer on all 10,000 images; at most 0.04 points could hide",
        ),
        (comparison(1, 1), VerdictKind.NO_DROP, "no drop detectable with n = 10,000; at most 0.05 points could hide"),
        (
            comparison(0, 0, 5),
            VerdictKind.NO_DROP,
            "no drop detectable with n = 10,000; at most 0.04 points could hide",
        ),
        (comparison(4, 31), VerdictKind.WORSE, "worse: 31 broken, 4 fixed, p = 0.000003"),
        (comparison(31, 4), VerdictKind.BETTER, "better: 4 broken, 31 fixed, p = 0.000003"),
        (comparison(0, 3000), VerdictKind.WORSE, "worse: 3,000 broken, 0 fixed, p < 0.000001"),
        (comparison(0, 6), VerdictKind.WORSE, "worse: 6 broken, 0 fixed, p = 0.031"),
    ],
)
def test_the_verdict_follows_from_the_figures(seen: Comparison, kind: VerdictKind, words: str) -> None:
    found = judge(seen, IMAGES)
    assert (found.kind, found.words) == (kind, words)


def test_a_difference_that_one_of_eight_would_show_by_chance_is_none() -> None:
    found = judge(comparison(0, 6, p_adjusted=0.25), IMAGES)
    assert found.kind is VerdictKind.NO_DROP
    assert found.words.endswith("at most 0.14 points could hide")  # 6 of 10,000 and more


def test_a_drop_that_is_ruled_out_is_said_to_be() -> None:
    assert judge(comparison(40, 20, p_adjusted=0.1), IMAGES).words.endswith("; none could hide")


def test_without_labels_there_is_agreement_only() -> None:
    known = comparison(1, 1)
    found = judge(
        Comparison(
            agreement=known.agreement,
            flips=known.flips,
            max_probability_difference=0.1,
            mean_probability_difference=0.1,
            outcome=None,
        ),
        IMAGES,
    )
    assert found.kind is VerdictKind.UNLABELLED
    assert found.words == "the same answer on 9,998 of 10,000 images; accuracy unknown: no labels"
