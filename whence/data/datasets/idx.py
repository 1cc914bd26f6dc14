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
from .files import Published, existing, expected, fetched, verified

_DTYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_NAMES = {True: "train", False: "t10k"}
_MNIST = Published(
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    {
        "train-images-idx3-ubyte.gz": "sha256:"
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "sha256:"
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "sha256:"
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "sha256:"
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
)
_FASHION = Published(
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    {
        "train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
    },
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
    folder: str | os.PathLike[str],
    train: bool = True,
    checksums: Mapping[str, str] | None = None,
    download: bool | str = False,
) -> TensorDataset:
    """Images (uint8, (N, 1, 28, 28)) and labels (int64, (N,)) of MNIST or a data set of its form.

    Args:
        folder: where the files are, under their own names, plain or ``.gz``.
        train: the 60,000 for training, or the 10,000 for testing?
        checksums: "sha256:..." or "md5:..." by file name; files that are not named are not compared.
        download: True to fetch what is missing (12 MB in all), or the https address of a mirror's folder.
            What is fetched, and ``.gz`` files that are there, must have MNIST's checksums then, or those in
            ``checksums``.

    Raises:
        MissingDataError: a file is not there, and was not to be fetched or could not be.
        DataError: one is damaged or another, or images and labels do not match.
    """
    return _pictures(folder, train, checksums, download, _MNIST)


def fashion_mnist(
    folder: str | os.PathLike[str],
    train: bool = True,
    checksums: Mapping[str, str] | None = None,
    download: bool | str = False,
) -> TensorDataset:
    """Clothes in place of MNIST's digits: files and arguments are those of :func:`mnist` (31 MB).

    Xiao, Rasul and Vollgraf (2017), arXiv:1708.07747.
    """
    return _pictures(folder, train, checksums, download, _FASHION)


def _pictures(
    folder: str | os.PathLike[str],
    train: bool,
    checksums: Mapping[str, str] | None,
    download: bool | str,
    published: Published,
) -> TensorDataset:
    parts, wanted = [], expected(published, download, checksums)
    for what in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        name = f"{_NAMES[train]}-{what}"
        paths = [Path(folder).expanduser() / name, Path(folder).expanduser() / f"{name}.gz"]
        found = next((path for path in paths if path.is_file()), None)
        if found is None and download:
            found = fetched(paths[1], published, download, wanted.get(paths[1].name))
        if found is None:
            raise MissingDataError(
                f"neither {paths[0]} nor {name}.gz is there{called_at()}\n"
                f"  → download=True; or put the files that are distributed at {published.folder} there"
            )
        parts.append(read_idx(found, wanted.get(found.name)))
    images, labels = parts
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise DataError(f"{folder}: images {images.shape}, labels {labels.shape} do not match{called_at()}")
    return TensorDataset(images[:, None], labels.astype(np.int64))
