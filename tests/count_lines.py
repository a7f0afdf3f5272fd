"""Count the product's code, without tests and studies: non-blank lines per room, and how the code is cut.

python tests/count_lines.py [FOLDER]
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[1]


def main(root: Path = ROOT) -> None:
    package_dir = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    rooms = {room: sorted((root / room).rglob("*.py")) for room in package_dir.values()}
    for room, paths in rooms.items():
        print(f"{room:12} {len(paths):4} modules {sum(map(lines_of, paths)):7,} lines")
    paths = [path for paths in rooms.values() for path in paths]
    print(f"{'all':12} {len(paths):4} modules {sum(map(lines_of, paths)):7,} lines")
    functions = [function for path in paths for function in functions_of(path)]
    show("lines of a module", [lines_of(path) for path in paths if lines_of(path)])
    show("lines of a function", [function.end_lineno - function.lineno + 1 for function in functions])
    show("modules of a folder", [len(list(folder.glob("*.py"))) for folder in {path.parent for path in paths}])
    print(f"annotated functions   {sum(map(is_annotated, functions)) / len(functions):6.1%}")


def lines_of(path: Path) -> int:
    return sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def is_annotated(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    named = [argument for argument in arguments if argument.arg not in ("self", "cls")]
    return function.returns is not None and all(argument.annotation for argument in named)


def show(what: str, values: list[int]) -> None:
    p90 = quantiles(values, n=10)[-1]
    print(f"{what:21} median {median(values):4.0f}, 90th percentile {p90:4.0f}, most {max(values):4}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
