import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from edgeproof.datasets.stratify import validation_split
from edgeproof.runtime.errors import CheckFailedError
from edgeproof.train.architecture import Architecture
from edgeproof.train.batches import training_batches
from edgeproof.train.class_weights import balanced_weights
from edgeproof.train.fit import fit
from edgeproof.train.options import FitOptions

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset


SMALL = Path(__file__).parents[1] / "data" / "small_model.py"


def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    return Architecture(preset=None, builder=f"{SMALL}:build").build((28, 28, 1), 10)


def weights(model: keras.Model) -> np.ndarray:
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def test_the_same_seed_gives_the_same_weights(small_data: "Dataset") -> None:
    def fitted(seed: int) -> np.ndarray:
        made = model()
        fit(made, small_data, FitOptions(epochs=2, seed=seed))
        return weights(made)

    np.testing.assert_array_equal(fitted(1), fitted(1))
    assert not np.array_equal(fitted(1), fitted(2))


def test_the_test_images_are_not_touched(small_data: "Dataset") -> None:
    class Watched:
        """The data set, without its test images."""

        def __getattr__(self, name: str) -> object:
            assert name not in ("x_test", "y_test")
            return getattr(small_data, name)

    fit(model(), Watched(), FitOptions(epochs=1))  # type: ignore[arg-type]


def test_progress_is_plain_lines_where_nobody_watches(small_data: "Dataset") -> None:
    stream = io.StringIO()
    fitted = fit(model(), small_data, FitOptions(epochs=2), progress=stream)
    lines = stream.getvalue().splitlines()
    assert [line.split()[:2] for line in lines] == [["learning", "from"], ["epoch", "1/2"], ["epoch", "2/2"]]
    assert f"{fitted.history['val_accuracy'][1] * 100:.2f} %" in lines[2]
    assert lines[1].endswith("s left")
    assert "\r" not in stream.getvalue()


def test_patience_ends_with_the_weights_of_the_best_validation(
    small_data: "Dataset", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The learning rate is so high that the validation goes up and down."""
    kept: list[np.ndarray] = []
    monkeypatch.setattr(
        keras.callbacks.Callback, "on_test_end", lambda self, logs=None: kept.append(weights(self.model))
    )
    made = model()
    options = FitOptions(epochs=30, patience=2, learning_rate=0.05, batch_size=64)
    history = fit(made, small_data, options).history["val_accuracy"]
    best = history.index(max(history))
    assert len(history) == best + 3 < 30
    # Several callbacks see the end of each validation.
    assert any(np.array_equal(weights(made), seen) for seen in kept)
    held_out, _ = validation_split(small_data, options.validation_share, options.seed)
    answers = made.predict(small_data.x_train[held_out].astype(np.float32), verbose=0).argmax(axis=1)
    assert np.mean(answers == small_data.y_train[held_out]) == pytest.approx(max(history))


def test_an_average_of_the_weights_is_not_the_last_ones(small_data: "Dataset") -> None:
    def fitted(ema: float | None) -> np.ndarray:
        made = model()
        fit(made, small_data, FitOptions(epochs=2, ema=ema, batch_size=50))
        return weights(made)

    last, slow, quick = (fitted(ema) for ema in (None, 0.99, 1e-6))
    assert not np.allclose(last, slow)
    np.testing.assert_allclose(last, quick, atol=1e-4)


def test_label_smoothing_makes_the_model_less_sure(small_data: "Dataset") -> None:
    def sureness(smoothing: float) -> float:
        made = model()
        fit(made, small_data, FitOptions(epochs=6, label_smoothing=smoothing, batch_size=50))
        return float(made.predict(small_data.x_test.astype(np.float32), verbose=0).max(axis=1).mean())

    assert sureness(0.5) < sureness(0.0) - 0.1


@pytest.mark.parametrize(
    ("schedule", "first", "highest", "last"),
    [("cosine", 0.005, 0.1, 0.0), ("cosine-no-warmup", 0.1, 0.1, 0.0), ("constant", 0.1, 0.1, 0.1)],
)
def test_a_schedule_is_what_it_is_called(
    small_data: "Dataset", schedule: str, first: float, highest: float, last: float
) -> None:
    made = model()
    fit(made, small_data, FitOptions(epochs=2, learning_rate=0.1, schedule=schedule, batch_size=5))
    steps = int(made.optimizer.iterations.numpy())
    described = made.optimizer.get_config()["learning_rate"]
    rates = (
        [described] * (steps + 1)
        if isinstance(described, float)
        else [float(keras.optimizers.schedules.deserialize(described)(step)) for step in range(steps + 1)]
    )
    assert (rates[0], max(rates), rates[-1]) == pytest.approx((first, highest, last), abs=1e-6)
    # A twentieth of the steps.
    assert rates.index(max(rates)) == (steps // 20 if schedule == "cosine" else 0)


def test_weight_decay_spares_biases_and_normalization(small_data: "Dataset") -> None:
    """A decay that is far too large shrinks kernels to nothing; the others keep their size."""
    made = model()
    fit(made, small_data, FitOptions(epochs=1, weight_decay=1000.0, learning_rate=1e-3, batch_size=50))
    for weight in made.trainable_weights:
        size = float(np.abs(weight.numpy()).max())
        if weight.path.endswith("kernel"):
            assert size < 0.01, weight.path
        elif weight.path.endswith("gamma"):
            assert size > 0.5, weight.path


def test_a_loss_that_is_no_number_ends_the_training(small_data: "Dataset") -> None:
    class Broken(keras.layers.Layer):
        def call(self, inputs: object) -> object:
            return inputs * float("nan")  # type: ignore[operator]

    pixels = keras.Input((28, 28, 1))
    x = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(Broken()(pixels)))
    with pytest.raises(CheckFailedError, match=r"not a number after epoch 1: .* try a lower learning rate"):
        fit(keras.Model(pixels, x), small_data, FitOptions(epochs=3))


def test_a_later_beginning_learns_from_the_images_in_another_way(small_data: "Dataset") -> None:
    def fitted(begin: int) -> np.ndarray:
        made = model()
        fit(made, small_data, FitOptions(epochs=1), begin=begin)
        return weights(made)

    np.testing.assert_array_equal(fitted(0), fitted(0))
    assert not np.array_equal(fitted(0), fitted(1))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_weights_weigh_the_targets_of_the_images_learned_from(
    smoothing: float, small_data: "Dataset", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cross-entropy is linear in them. The validation stays as it is: its figures say what the model does."""
    seen: list[np.ndarray] = []

    def watched(images: np.ndarray, targets: np.ndarray, *rest: object, **more: object) -> object:
        seen.append(targets)
        return training_batches(images, targets, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("edgeproof.train.fit.training_batches", watched)
    options = FitOptions(epochs=1, label_smoothing=smoothing)
    plain = fit(model(), small_data, options)
    weighted = fit(model(), small_data, replace(options, class_weights="balanced"))
    _, used = validation_split(small_data, options.validation_share, options.seed)
    labels = small_data.y_train[used]
    factors = balanced_weights(labels, 10)[labels]
    np.testing.assert_allclose(seen[1], seen[0] * factors[:, None], rtol=1e-6)
    np.testing.assert_allclose(seen[1].sum(axis=1), factors, rtol=1e-5)
    assert weighted.history["loss"] != plain.history["loss"]


def test_a_rare_class_is_found_with_class_weights(small_data: "Dataset") -> None:
    """Of two classes, one has 20 images and the other 180: without weights nearly all answers are the latter."""
    digits = np.flatnonzero(np.isin(small_data.y_train, (4, 9)))
    few = [*digits[small_data.y_train[digits] == 4][:12], *digits[small_data.y_train[digits] == 9][:55]]
    data = replace(
        small_data,
        train=replace(small_data.train[np.array(few)], labels=(small_data.y_train[few] == 9).astype(np.int64)),
        classes=("four", "nine"),
    )
    tested = small_data.x_test[small_data.y_test == 4].astype(np.float32)

    def found(weights: str | None) -> float:
        keras.utils.set_random_seed(1)
        made = Architecture(preset=None, builder=f"{SMALL}:without_dropout").build((28, 28, 1), 2)
        fit(made, data, FitOptions(epochs=10, batch_size=16, learning_rate=1e-3, class_weights=weights))
        return float(made.predict(tested, verbose=0)[:, 0].mean())

    assert found("balanced") > found(None) + 0.05
