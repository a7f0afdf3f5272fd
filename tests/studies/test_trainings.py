"""Which networks a benchmark need not train again."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studies.trainings import Training, still_valid

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset


@dataclass
class Known:
    command: str
    settings_sha256: str


def known(training: Training, data: "Dataset") -> Known:
    return Known(command=training.command, settings_sha256=training.settings_sha256(data) or "d" * 64)


def test_a_network_of_other_settings_is_not_current(small_data: "Dataset") -> None:
    trained = Training(preset="tiny", options={"epochs": 1})
    longer = Training(preset="tiny", options={"epochs": 2})
    there = [known(trained, small_data)]
    assert still_valid(there, [trained], small_data) == there
    assert still_valid(there, [longer], small_data) == []
    assert still_valid([Known(trained.command, "c" * 64)], [trained], small_data) == []


def test_where_a_teacher_is_missing_the_command_will_do_beside_another_that_can_be_checked(
    small_data: "Dataset", tmp_path: Path
) -> None:
    """Alone it does not tell of which data it is."""
    plain = Training(preset="tiny")
    taught = Training(preset="tiny", teachers=(tmp_path / "gone",))
    there = [known(plain, small_data), known(taught, small_data)]
    assert taught.settings_sha256(small_data) is None
    assert still_valid(there, [plain, taught], small_data) == there
    assert still_valid(there[1:], [taught], small_data) == []
    there[1].command = "train --preset tiny --teacher another"
    assert still_valid(there, [plain, taught], small_data) == there[:1]
