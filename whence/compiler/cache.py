"""What has been compiled, kept on disk for the next process: bytes by key, whole or not at all.

Losing an entry costs time, never a result: a damaged file is a miss and is replaced, a folder that cannot be
used is done without, and processes that write the same entry write the same bytes.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import CacheWarning

#: The most that is kept, in bytes; beyond it, what has not been used for longest goes.
LIMIT = 512 << 20

#: Seconds before a use is noted again (as the file's time), and before an unfinished file is taken for lost.
_NOTED, _LOST = 3600, 3600

_MAGIC = b"whence 1\n"
_NUMBERS = itertools.count()


class Key(NamedTuple):
    """What an entry is asked for by: a name for people, and all that its content depends on."""

    label: str
    parts: tuple[tuple[str, str], ...]  # (what, digest or short text), sorted
    digest: str


def key(label: str, **parts: str | bytes) -> Key:
    """The key of something that depends on these parts, and on the version of whence.

    >>> key("add", text="x", target="avx2").digest == key("add", target="avx2", text="x").digest
    True
    """
    version = getattr(sys.modules[__name__.partition(".")[0]], "__version__", "")
    short = {name: _short(part) for name, part in parts.items()}
    named = tuple(sorted({"whence": version, **short}.items()))
    return Key(label, named, hashlib.sha256(repr((label, named)).encode()).hexdigest())


def _short(part: str | bytes) -> str:
    """A part itself where it is short enough to be read, else its digest."""
    if isinstance(part, str) and len(part) <= 80:
        return part
    return hashlib.sha256(part.encode() if isinstance(part, str) else part).hexdigest()


def usual_folder() -> Path | None:
    """WHENCE_CACHE, or the place that the system has for caches; None if WHENCE_CACHE is "off"."""
    chosen = os.environ.get("WHENCE_CACHE", "")
    if chosen.lower() == "off":
        return None
    if chosen:
        return Path(chosen).expanduser()
    try:
        home = Path.home()
    except RuntimeError:  # no home folder
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "whence"
    variable, otherwise = ("XDG_CACHE_HOME", home / ".cache")
    if sys.platform == "win32":
        variable, otherwise = ("LOCALAPPDATA", home / "AppData" / "Local")
    base = os.environ.get(variable, "")
    return (Path(base) if os.path.isabs(base) else otherwise) / "whence"


class Entry(NamedTuple):
    """A file of the cache."""

    path: Path
    size: int
    used: float  # when last, in seconds since 1970


class Cache:
    """Bytes by key in a folder, no more than ``limit`` of them; see :func:`usual_folder`.

    Nothing is looked at, and no folder made, before it is needed.

    >>> import tempfile
    >>> cache = Cache(Path(tempfile.mkdtemp()))
    >>> kernel = key("add", text="define ...", LLVM="22")
    >>> cache.get(kernel) is None, cache.why(kernel)
    (True, 'add: never compiled here')
    >>> cache.put(kernel, b"machine code")
    >>> cache.get(kernel)
    b'machine code'
    >>> cache.why(key("add", text="define ...", LLVM="23"))
    "add: compiled before for another LLVM ('22', now '23')"
    """

    def __init__(self, folder: Path | None, limit: int = LIMIT) -> None:
        self.folder = folder
        self.limit = limit
        self._written: int | None = None  # bytes since files were last counted; None: not yet
        self._warned = False

    def get(self, wanted: Key) -> bytes | None:
        """The content of an entry, None if there is none that is whole."""
        if self.folder is None:
            return None
        path = self.folder / wanted.digest
        try:
            whole = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(f"cannot read {path}: {error}")
            return None
        content = _content(whole)
        if content is None:
            self._warn(f"{path} is damaged and will be replaced")
            return None
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _NOTED:
                os.utime(path)
        return content

    def put(self, wanted: Key, content: bytes) -> None:
        """Keep an entry; where the folder cannot be written to, go on without and say so once."""
        if self.folder is None or len(content) > self.limit:
            return
        head = json.dumps({"label": wanted.label, "parts": dict(wanted.parts)}).encode() + b"\n"
        digest = hashlib.sha256(head + content).hexdigest().encode()
        part = self.folder / f".{wanted.digest}.{os.getpid()}.{next(_NUMBERS)}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(part, "xb") as file:
                file.writelines((_MAGIC, digest, b"\n", head, content))
            os.replace(part, self.folder / wanted.digest)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            self._warn(f"cannot keep what is compiled in {self.folder}: {error}")
            return
        self._make_room(len(content))

    def entries(self) -> list[Entry]:
        """What is there, oldest use first."""
        found = [Entry(path, *seen) for path, seen in self._files() if not path.name.startswith(".")]
        return sorted(found, key=lambda entry: entry.used)

    def clear(self) -> int:
        """Remove everything; returns how many entries there were."""
        count = 0
        for path, _ in self._files():
            with suppress(OSError):
                path.unlink()
                count += not path.name.startswith(".")
        return count

    def why(self, wanted: Key) -> str:
        """Why :meth:`get` finds nothing, in words: what an earlier entry of this label was made for."""
        if self.folder is None:
            return f"{wanted.label}: there is no cache (WHENCE_CACHE=off, or no home folder)"
        for entry in reversed(self.entries()):
            known = _head(entry.path)
            if known is None or known.get("label") != wanted.label:
                continue
            if entry.path.name == wanted.digest:
                return f"{wanted.label}: it is there"
            parts, now = known.get("parts", {}), dict(wanted.parts)
            changed = [
                f"{n} ({parts.get(n)!r}, now {now.get(n)!r})"
                for n in now | parts
                if parts.get(n) != now.get(n)
            ]
            return f"{wanted.label}: compiled before for another {', '.join(changed)}"
        return f"{wanted.label}: never compiled here"

    def _files(self) -> Iterator[tuple[Path, tuple[int, float]]]:
        """Our files, with size and time; those that vanish meanwhile are passed over."""
        if self.folder is None:
            return
        try:
            found = list(os.scandir(self.folder))
        except OSError:
            return
        for file in found:
            if len(file.name) == 64 or file.name.endswith(".part"):
                with suppress(OSError):
                    seen = file.stat()
                    yield Path(file.path), (seen.st_size, seen.st_mtime)

    def _make_room(self, more: int) -> None:
        """Remove what was used longest ago; counts at the first write and then every 1/16 of the limit."""
        if self._written is not None:
            self._written += more
            if self._written < self.limit // 16:
                return
        self._written = 0
        for path, (_, written) in self._files():
            if path.name.endswith(".part") and time.time() - written > _LOST:
                with suppress(OSError):
                    path.unlink()
        entries = self.entries()
        excess = sum(entry.size for entry in entries) - self.limit
        for entry in entries:
            if excess <= 0:
                break
            with suppress(OSError):
                entry.path.unlink()
            excess -= entry.size

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"compile cache: {text}\n  → WHENCE_CACHE names another folder", CacheWarning, stacklevel=3
            )


def _content(whole: bytes) -> bytes | None:
    """What an entry's file holds, None if it is not as it was written."""
    start = len(_MAGIC) + 65
    digest, rest = whole[len(_MAGIC) : start - 1], whole[start:]
    if not whole.startswith(_MAGIC) or hashlib.sha256(rest).hexdigest().encode() != digest:
        return None
    return rest[rest.index(b"\n") + 1 :]


def _head(path: Path) -> dict[str, dict[str, str]] | None:
    """Label and parts of an entry."""
    try:
        with open(path, "rb") as file:
            file.seek(len(_MAGIC) + 65)
            known = json.loads(file.readline())
    except (OSError, ValueError):
        return None
    return known if isinstance(known, dict) else None
