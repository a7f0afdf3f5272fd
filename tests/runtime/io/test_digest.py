import hashlib
import subprocess
import sys

import pytest
from edgeproof.runtime.io import digest
from edgeproof.runtime.io.digest import sha256_of


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 100_000, 2**22 - 1, 2**22, 2**22 + 5])
def test_it_is_the_sha256(size: int) -> None:
    content = bytes(i * 7 % 256 for i in range(1000)) * (size // 1000 + 1)
    assert sha256_of(content[:size]) == hashlib.sha256(content[:size]).hexdigest()


def test_it_is_the_same_where_python_has_no_module_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "_BUILT_IN", ("_no_such_module",))
    assert sha256_of(b"x") == hashlib.sha256(b"x").hexdigest()


def test_small_files_do_not_load_openssl() -> None:
    """NumPy 1 does so itself."""
    code = (
        "import sys, numpy; before = set(sys.modules); import edgeproof.runtime.io.digest as digest; "
        "digest.sha256_of(b''); print('_hashlib' in set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
