"""DeZero's datasets: two that are made, and readers of files that you have got.

Files are looked for in ``dezero.utils.cache_dir`` (``~/.dezero``); see :func:`.utils.get_file`.
"""

from __future__ import annotations

import ast
import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import BoundsError, StateError
from .transforms import Compose, Flatten, Normalize, ToFloat
from .utils import get_file

Transform = Callable[[Any], Any] | None
_DIGITS = Compose([Flatten(), ToFloat(), Normalize(0.0, 255.0)])
_PICTURES = Compose([ToFloat(), Normalize(mean=0.5, std=0.5)])


class Dataset:
    """Pairs of an example and its label; subclasses set ``data`` and ``label`` in :meth:`prepare`.

    Args:
        train: the part to train with, or the one to test with?
        transform: done to each example.
        target_transform: done to each label.
    """

    def __init__(
        self, train: bool = True, transform: Transform = None, target_transform: Transform = None
    ) -> None:
        self.train = train
        self.transform = transform or _as_it_is
        self.target_transform = target_transform or _as_it_is
        self.data: Any = None
        self.label: Any = None
        self.prepare()

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not np.isscalar(index):
            raise BoundsError(f"a dataset is indexed by one number, not {index!r}{called_at()}")
        example = self.transform(self.data[index])
        return example, None if self.label is None else self.target_transform(self.label[index])

    def __len__(self) -> int:
        return len(self.data)

    def prepare(self) -> None:
        """Set ``data`` and ``label``."""


def _as_it_is(x: Any) -> Any:
    return x


# --- made ------------------------------------------------------------------------------------------


def get_spiral(train: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Three arms of a spiral, 100 points each: (300, 2) float32 and (300,) integers.

    Like DeZero's it seeds ``np.random``: what a script draws afterwards is determined.
    """
    np.random.seed(1984 if train else 2020)
    rate = np.tile(np.arange(100) / 100, 3)
    label = np.repeat(np.arange(3), 100)
    angle = label * 4.0 + 4.0 * rate + np.random.randn(300) * 0.2
    x = np.stack([rate * np.sin(angle), rate * np.cos(angle)], axis=1).astype(np.float32)
    order = np.random.permutation(300)
    return x[order], label[order]


class Spiral(Dataset):
    """:func:`get_spiral`."""

    def prepare(self) -> None:
        """Make it."""
        self.data, self.label = get_spiral(self.train)


class SinCurve(Dataset):
    """A noisy period of the sine in 999 steps, each with the next as its label; to test: the cosine."""

    def prepare(self) -> None:
        """Make it."""
        x = np.linspace(0, 2 * np.pi, 1000)
        noise = np.random.uniform(-0.05, 0.05, size=x.shape)
        y = np.sin(x) + noise if self.train else np.cos(x)
        self.data, self.label = y[:-1, None], y[1:, None]


# --- read ------------------------------------------------------------------------------------------


class MNIST(Dataset):
    """Handwritten digits: (1, 28, 28) bytes, by default flat floats in [0, 1]; labels 0 to 9.

    Raises:
        StateError: the four files ``train-images-idx3-ubyte.gz`` and so on are not there, or damaged.
    """

    URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"

    def __init__(
        self,
        train: bool = True,
        transform: Transform = _DIGITS,
        target_transform: Transform = None,
    ) -> None:
        super().__init__(train, transform, target_transform)

    def prepare(self) -> None:
        """Read the files."""
        part = "train" if self.train else "t10k"
        self.data = _idx(get_file(f"{self.URL}{part}-images-idx3-ubyte.gz"))[:, None]
        self.label = _idx(get_file(f"{self.URL}{part}-labels-idx1-ubyte.gz"))

    @staticmethod
    def labels() -> dict[int, str]:
        """What the labels mean."""
        return {i: str(i) for i in range(10)}


def _idx(path: str) -> np.ndarray:
    """The bytes of a gzipped IDX file, in the shape that its head says."""
    try:
        content = gzip.decompress(Path(path).read_bytes())
    except (OSError, EOFError) as error:
        raise StateError(f"{path} is damaged: {error}{called_at()}\n  → get it anew") from None
    axes = content[3] if content[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(content, ">u4", axes, offset=4) if axes and len(content) >= 4 + 4 * axes else ()
    body = content[4 + 4 * axes :]
    if not axes or len(body) != int(np.prod(shape)):
        raise StateError(f"{path} is no IDX file of bytes, or cut off{called_at()}\n  → get it anew")
    return np.frombuffer(body, np.uint8).reshape([int(n) for n in shape])


class CIFAR10(Dataset):
    """Pictures (3, 32, 32) in ten classes, from the archive of the binary version.

    Raises:
        StateError: the archive is not there, or damaged.
    """

    URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    FILES = (tuple(f"data_batch_{i}.bin" for i in range(1, 6)), ("test_batch.bin",))
    HEAD, COLUMN = 1, 0  # bytes before each picture, and which of them is the label

    def __init__(
        self,
        train: bool = True,
        transform: Transform = _PICTURES,
        target_transform: Transform = None,
    ) -> None:
        super().__init__(train, transform, target_transform)

    def prepare(self) -> None:
        """Read the archive."""
        rows = _records(get_file(self.URL), self.FILES[not self.train], self.HEAD + 3 * 32 * 32)
        self.data = rows[:, self.HEAD :].reshape(-1, 3, 32, 32)
        self.label = rows[:, self.COLUMN].astype(int)

    @staticmethod
    def labels() -> dict[int, str]:
        """What the labels mean."""
        names = "airplane automobile bird cat deer dog frog horse ship truck"
        return dict(enumerate(names.split()))


class CIFAR100(CIFAR10):
    """Pictures (3, 32, 32) in a hundred classes, or in twenty with ``label_type="coarse"``.

    Raises:
        StateError: the archive is not there, or damaged.
    """

    URL = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"
    FILES = (("train.bin",), ("test.bin",))
    HEAD = 2

    def __init__(
        self,
        train: bool = True,
        transform: Transform = _PICTURES,
        target_transform: Transform = None,
        label_type: str = "fine",
    ) -> None:
        if label_type not in ("fine", "coarse"):
            raise StateError(f"label_type is 'fine' or 'coarse', not {label_type!r}{called_at()}")
        self.label_type = label_type
        self.COLUMN = 1 if label_type == "fine" else 0
        super().__init__(train, transform, target_transform)

    @staticmethod
    def labels(label_type: str = "fine") -> dict[int, str]:
        """What the labels mean, from the archive."""
        path = get_file(CIFAR100.URL)
        (text,) = _members(path, (f"{label_type}_label_names.txt",))
        return dict(enumerate(text.decode().split()))


def _members(path: str, names: tuple[str, ...]) -> list[bytes]:
    """The contents of files in a tar archive, by the last part of their names."""
    try:
        with tarfile.open(path) as archive:
            found = {Path(member.name).name: member for member in archive if member.isfile()}
            files = [archive.extractfile(found[name]) for name in names]
            return [file.read() for file in files if file is not None]
    except KeyError as error:
        raise StateError(f"{path} has no {error}{called_at()}\n  → get it anew") from None
    except (tarfile.TarError, OSError, EOFError) as error:
        raise StateError(f"{path} is damaged: {error}{called_at()}\n  → get it anew") from None


def _records(path: str, names: tuple[str, ...], length: int) -> np.ndarray:
    """Rows of bytes of a fixed length."""
    content = b"".join(_members(path, names))
    if not content or len(content) % length:
        raise StateError(f"{path} is damaged: its records are not {length} bytes{called_at()}")
    return np.frombuffer(content, np.uint8).reshape(-1, length)


class ImageNet(Dataset):
    """Only what its thousand labels mean."""

    URL = (
        "https://gist.githubusercontent.com/yrevar/942d3a0ac09ec9e5eb3a/raw/"
        "238f720ff059c1f82f368259d1ca4ffa5dd8f9f5/imagenet1000_clsidx_to_labels.txt"
    )

    def __init__(self) -> None:
        raise StateError(f"the pictures of ImageNet are not read here; ImageNet.labels() is{called_at()}")

    @staticmethod
    def labels() -> dict[int, str]:
        """What the labels mean."""
        return ast.literal_eval(Path(get_file(ImageNet.URL)).read_text(encoding="utf-8"))


class Shakespeare(Dataset):
    """Text as numbers, one for each character, each with the next as its label.

    Raises:
        StateError: ``shakespear.txt`` is not there.
    """

    URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"

    def prepare(self) -> None:
        """Read the file; characters are numbered as they first appear."""
        text = Path(get_file(self.URL, "shakespear.txt")).read_text(encoding="utf-8")
        self.char_to_id = {character: i for i, character in enumerate(dict.fromkeys(text))}
        self.id_to_char = {i: character for character, i in self.char_to_id.items()}
        numbers = np.array([self.char_to_id[character] for character in text])
        self.data, self.label = numbers[:-1], numbers[1:]


Shakespear = Shakespeare  # as DeZero has it
