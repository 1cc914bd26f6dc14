"""A file that is being written is there as it was, or as it will be."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import pytest

import whence
from whence.io import atomic


def test_three_kinds_of_content(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "x"

    def fill(file: BinaryIO) -> None:
        file.write(b"three")

    for content, text in [(b"one", b"one"), ([b"t", bytearray(b"wo")], b"two"), (fill, b"three")]:
        atomic.write(path, content)
        assert path.read_bytes() == text
        assert os.listdir(path.parent) == ["x"]


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    atomic.write(path, b"old")

    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic.write(path, fail)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["x"]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    atomic.write(real, b"1")
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert real.stat().st_mode == plain.stat().st_mode
    real.chmod(0o640)
    link.symlink_to(real)
    atomic.write(link, b"2")
    assert link.is_symlink() and real.read_bytes() == b"2" and real.stat().st_mode & 0o777 == 0o640


WRITER = """
import sys, numpy as np, whence
path, i = sys.argv[1], 0
print("ready", flush=True)
while True:
    i += 1
    whence.save(path, {"i": i, "w": np.full(200_000, float(i))})
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_killed_at_random_moments(tmp_path: Path) -> None:
    path, chance, last = tmp_path / "x", random.Random(0), None
    for _ in range(10):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.05 + chance.random() * 0.1)
            process.send_signal(signal.SIGKILL)
        if path.exists():
            last = whence.load(path)  # raises where the file is half of anything
            assert (last["w"] == last["i"]).all()
    assert last is not None
    whence.save(path, "end")
    assert os.listdir(tmp_path) == ["x"]  # the dead writers' unfinished files are gone


def test_a_living_writer_s_file_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / f".x.{atomic._host()}.{os.getpid()}.999.part"
    mine.write_bytes(b"")
    atomic.write(tmp_path / "x", b"1")
    assert mine.exists()


def test_a_full_disk(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "x"
    atomic.write(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic.write(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["x"]
