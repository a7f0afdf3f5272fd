"""The `edgeproof` command: one module per verb, heavy imports inside the verbs."""

import argparse
import io
import os
import re
import sys
from collections.abc import Sequence
from errno import ENOMEM
from importlib import import_module
from importlib.util import find_spec
from typing import NoReturn

from ..runtime.errors import EdgeproofError, EngineMissingError, one_line
from ..runtime.io.disk_full import lasting_name
from ..runtime.io.shortage import shortage
from .interruption import was_interrupted
from .native_logs import hidden_native_logs
from .output import checked_output
from .parser import BAD_INPUT, OneLineParser, error_text

# Summaries of the verbs, in the order in which a newcomer needs them; the module of that name adds the options.
_VERBS = {
    "demo": "train on MNIST, export, verify, benchmark, and write the report",
    "train": "train a preset and write model.keras",
    "export": "convert a Keras model to TFLite and ONNX, verified against the Keras original",
    "predict": "classify image files with an exported model",
    "inspect": "show what is inside a model file or a bundle",
    "explain": "show which layers of a bundle's files lose accuracy or time, why, and what to do",
    "selftest": "check that a bundle gives its golden answers on this machine",
    "doctor": "describe this machine: which engines work on it, and what to install",
    "benchmark": "compare every variant of a bundle with the Keras original",
    "check": "check a report or a bundle against budgets and an older report",
    "pick": "pick the best variant that meets the budgets, and say why the others lost",
    "cache": "list the decoded images that are kept on disk, and remove them",
}

# Packages that a verb needs beyond the base install, and the extra that brings them; the runtime looks for engines.
_TRAIN = ("tensorflow", "keras", "matplotlib", "pooch")
_EXPORT = (*_TRAIN, "tf2onnx", "onnx", "onnxruntime", "ai_edge_litert", "scipy")
_JUDGE = ("msgspec",)
_EXPLAIN = ("ai_edge_litert", "jinja2", "matplotlib")  # ONNX Runtime and onnx are looked for where there are such files
_BENCHMARK = (*_TRAIN, *_JUDGE, "jinja2", "scipy")
_NEEDS = {
    "demo": ("all", (*_EXPORT, *_BENCHMARK)),
    "train": ("train", _TRAIN),
    "export": ("export", _EXPORT),
    "benchmark": ("benchmarks", _BENCHMARK),
    "explain": ("benchmarks", _EXPLAIN),
    "check": ("check", _JUDGE),
    "pick": ("check", _JUDGE),
    "cache": ("train", ("pooch",)),
}

UNFORESEEN, INTERRUPTED = 70, 130


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
        except SystemExit:  # argparse's
            output.flush()
            if output.error is None:
                raise
            code = BAD_INPUT
        except BaseException as error:
            if "--debug" in typed:
                _print_traceback(error)
            problem, code = _describe(error, options.written)
            problem = _in_terms_of_options(problem, options)
        if output.error is not None and not problem:
            problem, code = f"cannot print: {output.error.strerror or output.error}", BAD_INPUT
            problem += f"; {options.written}" if options.written else ""
        if problem:
            print(f"edgeproof: error: {error_text(problem)}", file=sys.stderr)
    return code


def _describe(error: BaseException, written: str) -> tuple[str, int]:
    """Return what an error says to the user, and its exit code."""
    if isinstance(error, KeyboardInterrupt) or was_interrupted():
        known = str(error) if isinstance(error, KeyboardInterrupt) else ""
        return f"interrupted; {known or written or 'nothing of the unfinished step was written'}", INTERRUPTED
    match error:
        case EdgeproofError():
            return str(error), error.exit_code
        case OSError() if error.errno != ENOMEM:
            # The machine's, not a bug: a full disk, a permission, a device that went away.
            place = lasting_name(str(error.filename)) if error.filename else "cannot go on"
            return f"{place}: {error.strerror or error}", BAD_INPUT
        case _:
            short = shortage(error)
            if short is not None:
                return str(short), BAD_INPUT
            told = f"unforeseen {type(error).__name__}: {one_line(error)[:300]}"
            return f"{told}; this is a fault of edgeproof, and the same command with --debug shows where", UNFORESEEN


def _in_terms_of_options(problem: str, options: argparse.Namespace) -> str:
    """Replace an argument that a message for users of Python advises, such as trusted=True, by the verb's option."""
    return re.sub(
        r"\b([a-z_]+)=True\b",
        lambda found: f"--{found[1].replace('_', '-')}" if hasattr(options, found[1]) else found[0],
        problem,
    )


def _print_traceback(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error)


def _run(arguments: Sequence[str], options: argparse.Namespace) -> int:
    # Before any verb's module is imported, and NumPy with it. Whatever backend the user's other work has: these verbs
    # need TensorFlow.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # NumPy's linear algebra is hardly used here. Where memory is short, its threads end in SIGINT, or exit in silence.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    shows_logs = "--native-logs" in arguments
    if shows_logs:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0")  # of TensorFlow: from its information on
    with hidden_native_logs(unless=shows_logs, brief=_requested(arguments) == "predict"):
        _parser(arguments).parse_args(arguments, options)
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
    parser = OneLineParser(
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
