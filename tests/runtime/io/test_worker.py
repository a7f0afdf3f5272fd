import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgeproof.runtime.errors import EdgeproofError, OutputError
from edgeproof.runtime.io.worker import Worker, WorkerDiedError

from tests.helpers.processes import is_gone
from tests.runtime.io import worker_jobs as jobs


def run(work: Callable[..., Any], *arguments: object, on_event: Callable[[Any], None] = lambda _: None) -> Any:  # noqa: ANN401
    with Worker(work, *arguments, name="the child") as worker:
        return worker.result(on_event)


def test_events_come_while_it_works_and_the_result_at_the_end() -> None:
    events: list[int] = []
    assert run(jobs.add, 1, 2, 3, on_event=events.append) == 6
    assert events == [1, 2, 3]


def test_what_is_sent_comes_back_whole() -> None:
    images = np.arange(2**22, dtype=np.uint8)
    with Worker(jobs.echo, name="the child") as worker:
        worker.send(images)
        np.testing.assert_array_equal(worker.receive(), images)


@pytest.mark.parametrize(
    ("work", "number", "how"),
    [
        (jobs.die, signal.SIGSEGV, "ended by SIGSEGV"),
        (jobs.die, signal.SIGKILL, "ended by SIGKILL; the machine may be short of memory"),
        (jobs.die, 40, "ended by signal 40"),
        (jobs.leave, 3, "ended with exit code 3"),
    ],
)
def test_a_death_is_told(work: Callable[..., Any], number: int, how: str) -> None:
    with pytest.raises(WorkerDiedError, match=f"^the child {how}$"):
        run(work, number)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n",
            "terminate .*",
        ),
        ("LLVM ERROR: out of memory\nStack dump:\n #0 0x00007f\n", "LLVM ERROR: out of memory"),
        ("F0000 00:00:1.2 3 a.cc:4] Check failed: x == y\n*** Aborted ***\n    @ 0x7f (unknown)\n", "F0000 .*x == y"),
        ("a remark\n\x1b[31mthe last line\n\n", "the last line"),
        ("x" * 1000, "x{200}"),
    ],
)
def test_the_last_words_of_a_child_are_told_in_one_line(monkeypatch: pytest.MonkeyPatch, words: str, told: str) -> None:
    monkeypatch.setattr("edgeproof.runtime.io.processes.logs_are_hidden", True)
    with pytest.raises(WorkerDiedError, match=f"^the child ended by SIGABRT: {told}$"):
        run(jobs.die_with_words, words)


def test_last_words_that_the_user_sees_are_not_told_twice(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WorkerDiedError, match=r"^the child ended by SIGABRT$"):
        run(jobs.die_with_words, "words")
    assert capfd.readouterr().err == "words"


def test_tensorflow_logs_only_errors_in_a_child_unless_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    assert run(jobs.log_level) == "2"
    assert "TF_CPP_MIN_LOG_LEVEL" not in os.environ
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    assert run(jobs.log_level) == "0"


def test_a_child_that_is_dead_answers_no_request() -> None:
    with Worker(jobs.echo, name="the child") as worker:
        os.kill(worker.process.pid, signal.SIGKILL)
        with pytest.raises(WorkerDiedError, match="the child ended by SIGKILL"):
            worker.receive()
        with pytest.raises(WorkerDiedError, match="the child ended by SIGKILL"):
            worker.send("request")


@pytest.mark.parametrize("error", [OutputError("full"), OSError(28, "No space left on device", "/x"), MemoryError()])
def test_what_a_user_can_act_on_is_raised_here(error: Exception) -> None:
    expected = EdgeproofError if isinstance(error, MemoryError) else type(error)
    with pytest.raises(expected) as caught:
        run(jobs.fail, error)
    assert str(caught.value) == ("there is not enough memory" if isinstance(error, MemoryError) else str(error))


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(RuntimeError, match="in the process of the child") as caught:
        run(jobs.fail, KeyError("bug"))
    assert str(caught.value) == "in the process of the child: KeyError: 'bug'"
    assert "in fail\n" in caught.value.__notes__[0]


def test_temporary_files_go_with_the_child() -> None:
    path = run(jobs.leave_a_file)
    assert not path.parent.parent.exists()


def test_it_ends_with_all_that_it_started_and_is_deaf_to_the_terminal() -> None:
    with Worker(jobs.hang, name="the child") as worker:
        pid, grandchild, blocked = worker.receive()
    assert {signal.SIGINT, signal.SIGTERM} <= set(blocked)
    assert is_gone(pid)
    assert is_gone(grandchild)


def test_an_error_in_the_parent_ends_the_child() -> None:
    pids: list[int] = []

    def interrupt(event: tuple[int, int, object]) -> None:
        pids.extend(event[:2])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(jobs.hang, on_event=interrupt)
    assert all(map(is_gone, pids))


PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
import worker_jobs
from edgeproof.runtime.io.worker import Worker
with Worker(worker_jobs.add, 1, 2, name="the child") as worker:
    print("once", worker.result(lambda _: None))
"""


@pytest.mark.parametrize("way", ["script", "standard input"])
def test_the_caller_needs_no_guard(tmp_path: Path, way: str) -> None:
    """A child of multiprocessing would run a script again, and does not start where the program is standard input."""
    program = PROGRAM.format(folder=str(Path(__file__).parent))
    (tmp_path / "script.py").write_text(program)
    argument = tmp_path / "script.py" if way == "script" else "-"
    done = subprocess.run([sys.executable, argument], input=program, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("once 3\n", "")
