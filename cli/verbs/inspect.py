"""`edgeproof inspect`."""

import argparse
import hashlib
from dataclasses import asdict
from pathlib import Path

from ..json_output import versioned_json

SCHEMA_VERSION = 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a .tflite or .onnx file, or a bundle")
    parser.add_argument("--json", action="store_true", help="print JSON, with every operator and the whole metadata")


def run(options: argparse.Namespace) -> int:
    """Print the contents; of a bundle also whether its files are those that its manifest names."""
    from ...runtime.io.files import is_folder

    return _bundle(options) if is_folder(options.file) else _model(options)


def _model(options: argparse.Namespace) -> int:
    from ...inspection.reader import read_graph
    from ...inspection.text import describe_graph
    from ...runtime.bundle.recipes import Format
    from ...runtime.errors import InvalidFileError, foreign_errors
    from ...runtime.io.files import check_file, near_path, read_file
    from ...runtime.io.shortage import memory_needed_to

    file: Path = options.file
    if not file.exists():
        raise InvalidFileError(f"no such file or folder: {file}{near_path(file)}")
    check_file(file, "model")
    suffix = file.suffix.removeprefix(".")
    if suffix not in tuple(Format):
        raise InvalidFileError(f"{file} is neither a bundle nor a model file; possible: a folder, .tflite, .onnx")
    content = read_file(file, "model")
    with foreign_errors(InvalidFileError, str(file), caught=(InvalidFileError,)), memory_needed_to(f"read {file}"):
        graph = read_graph(content, Format(suffix))
    sha256 = hashlib.sha256(content).hexdigest()
    if options.json:
        derived = {"macs": graph.macs, "operator_counts": graph.operator_counts}
        document = {"kind": "model", "file": str(file), "sha256": sha256, **asdict(graph), **derived}
        print(versioned_json(SCHEMA_VERSION, document), flush=True)
    else:
        print(describe_graph(graph, sha256=sha256))
    return 0


def _bundle(options: argparse.Namespace) -> int:
    from ...inspection.text import describe_bundle
    from ...runtime.bundle.integrity import FileState, check_files
    from ...runtime.bundle.reader import read_manifest
    from ...runtime.errors import CheckFailedError

    manifest = read_manifest(options.file)
    states = check_files(options.file, manifest)
    if options.json:
        bundle = {"kind": "bundle", "folder": str(options.file), "files": states, "manifest": manifest.document()}
        print(versioned_json(SCHEMA_VERSION, bundle), flush=True)
    else:
        print(describe_bundle(manifest, states), flush=True)
    wrong = [f"{name} ({state})" for name, state in states.items() if state is not FileState.UNCHANGED]
    if wrong:
        raise CheckFailedError(f"{len(wrong)} of {len(states)} files are not as the manifest says: {', '.join(wrong)}")
    return 0
