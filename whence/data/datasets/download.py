"""Files from the network, for those who ask for them."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from ...core.origin import called_at
from ...errors import DataError, MissingDataError
from ...io import atomic
from .files import compared, digest_for

_BLOCK, _PATIENCE = 1 << 18, 60  # bytes at a time; seconds without any
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def download(url: str, path: str | os.PathLike[str], checksum: str | None) -> Path:
    """Fetch a file over https; it gets its name when it is whole and has the checksum.

    Args:
        url: its address.
        path: where it goes; the folder is made if it is not there.
        checksum: "sha256:..." or "md5:..."; without one nothing is fetched.

    Raises:
        MissingDataError: it could not be fetched. DataError: what came is not what was asked for. In both
            cases there is no file at ``path`` that was not there before.
    """
    target = Path(path).expanduser()
    if checksum is None:
        raise DataError(
            f"{target.name} has no known checksum: it is not downloaded{called_at()}\n"
            f'  → checksums={{"{target.name}": "sha256:..."}}'
        )
    _safe(url)
    digest = digest_for(checksum)

    def fill(file: BinaryIO) -> None:
        _copy(url, file, digest)
        compared(url, digest, checksum, "it is damaged, or another file now; nothing was kept")

    try:
        atomic.write(target, fill)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise MissingDataError(
            f"{url} could not be fetched: {reason}{called_at()}\n"
            f"  → is this machine connected? Otherwise get it elsewhere, and put it into {target.parent}"
        ) from error
    return target


def _copy(url: str, file: BinaryIO, digest: Any) -> None:
    """The answer to a request, block by block, into a file and a digest."""
    request = urllib.request.Request(url, headers={"User-Agent": "whence"})
    with urllib.request.build_opener(_Redirects).open(request, timeout=_PATIENCE) as answer:
        length, got = answer.headers.get("Content-Length"), 0
        while block := answer.read(_BLOCK):
            file.write(block)
            digest.update(block)
            got += len(block)
    if length is not None and got != int(length):
        raise MissingDataError(
            f"{url} broke off after {got:,} of {int(length):,} bytes{called_at()}\n  → try again"
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Followed where they stay safe."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """The next request."""
        _safe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _safe(url: str) -> None:
    """Only https, except for a server on this machine."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _THIS_MACHINE):
        raise DataError(f"{url} is not https{called_at()}\n  → a mirror's address starts with https://")
