"""Files on the user's disk: there, and what they should be."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ...core.origin import called_at
from ...errors import DataError, MissingDataError


def existing(path: str | os.PathLike[str], source: str) -> Path:
    """The path of a file that is there.

    Raises:
        MissingDataError: it is not; ``source`` says where to get it.
    """
    found = Path(path).expanduser()
    if not found.is_file():
        raise MissingDataError(f"{found} is not there{called_at()}\n  → {source}")
    return found


def verified(path: Path, checksum: str | None) -> bytes:
    """The contents of a file.

    Args:
        path: the file.
        checksum: "sha256:..." or "md5:...", in hexadecimal; None for no comparison.

    Raises:
        DataError: the contents have another checksum.
    """
    content = path.read_bytes()
    if checksum is not None:
        kind, _, wanted = checksum.partition(":")
        if kind not in ("sha256", "md5") or not wanted:
            raise DataError(f'a checksum is "sha256:..." or "md5:...", not {checksum!r}{called_at()}')
        digest = hashlib.new(kind, content, usedforsecurity=False).hexdigest()
        if digest != wanted.lower():
            raise DataError(
                f"{path} has the {kind} {digest}, not {wanted}{called_at()}\n"
                "  → it is damaged or another file: get it again"
            )
    return content
