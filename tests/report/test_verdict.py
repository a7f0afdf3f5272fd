import pytest
from edgeproof.metrics.paired import mcnemar, paired_difference, share
from edgeproof.metrics.types import Comparison, Flip, LabelledComparison, VerdictKind
from edgeproof.report.verdict import judge

IMAGES = 10_000


def comparison(
    fixed: int, broken: int, others: int = 0, *, p_adjusted: float | None = None, images: int = IMAGES
) -> Comparison:
    """What was seen on 10,000 images; `others` are answered otherwise, and wrongly by both."""
    count = fixed + broken + others
    flip = Flip(position=0, truth=0, reference=1, reference_probability=0.5, found=2, found_probability=0.5)
    p = mcnemar(fixed, broken)
    outcome = LabelledComparison(
        difference=paired_difference(fixed, broken, images),
        fixed=tuple(range(fixed)),
        broken=tuple(range(broken)),
        p_value=p,
        p_adjusted=p if p_adjusted is None else p_adjusted,
        recall_differences=(),
        ece_drift=0.0,
    )
    return Comparison(
        agreement=share(images - count, images),
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
        (comparison(0, 6), VerdictKind.WORSE, "worse: 6 broken, 0 fixed, p = 0.0312"),
    ],
)
def test_the_verdict_follows_from_the_figures(seen: Comparison, kind: VerdictKind, words: str) -> None:
    found = judge(seen, IMAGES, 8)
    assert (found.kind, found.words) == (kind, words)


def test_a_drop_that_the_correction_leaves_open_is_suspected() -> None:
    """Its interval holds no tie: to call it undetectable would contradict what stands beside it."""
    found = judge(comparison(0, 6, p_adjusted=0.25), IMAGES, 8)
    assert found.kind is VerdictKind.SUSPECTED
    assert found.words == "drop suspected: 6 broken, 0 fixed, p = 0.25 after correction for 8; −0.13 to −0.02 points"


@pytest.mark.parametrize(
    ("images", "rows", "kind"),
    [(8, 8, VerdictKind.TOO_FEW), (9, 8, VerdictKind.SUSPECTED), (5, 1, VerdictKind.TOO_FEW)],
)
def test_a_handful_of_images_shows_nothing(images: int, rows: int, kind: VerdictKind) -> None:
    """Even with all of them broken the p-value stays above 0.05."""
    seen = comparison(0, 5, p_adjusted=0.5, images=images)
    found = judge(seen, images, rows)
    assert found.kind is kind
    if kind is VerdictKind.TOO_FEW:
        assert found.words.startswith(f"too few images: n = {images} cannot show a drop; at most ")


def test_a_drop_that_is_ruled_out_is_said_to_be() -> None:
    assert judge(comparison(40, 20, p_adjusted=0.1), IMAGES, 8).words.endswith("; none could hide")


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
        8,
    )
    assert found.kind is VerdictKind.UNLABELLED
    assert found.words == "the same answer on 9,998 of 10,000 images; accuracy unknown: no labels"
