"""save and load: a whole training state in one file, exactly, without pickle.

The file is a safetensors file (8 bytes of header length, a JSON header, the arrays), so that its arrays can
be read by everything that reads that format; writing and reading it takes nothing but NumPy. The header's
metadata holds the containers and all that is no array (see ``encode``), and first of all the SHA-256 of the
whole file, taken with zeros in the digest's place.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ..core.origin import called_at
from ..errors import StateError
from . import atomic
from .encode import Encoder, Stored, decode

_FORMAT = "whence.state 1"
_START = b'{"__metadata__":{"sha256":"'
_BLANK = b"0" * 64


def save(path: str | os.PathLike[str], tree: Any) -> None:
    """Write nested containers of arrays and plain values to one file, all of it or on a failure nothing.

    Arrays of every numeric dtype, dates and strings, in either memory order; NumPy scalars; Python numbers
    of any size, to the last bit; strings, bytes, booleans, None; ``whence.random`` streams and states; lists,
    tuples, and dicts in their order with keys of any of these kinds. Two places that hold one array come
    back as two.

    Raises:
        DtypeError: something else in the tree; the message says where. Nothing was written then.
        StateError: a container that contains itself, or nested too deeply.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> import whence
        >>> path = os.path.join(tempfile.mkdtemp(), "run.state")
        >>> whence.save(path, {"step": 7, "w": np.ones(2, np.float32), "best": (0.5, None)})
        >>> whence.load(path)
        {'step': 7, 'w': array([1., 1.], dtype=float32), 'best': (0.5, None)}
    """
    encoder = Encoder()
    try:
        structure = json.dumps(encoder.encode(tree), separators=(",", ":"))
    except RecursionError:
        raise StateError(f"the tree is nested too deeply to be saved{called_at()}") from None
    header = _header(structure, encoder.arrays)
    pieces = [header, *(stored.data for stored in encoder.arrays.values())]
    digest = _digest(pieces)
    pieces[0] = header.replace(_START + _BLANK, _START + digest.encode(), 1)
    atomic.write(path, pieces)


def load(path: str | os.PathLike[str]) -> Any:
    """What :func:`save` wrote, exactly.

    Raises:
        StateError: the file was truncated, altered or not written by :func:`save`.
        FileNotFoundError: it is not there.
    """
    content = memoryview(Path(path).read_bytes())
    start = 8 + len(_START)
    if bytes(content[8:start]) != _START:
        raise _damaged(path, "it does not start as a file of whence.save does")
    digest = content[start : start + 64]
    if _digest([content[:start], _BLANK, content[start + 64 :]]).encode() != bytes(digest):
        raise _damaged(path, "its checksum is wrong: it was truncated or altered")
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(bytes(content[8:end]))
    metadata = header.pop("__metadata__")
    if metadata["format"] != _FORMAT:
        raise _damaged(path, f"its format is {metadata['format']!r}, this whence reads {_FORMAT!r}")
    arrays = {
        name: content[end + entry["data_offsets"][0] : end + entry["data_offsets"][1]]
        for name, entry in header.items()
    }
    return decode(json.loads(metadata["structure"]), arrays)


def _header(structure: str, arrays: dict[str, Stored]) -> bytes:
    """Length and JSON, with zeros for the digest, padded so that the arrays start at a multiple of 8."""
    entries: dict[str, Any] = {}
    entries["__metadata__"] = {"sha256": _BLANK.decode(), "format": _FORMAT, "structure": structure}
    offset = 0
    for name, stored in arrays.items():
        end = offset + len(stored.data)
        entries[name] = {"dtype": stored.kind, "shape": stored.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _digest(pieces: list[Any]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _damaged(path: str | os.PathLike[str], why: str) -> StateError:
    return StateError(
        f"{os.fspath(path)}: {why}{called_at()}\n"
        "  → nothing was loaded; use an earlier checkpoint (weights alone: whence.io.load_safetensors)"
    )
