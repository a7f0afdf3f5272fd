"""Stand-ins for child processes: the same work in this process, where TensorFlow has been imported already."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Self

from tests.helpers.command import Done, run


class InProcess:
    """Stands in for `edgeproof.runtime.io.worker.Worker` where the work only sends events and returns a result."""

    def __init__(self, work: Callable[..., Any], *arguments: Any, name: str) -> None:  # noqa: ANN401
        del name
        self._work, self._arguments = work, arguments

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def result(self, on_event: Callable[[Any], None]) -> Any:  # noqa: ANN401
        return self._work(SimpleNamespace(send=on_event), *self._arguments)


def run_command(command: list[str], **_: object) -> Done:
    """Stand in for `run_child` of a command of edgeproof: `python -P -c SOURCE VERB …`."""
    return run(*command[command.index("-c") + 2 :])
