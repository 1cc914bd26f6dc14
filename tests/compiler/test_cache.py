"""The compile cache: whole or not at all, bounded, never in the way."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from whence.compiler import cache as caches
from whence.compiler.cache import Cache, key
from whence.errors import CacheWarning

KEY = key("add", text="define ...", target="avx2", LLVM="22")


def test_a_second_process_finds_what_the_first_has_kept(tmp_path: Path) -> None:
    Cache(tmp_path / "new").put(KEY, b"code")
    assert Cache(tmp_path / "new").get(KEY) == b"code"


@pytest.mark.parametrize("damage", [b"", b"x", b"whence 1\n", None, "cut", "flip"])
def test_a_damaged_file_is_a_miss_said_once_and_replaced(tmp_path: Path, damage: object) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, b"code" * 100)
    path = tmp_path / KEY.digest
    whole = path.read_bytes()
    flipped = whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:]
    path.write_bytes({"cut": whole[:-1], "flip": flipped, None: whole[1:]}.get(damage, damage))  # type: ignore[call-overload]
    with pytest.warns(CacheWarning, match="damaged"):
        assert cache.get(KEY) is None
    assert cache.get(KEY) is None
    cache.put(KEY, b"code")
    assert cache.get(KEY) == b"code"


def test_a_folder_that_cannot_be_written_to_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "cache")
    with pytest.warns(CacheWarning, match="cannot") as said:
        for _ in range(3):
            cache.put(KEY, b"code")
            assert cache.get(KEY) is None
    assert len(said) == 1


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=16 * 2000)
    keys = [key("kernel", number=str(n)) for n in range(40)]
    for age, one in enumerate(keys):
        cache.put(one, bytes(1900))
        used = time.time() - 4e5 + 1e3 * age
        os.utime(tmp_path / one.digest, (used, used))
        if age == 5:
            assert cache.get(keys[0]) is not None  # used: now it is the youngest
    assert sum(entry.size for entry in cache.entries()) <= 18 * 2100
    assert cache.get(keys[0]) is not None
    assert cache.get(keys[1]) is None
    assert cache.get(keys[-1]) is not None


def test_a_miss_says_why(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert "never" in cache.why(KEY)
    cache.put(KEY, b"code")
    assert "there" in cache.why(KEY)
    assert "another target ('avx2', now 'avx512')" in cache.why(
        key("add", text="define ...", target="avx512", LLVM="22")
    )


def test_many_processes_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from whence.compiler.cache import Cache, key\n"
        "cache = Cache(Path(sys.argv[1]), 30_000)\n"
        "for n in range(300):\n"
        "    one = key('kernel', number=str(n % 30)); content = str(n % 30).encode() * 1000\n"
        "    assert cache.get(one) in (None, content); cache.put(one, content)\n"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in running:
        assert (process.communicate(timeout=60)[1], process.returncode) == ("", 0)
    assert not list(tmp_path.glob("*.part"))


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WHENCE_CACHE", str(tmp_path / "here"))
    assert caches.usual_folder() == tmp_path / "here"
    monkeypatch.setenv("WHENCE_CACHE", "off")
    assert caches.usual_folder() is None
    assert Cache(None).get(KEY) is None
    Cache(None).put(KEY, b"code")


def test_the_command_shows_and_clears(tmp_path: Path) -> None:
    Cache(tmp_path).put(KEY, b"code")
    for arguments, said in ([], "1 entry"), (["--clear"], "1 entry removed"), ([], "0 entries"):
        done = subprocess.run(
            [sys.executable, "-m", "whence", "cache", *arguments],
            env={**os.environ, "WHENCE_CACHE": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert said in done.stdout
        assert str(tmp_path) in done.stdout
