"""Which room may import which, no circles, no room that has grown too large: CONTRIBUTING.md has the table."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "runtime": set(),
    "device": {"runtime"},
    "datasets": {"runtime"},
    "metrics": {"runtime"},
    "inspection": {"runtime", "device", "metrics"},
    "train": {"runtime", "device", "datasets"},
    "export": {"runtime", "datasets", "metrics", "inspection"},
    "report": {"runtime", "metrics"},
    "benchmarks": {"runtime", "device", "inspection", "datasets", "metrics", "export", "report"},
}
ALL = {"api", "cli", *MAY_IMPORT}
# Within the runtime, the same for its folders; what stands beside them may import all.
RUNTIME_MAY_IMPORT = {
    "io": set(),
    "bundle": {"io"},
    "engines": {"io", "bundle"},
    "images": {"io", "bundle", "digits"},
    "digits": set(),
}
LARGEST_ROOM = 20
PATHS = [path for room in sorted(ALL) for path in sorted((ROOT / room).rglob("*.py"))]


def module_name(path: Path) -> str:
    """The dotted name of a module; `api/` is `edgeproof` itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "api" else parts
    return ".".join(("edgeproof", *(part for part in parts if part != "__init__")))


MODULES = {module_name(path): path for path in PATHS}


def imports(name: str, source: str, *, is_package: bool) -> Iterator[str]:
    """The modules of ours that a module imports when it runs, wherever in it the import stands.

    What a package imports for type checkers are its public names, which it imports when they are asked for.
    """
    tree = ast.parse(source)
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if not is_package and isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    package = name.split(".") if is_package else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and id(node) not in for_types:
            origin = ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{origin}.{alias.name}" if f"{origin}.{alias.name}" in MODULES else origin


def absolute_imports(source: str) -> set[str]:
    """The top-level packages that a module imports absolutely, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


IMPORTS = {
    name: set(imports(name, path.read_text(encoding="utf-8"), is_package=path.stem == "__init__"))
    for name, path in MODULES.items()
}


def room_of(name: str) -> str:
    room = name.partition(".")[2].partition(".")[0]
    return room if room in ALL else "api"


@pytest.mark.parametrize("name", MODULES)
def test_rooms_import_only_what_they_may(name: str) -> None:
    room = room_of(name)
    assert {room_of(other) for other in IMPORTS[name]} - {room} <= MAY_IMPORT.get(room, ALL)


@pytest.mark.parametrize("name", [name for name in MODULES if name.count(".") > 2 and room_of(name) == "runtime"])
def test_folders_of_the_runtime_import_only_what_they_may(name: str) -> None:
    folder = name.split(".")[2]
    others = {other.split(".")[2] for other in IMPORTS[name] if other.startswith("edgeproof.runtime.")}
    assert others - {folder} <= RUNTIME_MAY_IMPORT[folder] | {"errors", "validation"}


@pytest.mark.parametrize("name", [name for name in MODULES if room_of(name) != "api"])
def test_imports_between_rooms_are_relative(name: str) -> None:
    assert "edgeproof" not in absolute_imports(MODULES[name].read_text(encoding="utf-8"))


def test_the_table_in_contributing_is_this_one() -> None:
    rows = re.findall(r"^\| `(\w+)/` \| .* \| (.*?) ?\|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    table = {room: set(re.findall(r"`(\w+)`", others)) for room, others in rows if room in MAY_IMPORT}
    assert table == MAY_IMPORT


def test_the_files_that_contributing_names_are_there() -> None:
    named = re.findall(r"`((?:\w+/)+(?:\w+\.\w+)?)`", (ROOT / "CONTRIBUTING.md").read_text())
    made = ("build/", "NAME")
    rooms = ("", *(f"{room}/" for room in ALL))  # a folder is named within its room
    missing = [name for name in named if not any((ROOT / room / name).exists() for room in rooms)]
    assert [name for name in missing if not any(part in name for part in made)] == []


def test_no_module_imports_itself_in_a_circle() -> None:
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_no_room_holds_more_modules_than_one_can_survey() -> None:
    folders = {path.parent for path in PATHS}
    sizes = {str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in folders}
    assert {folder: size for folder, size in sizes.items() if size > LARGEST_ROOM} == {}


def test_the_studies_import_the_installed_package() -> None:
    for path in (ROOT / "studies").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert absolute_imports(source) & ALL == set(), path


def test_the_benchmarks_reach_keras_in_one_module_only() -> None:
    reaching = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "benchmarks").rglob("*.py")
        if absolute_imports(path.read_text(encoding="utf-8")) & {"keras", "tensorflow"}
    }
    assert reaching == {"benchmarks/reference/calls.py"}


def test_scipy_is_imported_in_one_module_only() -> None:
    """By a name that it makes, and where there is room; see there."""
    assert [path for path in PATHS if "scipy" in absolute_imports(path.read_text("utf-8"))] == []


def test_child_processes_are_started_in_one_module_only() -> None:
    starting = re.compile(r"\b(Popen|subprocess\.(run|call|check_\w+)|os\.(system|fork|spawn\w+|posix_spawn)|popen)\(")
    paths = [*PATHS, *(ROOT / "studies").rglob("*.py")]
    found = {str(path.relative_to(ROOT)) for path in paths if starting.search(path.read_text(encoding="utf-8"))}
    # The second forks, and ends with the pipe that it reads.
    assert found == {"runtime/io/child.py", "cli/native_logs.py"}


def test_the_checks_can_fail() -> None:
    lazy = "def f():\n    from ..export.bundle import x"
    assert set(imports("edgeproof.train.fit", lazy, is_package=False)) == {"edgeproof.export.bundle"}
    assert set(imports("edgeproof.train", "from .. import export", is_package=True)) == {"edgeproof.export"}
    assert absolute_imports("import edgeproof.runtime\nfrom keras.layers import Dense") == {"edgeproof", "keras"}
