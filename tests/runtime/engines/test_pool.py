from collections.abc import Mapping

import numpy as np
import pytest
from edgeproof.runtime.bundle.tensors import TensorSpec
from edgeproof.runtime.engines.pool import BATCH, EnginePool
from edgeproof.runtime.errors import InvalidFileError

IMAGES = np.random.default_rng(1).integers(0, 256, (3 * BATCH + 5, 4, 4, 1), np.uint8)


class Counting:
    """Answers with the mean of each image, and writes down how many images came at once."""

    name = "counting"
    input = TensorSpec(name="image", dtype="uint8", shape=(1, 4, 4, 1))
    output = TensorSpec(name="probabilities", dtype="float32", shape=(1, 1))
    metadata: Mapping[str, str] = {}

    def __init__(self, *, mixes: bool = False, fails: bool = False) -> None:
        self.taken: list[int] = []
        self.mixes = mixes
        self.fails = fails

    def run(self, batch: np.ndarray) -> np.ndarray:
        if self.fails:
            raise InvalidFileError("a batch of another size")
        self.taken.append(len(batch))
        means = batch.reshape(len(batch), -1).mean(axis=1, keepdims=True, dtype=np.float32)
        return means.mean(axis=0, keepdims=True) if self.mixes else means


def run(**batched: bool) -> tuple[Counting, Counting, EnginePool]:
    single, batches = Counting(), Counting(**batched)
    pool = EnginePool(single, Counting, batches=lambda: batches)
    np.testing.assert_array_equal(
        pool.run(IMAGES)[:, 0], IMAGES.reshape(len(IMAGES), -1).mean(axis=1, dtype=np.float32)
    )
    return single, batches, pool


def test_many_images_go_in_batches_and_the_rest_alone() -> None:
    single, batches, pool = run()
    assert batches.taken == [BATCH] * 4  # the first is compared with what its images give alone
    assert single.taken == [1] * (BATCH + 5)
    pool.run(IMAGES)
    assert batches.taken == [BATCH] * 7
    assert single.taken == [1] * (BATCH + 10)


def test_few_images_go_alone() -> None:
    single, batches = Counting(), Counting()
    EnginePool(single, Counting, batches=lambda: batches).run(IMAGES[: 2 * BATCH - 1])
    assert (single.taken, batches.taken) == ([1] * (2 * BATCH - 1), [])


@pytest.mark.parametrize("fault", ["mixes", "fails"])
def test_a_model_that_cannot_take_batches_is_given_none(fault: str) -> None:
    single, batches, pool = run(**{fault: True})
    taken = list(batches.taken)
    pool.run(IMAGES)
    assert batches.taken == taken
    assert single.taken[-len(IMAGES) :] == [1] * len(IMAGES)
