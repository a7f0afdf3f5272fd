from pathlib import Path

import pytest
from edgeproof.export.reference.keras_file import check_keras_file
from edgeproof.runtime.errors import InvalidFileError

from tests.helpers.files import archived

PARTS = dict.fromkeys(("metadata.json", "config.json", "model.weights.h5"), b"{}")


@pytest.mark.parametrize(
    ("count", "complaint"),
    [(1000, "it holds 1,003 files; at most 1,000"), (30_000, "at most 1,048,576 bytes can be read at once")],
)
def test_an_archive_of_thousands_of_files_is_refused_before_keras_walks_through_it(
    tmp_path: Path, count: int, complaint: str
) -> None:
    (tmp_path / "model.keras").write_bytes(archived({**PARTS, **{str(i): b"" for i in range(count)}}))
    with pytest.raises(InvalidFileError, match=f"model.keras is not a .keras file: .*{complaint}"):
        check_keras_file(tmp_path / "model.keras")


def test_an_archive_with_kerass_parts_and_a_few_more_passes(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(archived({**PARTS, "assets/words.txt": b"a"}))
    check_keras_file(tmp_path / "model.keras")
