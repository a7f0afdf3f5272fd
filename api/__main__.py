"""`python -m edgeproof`: the command."""

import sys
from typing import NoReturn

from edgeproof.cli.interruption import end_at_once, handle_interruptions, was_interrupted


def start() -> NoReturn:
    """Run the command, from its first import to its end, and exit; an interruption is one line, whenever it comes.

    Until here Python itself starts, which SIGTERM ends without a word, and Ctrl-C with a traceback.
    """
    try:
        handle_interruptions()
        from edgeproof.cli import main

        code = main()
    except MemoryError:
        code = _end("there is not enough memory", 2)
    except (KeyboardInterrupt, Exception) as error:
        if not isinstance(error, KeyboardInterrupt) and not was_interrupted():
            raise
        code = _end("interrupted; nothing was begun", 130)
    finally:
        end_at_once()
    sys.exit(code)


def _end(words: str, code: int) -> int:
    if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison]  (None where it is closed)
        print(f"edgeproof: error: {words}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    start()
