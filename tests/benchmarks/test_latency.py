from collections import Counter

import numpy as np
import pytest
from edgeproof.benchmarks import latency
from edgeproof.benchmarks.latency import measure, summarize
from edgeproof.runtime.spec import QuantParams, TensorSpec

IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1)


class Watched:
    """An engine that notes when it runs and on what."""

    name = "watched"
    output = TensorSpec(name="y", dtype="float32", shape=(1, 2))

    def __init__(self, label: str, diary: list[str], dtype: str = "float32") -> None:
        quantization = QuantParams(scale=1.0, zero_point=0) if dtype == "uint8" else None
        self.input = TensorSpec(name="x", dtype=dtype, shape=(1, 2, 2, 1), quantization=quantization)
        self.label, self.diary, self.seen = label, diary, Counter[tuple[str, bytes]]()

    def run(self, batch: np.ndarray) -> np.ndarray:
        self.diary.append(self.label)
        self.seen[batch.dtype.name, batch.tobytes()] += 1
        return batch


def turns(diary: list[str]) -> list[str]:
    return [label for i, label in enumerate(diary) if i == 0 or diary[i - 1] != label]


def test_percentiles_are_those_of_all_samples() -> None:
    samples = np.random.default_rng(0).permutation(np.arange(1, 1002)) * 1000
    found = summarize(samples)
    assert (found.runs, found.min_us, found.p50_us, found.p90_us, found.p99_us, found.max_us) == (
        1001,
        1,
        501,
        901,
        991,
        1001,
    )


def test_an_outlier_is_not_removed() -> None:
    assert summarize(np.array([1000] * 99 + [9_000_000])).max_us == 9000


def test_engines_take_turns_in_changing_order() -> None:
    diary: list[str] = []
    engines = {label: Watched(label, diary) for label in "abc"}
    found = measure(engines, IMAGES, seconds=0.05)
    rounds = turns(diary)[3:]  # after the warm-up
    assert set(found) == {"a", "b", "c"}
    assert len(rounds) > 2 * latency.ROUNDS
    assert len({tuple(rounds[i : i + 3]) for i in range(0, len(rounds) - 3, 3)}) > 1
    assert all(times.runs >= latency.ROUNDS * latency.MIN_RUNS_PER_ROUND for times in found.values())


def test_every_image_has_its_turn_in_the_engines_own_dtype() -> None:
    diary: list[str] = []
    engines = {dtype: Watched(dtype, diary, dtype) for dtype in ("float32", "uint8")}
    measure(engines, IMAGES, seconds=0.0)
    for dtype, engine in engines.items():
        expected = {(dtype, image[None].astype(dtype).tobytes()) for image in IMAGES}
        assert set(engine.seen) == expected


def test_what_is_timed_is_the_run_and_the_warm_up_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that only the engine moves: every timed run takes exactly what the engine took."""
    clock = [0]
    monkeypatch.setattr(latency, "perf_counter_ns", lambda: clock[0])
    monkeypatch.setattr(latency, "perf_counter", lambda: clock[0] / 1e9)

    class Slow(Watched):
        def run(self, batch: np.ndarray) -> np.ndarray:
            clock[0] += 5_000_000 if len(self.diary) == 0 else 1_000_000
            return super().run(batch)

    diary: list[str] = []
    found = measure({"a": Slow("a", diary)}, IMAGES, seconds=0.5)["a"]
    warm_up = 196  # one of 5 ms, then as many of 1 ms as fill 0.2 s
    assert len(diary) - found.runs == warm_up
    assert found.runs >= 500
    assert (found.min_us, found.p50_us, found.max_us) == (1000, 1000, 1000)


def test_rounds_are_reported() -> None:
    ticks: list[int] = []
    measure({"a": Watched("a", [])}, IMAGES, seconds=0.0, tick=ticks.append)
    assert ticks == list(range(1, latency.ROUNDS + 1))
