"""IDX files: the format of MNIST and its relatives."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...core.origin import called_at
from ...errors import DataError, MissingDataError
from ..dataset import TensorDataset
from .files import existing, verified

_DTYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_NAMES = {True: "train", False: "t10k"}
_SOURCE = (
    "the four files of MNIST (train- and t10k-, images-idx3-ubyte and labels-idx1-ubyte, .gz or "
    "unpacked) are "
    "distributed at yann.lecun.com/exdb/mnist and its mirrors; put them into this folder"
)


def read_idx(path: str | os.PathLike[str], checksum: str | None = None) -> np.ndarray:
    """The array in an IDX file, plain or compressed by gzip.

    The format: two zero bytes, the element type, the number of axes, their lengths (big-endian, 32 bits), the
    elements.

    Raises:
        MissingDataError: it is not there. DataError: it is truncated, no IDX file, or has another checksum.
    """
    found = existing(path, "an IDX file, such as those of MNIST")
    content = verified(found, checksum)
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(f"{found} is damaged: {error}{called_at()}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _DTYPES:
        raise DataError(f"{found} is no IDX file{called_at()}")
    dtype, ndim = np.dtype(_DTYPES[content[2]]), content[3]
    start = 4 + 4 * ndim
    shape = [int.from_bytes(content[4 + 4 * k : 8 + 4 * k], "big") for k in range(ndim)]
    wanted = start + math.prod(shape) * dtype.itemsize
    if len(content) != wanted:
        raise DataError(
            f"{found} has {len(content)} bytes; an array of shape {tuple(shape)} makes {wanted}{called_at()}"
        )
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def mnist(
    folder: str | os.PathLike[str], train: bool = True, checksums: Mapping[str, str] | None = None
) -> TensorDataset:
    """Images (uint8, (N, 1, 28, 28)) and labels (int64, (N,)) of MNIST or a data set of its form.

    Args:
        folder: where the files are, under their own names, plain or ``.gz``.
        train: the 60,000 for training, or the 10,000 for testing?
        checksums: "sha256:..." or "md5:..." by file name; files that are not named are not compared.

    Raises:
        MissingDataError: a file is not there. DataError: one is damaged, or images and labels do not match.
    """
    parts = []
    for what in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        name = f"{_NAMES[train]}-{what}"
        paths = [Path(folder).expanduser() / name, Path(folder).expanduser() / f"{name}.gz"]
        found = next((path for path in paths if path.is_file()), None)
        if found is None:
            raise MissingDataError(f"neither {paths[0]} nor {name}.gz is there{called_at()}\n  → {_SOURCE}")
        parts.append(read_idx(found, (checksums or {}).get(found.name)))
    images, labels = parts
    if images.ndim != 3 or labels.ndim != 1:
        raise DataError(f"{folder}: images {images.shape}, labels {labels.shape} do not match{called_at()}")
    return TensorDataset(images[:, None], labels.astype(np.int64))
