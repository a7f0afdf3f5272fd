"""The `edgeproof` command: one module per verb, heavy imports inside the verbs."""

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import NoReturn

from ..runtime.errors import EdgeproofError, EngineMissingError, one_line
from .native_logs import hidden_native_logs

# What each verb does, in the order in which a newcomer needs them; the module of that name adds the options.
_VERBS = {
    "demo": "train on MNIST, export, verify, benchmark, and write the report",
    "train": "train a preset and write model.keras",
    "export": "convert a .keras file to TFLite and ONNX, proven against the original",
    "predict": "classify image files with an exported model",
    "inspect": "say what is inside a model file or a bundle",
    "selftest": "check that a bundle gives its golden answers on this machine",
    "doctor": "say what this machine is, which engines work on it, and what to install",
    "benchmark": "compare every variant of a bundle with the Keras original",
    "check": "hold a report or a bundle against budgets and an older report",
    "pick": "name the best variant that holds the budgets, and say why the others lost",
}

# What a verb needs beyond the base install, and the extra that brings it; engines are the runtime's to look for.
_TRAIN = ("tensorflow", "keras", "matplotlib", "pooch")
_EXPORT = (*_TRAIN, "tf2onnx", "onnx", "onnxruntime", "ai_edge_litert", "scipy")
_JUDGE = ("msgspec", "scipy")
_BENCHMARK = (*_TRAIN, *_JUDGE, "jinja2")
_NEEDS = {
    "demo": ("all", (*_EXPORT, *_BENCHMARK)),
    "train": ("train", _TRAIN),
    "export": ("export", _EXPORT),
    "benchmark": ("benchmarks", _BENCHMARK),
    "check": ("check", _JUDGE),
    "pick": ("check", _JUDGE),
}

# Verbs whose whole result is what they print.
_PRINTING = ("predict", "inspect", "selftest", "doctor")

BAD_INPUT = 2


class _OneLineParser(argparse.ArgumentParser):
    """argparse's errors without the usage block: one line says it."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: error: {one_line(message)} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 a check did not hold, 2 bad input."""
    for stream in (sys.stdout, sys.stderr):
        # An ASCII terminal shows µ as an escape instead of ending in an exception.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = _parser(sys.argv[1:] if arguments is None else arguments).parse_args(arguments)
    except OSError as error:  # nowhere to print the help or the version
        return _fail(f"cannot print: {error.strerror or error}", BAD_INPUT)
    handle_termination_signals()
    # Whatever other work this user does with Keras: these verbs are TensorFlow's.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        return _run(options)
    except EdgeproofError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing of the unfinished step was written", BAD_INPUT)
    except BrokenPipeError:
        # The reader of our output has seen enough, as in `edgeproof predict … | head`; what is buffered goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0 if options.verb in _PRINTING else _fail("nobody reads what is printed; nothing was written", BAD_INPUT)
    except MemoryError:
        return _fail("there is not enough memory", BAD_INPUT)
    except OSError as error:
        # The machine's, not a bug: a full disk, a permission, a device that went away.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _fail(f"{error.filename or 'cannot go on'}: {error.strerror or error}", BAD_INPUT)


def handle_termination_signals() -> None:
    """Let a request to stop be cleaned up after; to be called again when a library may have taken it over."""
    # A service manager's request to stop, or a terminal that goes away, is cleaned up after like Ctrl-C.
    for name in ("SIGTERM", "SIGHUP"):
        request = getattr(signal, name, None)  # Windows has no SIGHUP
        if request is not None and signal.getsignal(request) is not signal.SIG_IGN:
            signal.signal(request, signal.default_int_handler)


def _run(options: argparse.Namespace) -> int:
    check_installed(options.verb)
    with hidden_native_logs(unless=options.native_logs):
        code = import_module(f".verbs.{options.verb}", __name__).run(options)
    if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison]  (None where it is closed)
        sys.stdout.flush()  # here, where a full disk can still be reported
    return code


class _Version(argparse.Action):
    """Print the version; what looks it up takes as long to import as a prediction."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"edgeproof {version('edgeproof')}", flush=True)
        parser.exit()


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="edgeproof",
        description="Train it, shrink it, ship it, and prove that it still gives the same answers.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    # Verbs that are not asked for need no options, and their modules no time.
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    for verb, summary in _VERBS.items():
        added = verbs.add_parser(verb, help=summary, description=summary[0].upper() + summary[1:] + ".")
        added.add_argument("--native-logs", action="store_true", help="show what TensorFlow and the engines log")
        if verb == asked:
            import_module(f".verbs.{verb}", __name__).add_options(added)
    return parser


def check_installed(verb: str) -> None:
    """Refuse a verb whose packages are missing.

    Raises:
        EngineMissingError: They are; it says which, and which extra brings them.
    """
    extra, packages = _NEEDS.get(verb, ("", ()))
    missing = [package for package in dict.fromkeys(packages) if find_spec(package) is None]
    if missing:
        raise EngineMissingError(f"{verb} needs {', '.join(missing)}; pip install 'edgeproof[{extra}]'")


def _fail(message: str, code: int) -> int:
    if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison]  (None where file descriptor 2 is closed)
        with suppress(OSError):  # the exit code is all that is left to say it with
            print(f"edgeproof: error: {one_line(message)}", file=sys.stderr)
    return code
