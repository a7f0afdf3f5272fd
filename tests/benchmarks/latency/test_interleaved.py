from collections import Counter

import numpy as np
import pytest
from edgeproof.benchmarks.latency import interleaved as latency
from edgeproof.benchmarks.latency.interleaved import LEAST_RUNS, ROUNDS, Repetition, TimedEngine, measure
from edgeproof.runtime.bundle.model_metadata import RESIZE, ImageSpec
from edgeproof.runtime.bundle.tensors import QuantParams, TensorSpec

IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1)
EMPTY = np.zeros(0, np.int64)


class Watched:
    """An engine that notes what it runs on, and moves a clock if it is given one."""

    name = "watched"
    metadata: dict[str, str] = {}  # noqa: RUF012
    output = TensorSpec(name="y", dtype="float32", shape=(1, 2))

    def __init__(self, dtype: str = "float32", clock: list[int] | None = None) -> None:
        quantization = QuantParams(scale=1.0, zero_point=0) if dtype == "uint8" else None
        self.input = TensorSpec(name="x", dtype=dtype, shape=(1, 2, 2, 1), quantization=quantization)
        self.clock = [0] if clock is None else clock
        self.seen: Counter[tuple[str, bytes]] = Counter()
        self.invoked = 0

    def run(self, batch: np.ndarray) -> np.ndarray:
        self.clock[0] += 1_000_000 if self.seen else 5_000_000
        self.seen[batch.dtype.name, batch.tobytes()] += 1
        return batch

    def invoker(self, batch: np.ndarray) -> object:
        def invoke() -> None:
            self.clock[0] += 600_000
            self.invoked += 1

        return invoke


def subject_of(engine: Watched) -> TimedEngine:
    return TimedEngine(lambda: engine, IMAGES, ImageSpec(height=2, width=2, channels=1), RESIZE)


class Noted:
    """A model that notes when it is timed."""

    def __init__(self, label: str, diary: list[tuple[str, float]], repetitions: int = 2) -> None:
        self.label, self.diary, self.repetitions = label, diary, repetitions

    def repeat(self, seconds: float) -> Repetition:
        self.diary.append((self.label, seconds))
        return Repetition(run=np.array([len(self.diary)]), invoke=EMPTY, preprocessing=EMPTY, load=EMPTY, first=EMPTY)


def test_models_are_timed_in_changing_order() -> None:
    diary: list[tuple[str, float]] = []
    subjects = {"a": Noted("a", diary), "b": Noted("b", diary), "k": Noted("k", diary, repetitions=1)}
    taken = measure(subjects, seconds=6.0)
    assert [label for label, _ in diary[:3]] == ["a", "b", "k"]  # the warm-up
    assert set(diary[3:]) == {("a", 3.0 / ROUNDS), ("b", 3.0 / ROUNDS), ("k", 6.0 / ROUNDS)}
    rounds = [tuple(label for label, _ in diary[i : i + 5]) for i in range(3, len(diary), 5)]
    assert len(rounds) == ROUNDS
    assert {tuple(sorted(one)) for one in rounds} == {tuple("aabbk")}
    assert len(set(rounds)) > 10
    assert {name: {len(turns) for turns in one} for name, one in taken.items()} == {"a": {2}, "b": {2}, "k": {1}}
    of_a = [turn.run[0] for turns in taken["a"] for turn in turns]
    assert of_a == [i + 1 for i, (label, _) in enumerate(diary) if label == "a"][1:]


def test_rounds_are_reported() -> None:
    ticks: list[int] = []
    measure({"a": Noted("a", [])}, seconds=0.0, rounds=3, progress=ticks.append)
    assert ticks == [1, 2, 3]


def test_every_repetition_loads_the_model_anew() -> None:
    made: list[Watched] = []

    def load() -> Watched:
        made.append(Watched())
        return made[-1]

    subject = TimedEngine(load, IMAGES, ImageSpec(height=2, width=2, channels=1), RESIZE)
    measure({"a": subject}, seconds=0.0, rounds=2)
    assert len(made) == 1 + 2 * 2
    assert all(engine.seen for engine in made)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_every_image_has_its_turn_in_the_engines_own_dtype(dtype: str) -> None:
    engine = Watched(dtype)
    turn = subject_of(engine).repeat(0.0)
    assert set(engine.seen) == {(dtype, image[None].astype(dtype).tobytes()) for image in IMAGES}
    assert len(turn.run) >= LEAST_RUNS
    assert len(turn.preprocessing) >= LEAST_RUNS


def test_each_kind_of_time_is_what_it_says_and_the_warm_up_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that only the engine moves."""
    clock = [0]
    monkeypatch.setattr(latency, "perf_counter_ns", lambda: clock[0])
    monkeypatch.setattr(latency, "perf_counter", lambda: clock[0] / 1e9)
    engine = Watched(clock=clock)

    def load() -> Watched:
        clock[0] += 7_000_000
        return engine

    # Time passes in preprocessing as well, or it would never end.
    monkeypatch.setattr(latency, "prepare", lambda *_: (clock.__setitem__(0, clock[0] + 2_000), _Prepared)[1])
    subject = TimedEngine(load, IMAGES, ImageSpec(height=2, width=2, channels=1), RESIZE)
    turn = subject.repeat(0.5)
    assert turn.load.tolist() == [7_000_000]
    assert turn.first.tolist() == [5_000_000]
    assert set(turn.run) == {1_000_000}
    assert set(turn.invoke) == {600_000}
    assert set(turn.preprocessing) == {2_000}
    assert len(turn.run) == pytest.approx(300, abs=1)  # six tenths of the turn
    assert len(turn.invoke) == pytest.approx(208, abs=1)
    # The first run, the warm-up of 10 ms, the timed ones.
    assert sum(engine.seen.values()) == 1 + 10 + len(turn.run)
    assert engine.invoked == len(turn.invoke)


class _Prepared:
    pixels = IMAGES[:1]
