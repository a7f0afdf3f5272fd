"""Write docs/api: a page for each package with public names, from the docstrings, by griffe2md.

make docs, or python docs/make_api.py [FOLDER]
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from importlib import import_module
from pathlib import Path
from typing import cast

from griffe import GriffeLoader, Object, Parser
from griffe2md import ConfigDict, render_object_docs

ROOT = Path(__file__).parents[1]
PACKAGE_DIR = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
# The packages that a program imports from; the command line has --help.
PACKAGES = [package for package in PACKAGE_DIR if package != "edgeproof.cli"]
LAYOUT: ConfigDict = {
    "heading_level": 2,
    "line_length": 100,
    "show_root_full_path": False,
    "show_root_members_full_path": False,
    "show_object_full_path": False,
    "show_signature_annotations": True,
    "annotations_path": "source",
    "summary": False,
    "members_order": "source",
    "inherited_members": False,
    "show_if_no_docstring": False,
}


def pages() -> dict[str, str]:
    """The text of every page, by file name."""
    with tempfile.TemporaryDirectory() as folder:
        load = GriffeLoader(search_paths=[lay_out(Path(folder))], docstring_parser=Parser.google)
        load.load("edgeproof")
        load.resolve_aliases(implicit=True)
        return {f"{package}.md": page(package, load) for package in PACKAGES}


def lay_out(folder: Path) -> Path:
    """Link the rooms under the names that they are installed under, where griffe finds them."""
    (folder / "edgeproof").mkdir()
    (folder / "edgeproof" / "__init__.py").symlink_to(ROOT / "api" / "__init__.py")
    for package, room in PACKAGE_DIR.items():
        if package != "edgeproof":
            (folder / package.replace(".", "/")).symlink_to(ROOT / room)
    return folder


def page(package: str, load: GriffeLoader) -> str:
    """One page: the package's docstring, then each of its public names."""
    described = load.modules_collection[package]
    parts = [f"# {package}", str(described.docstring.value).strip()]
    for name in sorted(import_module(package).__all__, key=str.lower):
        parts.append(render_object_docs(cast(Object, described[name]), LAYOUT, format_md=True).strip())
    linked = "\n\n".join(parts) + "\n"
    unlinked = re.sub(r"\[([^][]+)\]\(#[^)]*\)", r"\1", linked)  # griffe2md links every type; most lead nowhere
    return re.sub(r"(?<=```python\n).{100,}(?=\n```)", wrapped, unlinked)


def wrapped(signature: re.Match[str]) -> str:
    """A long signature on several lines."""
    code = f"def {signature[0]}: ..."
    ruff = [sys.executable, "-m", "ruff", "format", "--line-length", "100", "-"]
    done = subprocess.run(ruff, input=code, capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix("def ").removesuffix(": ...")


def main(folder: Path = ROOT / "docs" / "api") -> None:
    folder.mkdir(exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
