"""Check that a wheel holds the package files of the checkout and nothing else.

python tests/check_wheel.py dist/*.whl
"""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGED = {".py", ".typed", ".j2"}
MODELS = "runtime/models/"


def main(wheel: str) -> int:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    tracked = subprocess.check_output(["git", "ls-files", *config["package-dir"].values()], cwd=ROOT, text=True)
    expected = {
        f"edgeproof/{name.removeprefix('api/')}"
        for name in tracked.splitlines()
        if Path(name).suffix in PACKAGED or name.startswith(MODELS)
    }
    names = zipfile.ZipFile(wheel).namelist()
    found = {name for name in names if ".dist-info/" not in name}
    problems = [f"missing: {name}" for name in sorted(expected - found)]
    problems += [f"not expected: {name}" for name in sorted(found - expected)]
    if not any(name.endswith("licenses/LICENSE") for name in names):
        problems.append("missing: LICENSE")
    print("\n".join(problems) or f"{wheel}: {len(found)} files, as in the checkout")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
