import subprocess
from types import SimpleNamespace

import pytest

from tests.helpers.workers import run_command


@pytest.fixture
def commands_in_process(in_process: None, undrawn: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let studies run the commands of edgeproof in this process, where TensorFlow has been imported already."""
    stand_in = SimpleNamespace(run=run_command, DEVNULL=subprocess.DEVNULL, PIPE=subprocess.PIPE)
    monkeypatch.setattr("studies.commands.subprocess", stand_in)
