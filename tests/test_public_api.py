"""The public names: those that packages list, type checkers read, the documentation names and Python imports."""

import ast
import importlib.util
import pkgutil
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType

import edgeproof
import pytest

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "api"
PACKAGES = sorted(page.stem for page in PAGES.glob("*.md"))
# Those whose names need the extras of the workstation.
HEAVY = ("edgeproof.benchmarks", "edgeproof.export", "edgeproof.metrics", "edgeproof.report", "edgeproof.train")
ALL = [pytest.param(name, marks=pytest.mark.tensorflow if name in HEAVY else ()) for name in PACKAGES]


def names_of(package: str) -> list[str]:
    return import_module(package).__all__


def names_for_type_checkers(package: str) -> list[str]:
    """What an `__init__` imports under `if TYPE_CHECKING:`."""
    tree = ast.parse(Path(import_module(package).__file__ or "").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return [alias.asname or "" for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names]


def test_every_package_has_a_page() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    assert set(PACKAGES) == {*packages} - {"edgeproof.cli"}


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_read_the_names_that_are_listed(package: str) -> None:
    assert sorted(names_for_type_checkers(package)) == names_of(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_page_documents_the_names_that_are_listed(package: str) -> None:
    page = (PAGES / f"{package}.md").read_text(encoding="utf-8")
    headings = [line.strip("# `") for line in page.splitlines() if line.startswith("## ")]
    assert sorted(headings) == names_of(package)


@pytest.mark.parametrize("package", ALL)
def test_what_is_listed_can_be_imported(package: str) -> None:
    module = import_module(package)
    for name in names_of(package):
        assert getattr(module, name) is not None
    shown = {name for name in dir(module) if not name.startswith("__") and f"{package}.{name}" not in sys.modules}
    assert shown == set(names_of(package))


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_has_the_name_of_what_is_listed(package: str) -> None:
    modules = {module.name for module in pkgutil.iter_modules(import_module(package).__path__)}
    assert modules & set(names_of(package)) == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_name_that_is_not_listed_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = import_module(package).nothing


@pytest.mark.parametrize(
    ("package", "name", "advice"),
    [
        ("edgeproof.train", "train", "needs keras; pip install 'edgeproof[train]'"),
        ("edgeproof.export", "to_tflite", "needs keras; pip install 'edgeproof[export]'"),
        ("edgeproof.report", "read_report", "needs msgspec; pip install 'edgeproof[check]'"),
        ("edgeproof.runtime", "Classifier", "needs numpy; pip install numpy"),
    ],
)
def test_a_name_whose_packages_are_missing_says_what_to_install(package: str, name: str, advice: str) -> None:
    code = f"import sys\nsys.modules.update(keras=None, msgspec=None, numpy=None)\nfrom {package} import {name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == f"edgeproof.runtime.errors.EngineMissingError: {package}.{name} {advice}"


def test_what_the_documentation_imported_before_is_still_there() -> None:
    from edgeproof.runtime import Classifier

    assert Classifier is edgeproof.Classifier


def test_load_is_that_of_the_classifier(golden: Path) -> None:
    assert edgeproof.load == edgeproof.Classifier.load
    assert isinstance(edgeproof.load(golden), edgeproof.Classifier)


SNIPPETS = [
    (page.name, code)
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.mark.tensorflow
@pytest.mark.parametrize(("page", "code"), SNIPPETS)
def test_what_the_documentation_imports_is_public(page: str, code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("edgeproof"):
            assert {alias.name for alias in node.names} <= set(names_of(node.module)), page


@pytest.mark.tensorflow  # the workstation has the generator
def test_the_pages_are_what_the_docstrings_say() -> None:
    committed = {page.name: page.read_text(encoding="utf-8") for page in PAGES.glob("*.md")}
    assert committed == make_api().pages(), "make docs writes them anew"


def make_api() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_api", ROOT / "docs" / "make_api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
