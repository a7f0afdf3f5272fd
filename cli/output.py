"""Standard streams whose failures wait for the end: no result is lost because it could not be printed."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


class Output:
    """Stands in for a standard stream; from the first write that fails on, what is written is dropped.

    Attributes:
        error: Why that write failed; None if all went well.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text; see `TextIO.write`."""
        with self._kept():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        with self._kept():
            self._stream.flush()

    @contextmanager
    def _kept(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            self.error = self.error or error
            # What is buffered would fail again, at the latest at the interpreter's end, which has no words for it.
            with suppress(OSError, ValueError):
                _open_as(self._stream.fileno(), os.O_WRONLY)


@contextmanager
def checked_output() -> Generator[Output]:
    """Put an `Output` in the place of `sys.stdout`, which it gives, and of `sys.stderr`, until the block ends."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # A file that got a number below 3 would be written to by all that prints. Reading only: writes still fail.
            _open_as(descriptor, os.O_RDONLY)
    before = cast("tuple[TextIO | None, ...]", (sys.stdout, sys.stderr))  # None where one is closed
    output, errors = (
        Output(open(descriptor, "w", closefd=False) if stream is None else stream)  # noqa: SIM115
        for descriptor, stream in enumerate(before, 1)
    )
    sys.stdout, sys.stderr = cast("tuple[TextIO, TextIO]", (output, errors))
    try:
        yield output
    finally:
        output.flush()
        errors.flush()
        sys.stdout, sys.stderr = cast("tuple[TextIO, TextIO]", before)


def _open_as(descriptor: int, mode: int) -> None:
    """Open /dev/null under this number."""
    opened = os.open(os.devnull, mode)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)
