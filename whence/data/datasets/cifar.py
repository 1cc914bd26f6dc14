"""CIFAR-10 and CIFAR-100: the binary version, or the one of pickles; unpacked, or as the archive."""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...core.origin import called_at
from ...errors import DataError, MissingDataError
from ..dataset import TensorDataset
from .files import Published, expected, fetched, same, verified
from .pickled import unpickled

_PIXELS = 3 * 32 * 32
_HOME = "https://www.cs.toronto.edu/~kriz/"
_LARGEST = 1 << 28  # bytes of one file in an archive; the largest of CIFAR's has 154 MB


class _Version(NamedTuple):
    """How one version of a data set lies on the disk."""

    archive: str
    folder: str  # in the archive
    train: Sequence[str]
    test: Sequence[str]


class _Cifar(NamedTuple):
    """Both versions of a data set."""

    binary: _Version
    pickled: _Version
    published: Published
    heads: Sequence[str]  # the labels before each image, by the names that the pickles have for them


_BATCHES = [f"data_batch_{k}" for k in range(1, 6)]
_CIFAR10 = _Cifar(
    _Version(
        "cifar-10-binary.tar.gz", "cifar-10-batches-bin", [f"{b}.bin" for b in _BATCHES], ["test_batch.bin"]
    ),
    _Version("cifar-10-python.tar.gz", "cifar-10-batches-py", _BATCHES, ["test_batch"]),
    Published(
        _HOME,
        {
            "cifar-10-binary.tar.gz": "md5:c32a1d4ab5d03f1284b67883e8d87530",
            "cifar-10-python.tar.gz": "md5:c58f30108f718f92721af3b95e74349a",
        },
    ),
    ["labels"],
)
_CIFAR100 = _Cifar(
    _Version("cifar-100-binary.tar.gz", "cifar-100-binary", ["train.bin"], ["test.bin"]),
    _Version("cifar-100-python.tar.gz", "cifar-100-python", ["train"], ["test"]),
    Published(
        _HOME,
        {
            "cifar-100-binary.tar.gz": "md5:03b5dce01913d631647c71ecec9e9cb8",
            "cifar-100-python.tar.gz": "md5:eb9058c3a382ffc7106e4002c42a8d85",
        },
    ),
    ["coarse_labels", "fine_labels"],
)


def cifar10(
    folder: str | os.PathLike[str],
    train: bool = True,
    checksums: Mapping[str, str] | None = None,
    download: bool | str = False,
) -> TensorDataset:
    """Images (uint8, (N, 3, 32, 32)) and labels (int64, (N,)), ten classes.

    Args:
        folder: where ``cifar-10-binary.tar.gz`` or ``cifar-10-python.tar.gz`` is, or what was unpacked from
            it. Of the pickles in the latter only numbers are taken: one that would run code is refused.
        train: the 50,000 for training, or the 10,000 for testing?
        checksums: "sha256:..." or "md5:..." by file name, of archives or of files in them.
        download: True to fetch the binary archive (162 MB) if nothing is there, or the https address of a
            mirror's folder. Archives must have the published checksums then, or those in ``checksums``.

    Raises:
        MissingDataError: a file is not there, and was not to be fetched or could not be.
        DataError: one is damaged or another.
    """
    return _read(_CIFAR10, folder, train, "labels", checksums, download, 10)


def cifar100(
    folder: str | os.PathLike[str],
    train: bool = True,
    coarse: bool = False,
    checksums: Mapping[str, str] | None = None,
    download: bool | str = False,
) -> TensorDataset:
    """The same with 100 classes, or with ``coarse`` 20 groups of them."""
    label, classes = ("coarse_labels", 20) if coarse else ("fine_labels", 100)
    return _read(_CIFAR100, folder, train, label, checksums, download, classes)


def _read(
    cifar: _Cifar,
    folder: str | os.PathLike[str],
    train: bool,
    label: str,
    checksums: Mapping[str, str] | None,
    download: bool | str,
    classes: int,
) -> TensorDataset:
    wanted = expected(cifar.published, download, checksums)
    home = Path(folder).expanduser()
    versions = (cifar.binary, cifar.pickled)
    version = next((v for v in versions if _found(v, home, train) is not None), None)
    if version is None:
        version, archive = cifar.binary, home / cifar.binary.archive
        if not download:
            raise MissingDataError(
                f"{home / _names(version, train)[0]} is not there, nor an archive{called_at()}\n"
                f"  → download=True; or put {archive.name} (the binary version) or "
                f"{cifar.pickled.archive} there, which are distributed at {_HOME}cifar.html"
            )
        fetched(archive, cifar.published, download, wanted.get(archive.name))
    parts = []
    for path, content in _contents(version, home, train, wanted):
        take = _records if version is cifar.binary else _pickle
        parts.append(take(path, content, cifar.heads, label))
    images = np.concatenate([images for images, _ in parts])
    numbers = np.concatenate([labels for _, labels in parts]).astype(np.int64)
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < classes:
        wrong = numbers[(numbers < 0) | (numbers >= classes)][0]
        raise DataError(f"{folder}: label {wrong} of {classes} classes{called_at()}")
    return TensorDataset(images.reshape(-1, 3, 32, 32), numbers)


# --- where the files are -----------------------------------------------------------------------------


def _names(version: _Version, train: bool) -> Sequence[str]:
    return version.train if train else version.test


def _found(version: _Version, home: Path, train: bool) -> Path | None:
    """The folder of the unpacked files, or the archive."""
    for folder in (home, home / version.folder):
        if any((folder / name).is_file() for name in _names(version, train)):
            return folder
    archive = home / version.archive
    return archive if archive.is_file() else None


def _contents(
    version: _Version, home: Path, train: bool, wanted: Mapping[str, str]
) -> list[tuple[Path, bytes]]:
    """Path and contents of each file, compared with the checksums."""
    place, names = _found(version, home, train), _names(version, train)
    assert place is not None
    if place.is_dir():
        missing = next((place / name for name in names if not (place / name).is_file()), None)
        if missing is not None:
            raise MissingDataError(f"{missing} is not there, others are{called_at()}\n  → unpack it again")
        return [(place / name, verified(place / name, wanted.get(name))) for name in names]
    same(place, place.read_bytes() if place.name in wanted else b"", wanted.get(place.name))
    members = _members(place, names)
    for name in names:
        same(place / name, members[name], wanted.get(name))
    return [(place / name, members[name]) for name in names]


def _members(archive: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The contents of files in an archive, by the last part of their names; nothing is unpacked."""
    found = {}
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                name = member.name.rpartition("/")[2]
                if name in names and member.isfile() and member.size <= _LARGEST:
                    file = opened.extractfile(member)
                    assert file is not None
                    found[name] = file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"{archive} is damaged: {error}{called_at()}\n  → get it again") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(f"{archive} holds no {missing[0]}{called_at()}\n  → get it again")
    return found


# --- what is in them ---------------------------------------------------------------------------------


def _records(path: Path, content: bytes, heads: Sequence[str], label: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of the binary version: to each image the labels, a byte each, then the pixels."""
    size = len(heads) + _PIXELS
    if not content or len(content) % size:
        raise DataError(f"{path}: {len(content)} bytes are not whole records of {size}{called_at()}")
    rows = np.frombuffer(content, np.uint8).reshape(-1, size)
    return rows[:, len(heads) :], rows[:, heads.index(label)]


def _pickle(path: Path, content: bytes, heads: Sequence[str], label: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of the version of pickles."""
    batch = unpickled(path, content)
    images, labels = batch.get("data"), batch.get(label)
    if (
        not isinstance(images, np.ndarray)
        or not isinstance(labels, list)
        or images.shape != (len(labels), _PIXELS)
        or not all(type(number) is int and abs(number) < 1 << 31 for number in labels)
    ):
        raise DataError(f"{path} does not hold images (N, {_PIXELS}) and as many {label}{called_at()}")
    return images, np.array(labels, np.int64)
