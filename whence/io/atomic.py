"""Files that are there whole or not at all."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

Content = bytes | bytearray | memoryview | Iterable[Any] | Callable[[BinaryIO], object]

_NUMBERS = itertools.count()


def write(path: str | os.PathLike[str], content: Content) -> None:
    """Write a file so that at every moment, also after a crash, its old or its new contents are there.

    The contents go to a file of another name in the same folder, are forced to the disk, and take the place
    of the old ones in one step. What writers that were killed have left behind is removed on the way.

    Args:
        path: the file; its folder is made if it is not there. A symbolic link stays one.
        content: bytes, several pieces of bytes (anything with the buffer protocol), or a function that writes
            to the open file that it is given.

    Raises:
        OSError: the disk is full, or the folder cannot be written to. The old file is as it was.

    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> write(folder / "note.txt", b"all of it")
    >>> (folder / "note.txt").read_bytes(), len(list(folder.iterdir()))
    (b'all of it', 1)
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    part = target.with_name(f".{target.name}.{_host()}.{os.getpid()}.{next(_NUMBERS)}.part")
    try:
        # "x": nobody else's file; unlike tempfile's, it has the permissions that new files have
        with open(part, "xb") as file:
            _fill(file, content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(target, part)
        os.replace(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    _sync_folder(target.parent)


def _fill(file: BinaryIO, content: Content) -> None:
    if callable(content):
        content(file)
    elif isinstance(content, (bytes, bytearray, memoryview)):
        file.write(content)
    else:
        for piece in content:
            file.write(piece)


def _host() -> str:
    return re.sub(r"[^\w-]", "_", socket.gethostname())


def _sweep(target: Path) -> None:
    """Remove the unfinished files of writers of this file that live no more."""
    if os.name != "posix":  # where a process cannot be asked whether it lives without ending it
        return
    ours = re.compile(rf"\.{re.escape(target.name)}\.{_host()}\.(\d+)\.\d+\.part")
    for name in os.listdir(target.parent):
        found = ours.fullmatch(name)
        if found and not _lives(int(found[1])):
            with suppress(OSError):
                (target.parent / name).unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OverflowError, PermissionError):  # no process of ours
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Force the new name to the disk too, where folders can be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems do not offer it
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
