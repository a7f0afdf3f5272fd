"""`python -m edgeproof`: the command."""

import sys
from typing import NoReturn


def start() -> NoReturn:
    """Run the command, from its first import to its end, and exit; an interruption is one line, whenever it comes."""
    try:
        from edgeproof.cli import main

        code = main()
    except KeyboardInterrupt:
        code = _end("interrupted; nothing was begun", 130)
    except MemoryError:
        code = _end("there is not enough memory", 2)
    finally:
        _end_silently()
    sys.exit(code)


def _end(words: str, code: int) -> int:
    if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison]  (None where it is closed)
        print(f"edgeproof: error: {words}", file=sys.stderr)  # noqa: T201
    return code


def _end_silently() -> None:
    """Let a further interruption end the process: the interpreter's own end has no words for it but a traceback."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    start()
