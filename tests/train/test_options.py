from pathlib import Path

import pytest
from edgeproof.runtime.errors import SpecMismatchError, UnknownNameError
from edgeproof.train.options import APPLICATIONS, FitOptions, settings
from edgeproof.train.presets import PRESETS


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"validation_share": 0.0},
        {"validation_share": 1.0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"weight_decay": -1.0},
        {"weight_decay": float("inf")},
        {"label_smoothing": 1.0},
        {"ema": 1.0},
        {"patience": 0},
        {"patience": 3, "ema": 0.99},
        {"distill_weight": 1.5},
        {"temperature": 0.0},
        {"seed": -1},
        {"seed": 2**31},
        {"frozen_epochs": -1},
        {"fine_tuning_rate": 0.0},
        {"crop": 0.0},
        {"crop": 1.5},
        {"crop_ratio": 0.5, "crop": 0.5},
        {"crop_ratio": 2.0},
        {"colour": 1.1},
    ],
)
def test_impossible_options_are_refused_with_what_was_given(options: dict[str, float]) -> None:
    with pytest.raises(SpecMismatchError) as refused:
        FitOptions(**options)
    assert {"patience", "crop_ratio"} & {*options} or str(next(iter(options.values()))) in str(refused.value)


def test_unknown_class_weights_name_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match="unknown class weights 'equal'; possible: balanced"):
        FitOptions(class_weights="equal")


@pytest.mark.parametrize("preset", [*PRESETS, *APPLICATIONS])
def test_every_preset_has_settings(preset: str) -> None:
    assert settings(preset).epochs > 1
    assert settings(preset).seed == FitOptions().seed


def test_an_unknown_preset_names_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match="unknown preset 'huge'; possible: tiny, default, accurate"):
        settings("huge")


@pytest.mark.parametrize("preset", [*PRESETS, None])
def test_the_page_on_training_says_what_each_is_trained_with(preset: str | None) -> None:
    chosen = settings(preset)
    name = "a network of your own" if preset is None else f"`{preset}`"
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    values = (chosen.epochs, chosen.learning_rate, chosen.weight_decay, chosen.augmentation)
    assert f"| {name} | {' | '.join(f'{value:g}' for value in values)} |\n" in page
