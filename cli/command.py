"""The `edgeproof` command: one module per verb, heavy imports inside the verbs."""

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence
from errno import ENOMEM
from importlib import import_module
from importlib.util import find_spec
from typing import NoReturn

from ..runtime.errors import EdgeproofError, EngineMissingError, did_you_mean, one_line, similar
from ..runtime.io.shortage import shortage
from ..runtime.text import printable
from .native_logs import hidden_native_logs
from .output import checked_output

# Summaries of the verbs, in the order in which a newcomer needs them; the module of that name adds the options.
_VERBS = {
    "demo": "train on MNIST, export, verify, benchmark, and write the report",
    "train": "train a preset and write model.keras",
    "export": "convert a .keras file to TFLite and ONNX, verified against the Keras original",
    "predict": "classify image files with an exported model",
    "inspect": "show what is inside a model file or a bundle",
    "selftest": "check that a bundle gives its golden answers on this machine",
    "doctor": "describe this machine: which engines work on it, and what to install",
    "benchmark": "compare every variant of a bundle with the Keras original",
    "check": "check a report or a bundle against budgets and an older report",
    "pick": "pick the best variant that meets the budgets, and say why the others lost",
}

# Packages that a verb needs beyond the base install, and the extra that brings them; the runtime looks for engines.
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

BAD_INPUT, UNFORESEEN, INTERRUPTED = 2, 70, 130

_SIZE = "--image-size"  # takes a height and a width


class _OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line that suggests what was meant, without the usage block."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse arguments; refuse others here, where the verb is known whose help lists the possible ones."""
        typed = _with_widths(sys.argv[1:] if args is None else args)
        known, others = super().parse_known_args(typed, argparse.Namespace() if namespace is None else namespace)
        if others:
            flags = [flag for action in self._actions for flag in action.option_strings]
            wrong = next((other for other in others if other.startswith("-")), others[0])
            name = wrong.partition("=")[0]
            meant = did_you_mean(name, flags) if name.startswith("--") else ""
            self.error(f"unrecognized arguments: {' '.join(others)}{meant}")
        return known, others

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}; {similar(str(value), choices)}")

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: error: {printable(message)} (see {self.prog} --help)\n")


def _with_widths(arguments: Sequence[str]) -> list[str]:
    """Repeat the number after --image-size where no other follows: 96 means 96 96.

    With an optional second number, argparse would take a MODEL that follows the first for it.

    >>> _with_widths(["export", "--image-size=96", "m.keras"])
    ['export', '--image-size', '96', '96', 'm.keras']
    """
    typed: list[str] = []
    for argument in arguments:
        typed += argument.split("=", 1) if argument.startswith(f"{_SIZE}=") else [argument]
    flags = [place for place, argument in enumerate(typed) if argument == _SIZE]
    for place in reversed(flags):  # from the end, since those behind an insertion move
        are_numbers = [argument.isdecimal() for argument in typed[place + 1 : place + 3]]
        if are_numbers in ([True], [True, False]):
            typed.insert(place + 2, typed[place + 1])
    return typed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0 done, 1 a check did not hold, 2 bad input or output that cannot be written, 70 a fault of edgeproof, 130
    interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        # An ASCII terminal shows µ as an escape instead of ending in an exception.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    typed = sys.argv[1:] if arguments is None else arguments
    options = argparse.Namespace(written="")  # a verb says there what its files are
    problem = ""
    with checked_output() as output:
        try:
            code = _run(typed, options)
            output.flush()
        except SystemExit as exit_:  # argparse's
            output.flush()
            if exit_.code or output.error is None:
                raise
            code = 0
        except BaseException as error:
            if "--debug" in typed:
                _print_traceback(error)
            problem, code = _describe(error, options.written)
        if output.error is not None and not problem:
            problem, code = f"cannot print: {output.error.strerror or output.error}", BAD_INPUT
            problem += f"; {options.written}" if options.written else ""
        if problem:
            print(f"edgeproof: error: {printable(problem)}", file=sys.stderr)
    return code


def _describe(error: BaseException, written: str) -> tuple[str, int]:
    """Return what an error says to the user, and its exit code."""
    match error:
        case EdgeproofError():
            return str(error), error.exit_code
        case KeyboardInterrupt():
            return f"interrupted; {str(error) or written or 'nothing of the unfinished step was written'}", INTERRUPTED
        case OSError() if error.errno != ENOMEM:
            # The machine's, not a bug: a full disk, a permission, a device that went away.
            return f"{error.filename or 'cannot go on'}: {error.strerror or error}", BAD_INPUT
        case _:
            short = shortage(error)
            if short is not None:
                return str(short), BAD_INPUT
            told = f"unforeseen {type(error).__name__}: {one_line(error)[:300]}"
            return f"{told}; this is a fault of edgeproof, and the same command with --debug shows where", UNFORESEEN


def _print_traceback(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error)


def _handle_termination_signals() -> None:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt."""
    # A service manager that stops us, or a terminal that goes away, gets the same clean-up as Ctrl-C.
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def _run(arguments: Sequence[str], options: argparse.Namespace) -> int:
    # Before any verb's module is imported, and NumPy with it. Whatever backend the user's other work has: these verbs
    # need TensorFlow.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # NumPy's linear algebra is hardly used here. Where memory is short, its threads end in SIGINT, or exit in silence.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    shows_logs = "--native-logs" in arguments
    if shows_logs:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0")  # of TensorFlow: from its information on
    with hidden_native_logs(unless=shows_logs):
        _parser(arguments).parse_args(arguments, options)
        _handle_termination_signals()
        check_installed(options.verb)
        return import_module(f"{__package__}.verbs.{options.verb}").run(options)


def _requested(arguments: Sequence[str]) -> str | None:
    """Return the verb, before anything is parsed."""
    return next((argument for argument in arguments if not argument.startswith("-")), None)


class _Version(argparse.Action):
    """Print the version; importlib.metadata is imported only here, since that takes as long as a prediction."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"edgeproof {version('edgeproof')}")
        parser.exit()


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="edgeproof",
        description="Train it, shrink it, ship it, and prove that it still gives the same answers.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    _add_debug(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    # Only the requested verb adds its options: the modules of the others are not imported.
    requested = _requested(arguments)
    for verb, summary in _VERBS.items():
        added = verbs.add_parser(verb, help=summary, description=summary[0].upper() + summary[1:] + ".")
        added.add_argument("--native-logs", action="store_true", help="show what TensorFlow and the engines log")
        _add_debug(added)
        if verb == requested:
            import_module(f"{__package__}.verbs.{verb}").add_options(added)
    if not arguments:
        # On standard output, as git and cargo print it for a person; but a script that lost its arguments must not go
        # on, and 1 stands for a check that did not hold.
        parser.print_help()
        parser.exit(BAD_INPUT)
    return parser


def _add_debug(parser: argparse.ArgumentParser) -> None:
    """Add --debug, which `main` looks for itself: an error may come before the options are known."""
    parser.add_argument("--debug", action="store_true", help="print the traceback of an error")


def check_installed(verb: str) -> None:
    """Refuse a verb whose packages are missing.

    Raises:
        EngineMissingError: They are; it says which, and which extra brings them.
    """
    extra, packages = _NEEDS.get(verb, ("", ()))
    missing = [package for package in dict.fromkeys(packages) if find_spec(package) is None]
    if missing:
        raise EngineMissingError(f"{verb} needs {', '.join(missing)}; pip install 'edgeproof[{extra}]'")
