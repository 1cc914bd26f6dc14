"""Files on the user's disk: there, and what they should be."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from ...core.origin import called_at
from ...errors import DataError, MissingDataError


class Published(NamedTuple):
    """Files as their authors publish them."""

    folder: str  # an address that ends with a slash
    checksums: Mapping[str, str]  # by file name


def existing(path: str | os.PathLike[str], source: str) -> Path:
    """The path of a file that is there.

    Raises:
        MissingDataError: it is not; ``source`` says where to get it.
    """
    found = Path(path).expanduser()
    if not found.is_file():
        raise MissingDataError(f"{found} is not there{called_at()}\n  → {source}")
    return found


def fetched(path: Path, published: Published, download: bool | str, checksum: str | None) -> Path:
    """The path of a file that was downloaded to it, from where it is published or from a mirror's folder."""
    folder = published.folder if download is True else f"{str(download).rstrip('/')}/"
    return import_module(".download", __package__).download(folder + path.name, path, checksum)


def expected(published: Published, download: bool | str, checksums: Mapping[str, str] | None) -> dict:
    """Checksums by file name: those the user gave, and with ``download`` the published ones."""
    return {**(published.checksums if download else {}), **(checksums or {})}


def verified(path: Path, checksum: str | None) -> bytes:
    """The contents of a file.

    Args:
        path: the file.
        checksum: "sha256:..." or "md5:...", in hexadecimal; None for no comparison.

    Raises:
        DataError: the contents have another checksum.
    """
    content = path.read_bytes()
    same(path, content, checksum)
    return content


def same(what: object, content: bytes, checksum: str | None) -> None:
    """Raise a DataError that names ``what`` if the contents have another checksum."""
    if checksum is not None:
        digest = digest_for(checksum)
        digest.update(content)
        compared(what, digest, checksum, "it is damaged or another file: get it again")


def digest_for(checksum: str) -> Any:
    """An empty digest of the kind that a checksum is of.

    Raises:
        DataError: it is no checksum.
    """
    kind, _, wanted = checksum.partition(":")
    if kind not in ("sha256", "md5") or not wanted:
        raise DataError(f'a checksum is "sha256:..." or "md5:...", not {checksum!r}{called_at()}')
    return hashlib.new(kind, usedforsecurity=False)


def compared(what: object, digest: Any, checksum: str, advice: str) -> None:
    """Raise a DataError if the digest is not the checksum."""
    kind, _, wanted = checksum.partition(":")
    if digest.hexdigest() != wanted.lower():
        raise DataError(
            f"{what} has the {kind} {digest.hexdigest()}, not {wanted}{called_at()}\n  → {advice}"
        )
