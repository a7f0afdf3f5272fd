import pytest
from edgeproof.train.options import FitOptions, settings
from edgeproof.train.transfer.stages import Stage, stages_of


def test_a_training_without_frozen_epochs_is_one_stage() -> None:
    assert stages_of(FitOptions(epochs=3, learning_rate=0.5)) == (
        Stage(begin=0, end=3, learning_rate=0.5, is_frozen=False),
    )


@pytest.mark.parametrize(("rate", "second"), [(None, 0.05), (0.01, 0.01)])
def test_frozen_epochs_come_before_the_others_which_have_a_lower_rate(rate: float | None, second: float) -> None:
    options = FitOptions(epochs=3, frozen_epochs=2, learning_rate=0.5, fine_tuning_rate=rate)
    frozen, rest = stages_of(options)
    assert (frozen, rest.learning_rate) == (Stage(begin=0, end=2, learning_rate=0.5, is_frozen=True), second)
    assert (rest.begin, rest.end, rest.is_frozen) == (2, 5, False)
    assert options.all_epochs == 5


def test_what_begins_at_random_is_not_frozen() -> None:
    pretrained, random = (settings("mobilenetv3-small", weights) for weights in (None, "random"))
    assert len(stages_of(pretrained)) == 2
    assert pretrained.unfrozen_rate < pretrained.learning_rate
    assert len(stages_of(random)) == 1
    assert random.unfrozen_rate == random.learning_rate
