from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.reports import write_report

if TYPE_CHECKING:
    from edgeproof.report.model import Report


@pytest.fixture
def file(report: "Report", tmp_path: Path) -> Path:
    """A report in a file."""
    return write_report(report, tmp_path / "report.json")
