import io
import json
from dataclasses import replace

import numpy as np
import pytest
from edgeproof.datasets.held_out.split_record import SplitRecord, describe_reading, parse_split, short
from edgeproof.datasets.split import Split
from edgeproof.runtime.bundle.model_metadata import DIGIT, RESIZE
from edgeproof.runtime.errors import InvalidFileError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 1), np.uint8)
SPLIT = Split(images=IMAGES, labels=np.array([0, 1, 0, 1, 0, 1]), names=[f"secret/{i}.png" for i in range(6)])
DIGESTS = [*map(short, SPLIT.digests)]
RECORD = SplitRecord(
    reading=describe_reading((4, 4, 1), RESIZE),
    test_share=0.25,
    split_seed=3,
    test={DIGESTS[0]: ("cat", "dög"), DIGESTS[1]: ("dög",)},
    validation=frozenset(DIGESTS[2:3]),
    train=frozenset(DIGESTS[3:5]),
)


def test_what_is_written_is_read_back() -> None:
    assert parse_split(RECORD.to_bytes(), "it") == RECORD
    bare = replace(RECORD, test={}, validation=frozenset(), train=frozenset())
    assert parse_split(bare.to_bytes(), "it") == bare


def test_equal_records_give_equal_bytes_whatever_their_order() -> None:
    turned = replace(RECORD, test=dict(reversed(RECORD.test.items())), train=frozenset(DIGESTS[4:2:-1]))
    assert turned.to_bytes() == RECORD.to_bytes()


def test_no_file_is_named_and_the_file_is_small() -> None:
    assert b"secret" not in RECORD.to_bytes()
    many = np.random.default_rng(1).bytes(16 * 10_000)
    test = {many[i : i + 16]: ("cat",) for i in range(0, len(many), 16)}
    assert len(replace(RECORD, test=test).to_bytes()) < 165_000


def test_the_side_of_an_image_is_known_by_its_pixels() -> None:
    assert RECORD.sides(SPLIT.digests) == [True, True, False, False, False, None]


def test_a_label_that_is_none_of_the_training_is_found() -> None:
    assert RECORD.relabelled(SPLIT, ("cat", "dög")) == []
    assert RECORD.relabelled(SPLIT, ("dög", "cat")) == [1]


def test_another_reading_is_described_otherwise() -> None:
    ways = [((4, 4, 1), RESIZE), ((4, 4, 3), RESIZE), ((4, 4, 1), replace(RESIZE, antialias=False)), ((4, 4, 1), DIGIT)]
    described = [json.dumps(describe_reading(*way)) for way in ways]
    assert len(set(described)) == len(ways)


def repacked(**changed: np.ndarray) -> bytes:
    with np.load(io.BytesIO(RECORD.to_bytes())) as file:
        arrays = {**file, **changed}
    buffer = io.BytesIO()
    np.savez(buffer, **{name: array for name, array in arrays.items() if array.size or array.ndim > 1})
    return buffer.getvalue()


def about(**changed: object) -> np.ndarray:
    with np.load(io.BytesIO(RECORD.to_bytes())) as file:
        document = json.loads(file["about"].tobytes())
    return np.frombuffer(json.dumps(document | changed).encode(), np.uint8)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"about": about(schema_version=2)}, "schema_version is 2; this edgeproof reads 1"),
        ({"about": about(reading=[])}, "about.reading must be an object"),
        ({"about": about(test_share=1)}, "must be between 0 and 1"),
        ({"about": about(labels=["cat"])}, "test_labels are not the places of labels"),
        ({"about": np.frombuffer(b"{", np.uint8)}, "about is not JSON"),
        ({"about": np.zeros((2, 2), np.uint8)}, "is not bytes"),
        ({"about": np.zeros(0, np.uint8)}, "about"),
        ({"test": np.zeros((2, 8), np.uint8)}, r"test has the shape \(2, 8\)"),
        ({"train": np.zeros((2, 16), np.int64)}, "is not bytes"),
        ({"validation": np.zeros(16, np.uint8)}, "validation has the shape"),
        ({"test_labels": np.array([0, 1, -1], np.int32)}, "test_labels are not"),
        ({"test_labels": np.array([0, 1], np.int32)}, "test_labels are not"),
        ({"test_labels": np.array([0.0, 1.0, 1.0])}, "test_labels are not"),
    ],
)
def test_a_damaged_file_is_refused(changed: dict[str, np.ndarray], complaint: str) -> None:
    with pytest.raises(InvalidFileError, match=f"^runs/split.npz is not a split file: .*{complaint}") as caught:
        parse_split(repacked(**changed), "runs/split.npz")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("content", [b"", b"no archive", RECORD.to_bytes()[:200]])
def test_what_is_no_split_file_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidFileError, match=r"^it is not a split file"):
        parse_split(content, "it")
