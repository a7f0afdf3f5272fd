import pytest

from tests.helpers.workers import run_command


@pytest.fixture
def commands_in_process(in_process: None, undrawn: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let studies run the commands of edgeproof in this process, where TensorFlow has been imported already."""
    monkeypatch.setattr("studies.commands.run_child", run_command)
