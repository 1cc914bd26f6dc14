"""Readers, with files that the tests make; transforms."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whence.data import CharTokenizer, DataLoader, TensorDataset, datasets, read_text, transforms
from whence.errors import DataError, MissingDataError, ShapeError
from whence.random import Stream


def idx(array: np.ndarray) -> bytes:
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes()


IMAGES, LABELS = np.arange(2 * 4, dtype=np.uint8).reshape(2, 2, 2), np.array([3, 9], np.uint8)


@pytest.mark.parametrize("packed", [False, True])
def test_mnist(packed: bool, tmp_path: Path) -> None:
    for name, array in {"images-idx3-ubyte": IMAGES, "labels-idx1-ubyte": LABELS}.items():
        content = gzip.compress(idx(array)) if packed else idx(array)
        (tmp_path / f"t10k-{name}{'.gz' if packed else ''}").write_bytes(content)
    images, labels = datasets.mnist(tmp_path, train=False).arrays
    assert (images[:, 0] == IMAGES).all() and labels.tolist() == [3, 9]
    with pytest.raises(MissingDataError, match=r"train-images-idx3-ubyte.*\n.*distributed at"):
        datasets.mnist(tmp_path)


def test_damaged_idx(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content, text in [
        (idx(IMAGES)[:-1], "has 23 bytes; an array of shape"),
        (idx(IMAGES) + b"1", "has 25 bytes"),
        (b"", "no IDX file"),
        (gzip.compress(idx(IMAGES))[:-9], "is damaged"),
    ]:
        path.write_bytes(content)
        with pytest.raises(DataError, match=text):
            datasets.read_idx(path)


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_checksums(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(idx(LABELS))
    good = f"{kind}:{hashlib.new(kind, idx(LABELS)).hexdigest()}"
    assert datasets.read_idx(path, good).tolist() == [3, 9]
    with pytest.raises(DataError, match=f"has the {kind} .*, not 00"):
        datasets.read_idx(path, f"{kind}:00")
    with pytest.raises(DataError, match="a checksum is"):
        datasets.read_idx(path, "00")


def test_cifar(tmp_path: Path) -> None:
    image = np.arange(3072) % 256
    record = bytes([7]) + image.astype(np.uint8).tobytes()
    for k in range(1, 6):
        (tmp_path / f"data_batch_{k}.bin").write_bytes(record * 2)
    images, labels = datasets.cifar10(tmp_path).arrays
    assert images.shape == (10, 3, 32, 32) and labels.tolist() == [7] * 10
    assert (images[0].ravel() == image).all()
    (tmp_path / "train.bin").write_bytes(bytes([1]) + bytes([99]) + record[1:])
    assert datasets.cifar100(tmp_path).arrays[1].tolist() == [99]
    assert datasets.cifar100(tmp_path, coarse=True).arrays[1].tolist() == [1]
    with pytest.raises(MissingDataError, match=r"test_batch\.bin is not there.*\n.*binary version"):
        datasets.cifar10(tmp_path, train=False)
    (tmp_path / "test_batch.bin").write_bytes(record[:-1])
    with pytest.raises(DataError, match="not whole records"):
        datasets.cifar10(tmp_path, train=False)
    (tmp_path / "test_batch.bin").write_bytes(bytes([10]) + record[1:])
    with pytest.raises(DataError, match="label 10 of 10 classes"):
        datasets.cifar10(tmp_path, train=False)


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n1,2,3\n\n4,5,6.5\n")
    x, t = datasets.read_csv(path, target="b").arrays
    assert x.tolist() == [[1, 3], [4, 6.5]] and t.tolist() == [2, 5]
    path.write_text("1;2\n3;4\n")
    assert datasets.read_csv(path, header=False, delimiter=";").arrays[0].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a,b\n1,2\n3,\n", "line 3: the value of column 'b' is missing"),
        ("a,b\n1,x\n", "line 2: the value of column 'b' is 'x', no number"),
        ("a,b\n1,2,3\n", "line 2: 3 fields, the first line has 2"),
        ("a,b\n", "no lines of numbers"),
        ("a,c\n1,2\n", "no column 'b'"),
    ],
)
def test_wrong_tables(text: str, error: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=error):
        datasets.read_csv(tmp_path / "t.csv", target="b")


def test_text(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("grün", encoding="utf-8")
    text = read_text(tmp_path / "t")
    tokenizer = CharTokenizer(text)
    assert tokenizer.decode(tokenizer.encode(text)) == "grün"
    for wrong, message in [
        (lambda: tokenizer.encode("x"), "'x' is not in"),
        (lambda: tokenizer.decode([-1]), "token -1 of a vocabulary of 4"),
        (lambda: CharTokenizer(""), "needs a text"),
        (lambda: read_text(tmp_path / "t", "ascii"), "is not ascii text"),
        (lambda: read_text(tmp_path / "no"), "is not there"),
    ]:
        with pytest.raises(DataError, match=message):
            wrong()


def test_made() -> None:
    x, t = datasets.Spiral(seed=1).arrays
    assert x.dtype == np.float32 and np.bincount(t).tolist() == [100] * 3
    assert (datasets.Spiral(seed=1).arrays[0] == x).all() and (datasets.Spiral(seed=2).arrays[0] != x).any()
    x, t = datasets.SinCurve().arrays
    assert (x[1:] == t[:-1]).all()


BUNDLED = {"digits": 1797, "iris": 150, "wine": 178, "breast_cancer": 569, "diabetes": 442}


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled(name: str) -> None:
    pytest.importorskip("sklearn")
    x, t = getattr(datasets, name)().arrays
    assert len(x) == len(t) == BUNDLED[name] and x.dtype == np.float32


BATCHED = [
    transforms.ToArray(), transforms.AsType(np.float64), transforms.ToFloat(), transforms.Flatten(),
    transforms.Normalize([1, 2], [3, 4]), transforms.Normalize(2.0, 3.0), transforms.Pad(1, 7),
    transforms.CenterCrop((2, 3)), transforms.OneHot(256),
    transforms.Compose([transforms.ToFloat(), transforms.Flatten()]),
]  # fmt: skip


@pytest.mark.parametrize("transform", BATCHED, ids=lambda t: type(t).__name__)
def test_a_batch_at_once_is_item_by_item(transform: Any) -> None:
    xs = Stream(0).integers(0, 256, (5, 2, 4, 5)).astype(np.uint8)
    at_once, single = transform.many(xs), np.stack([transform(x) for x in xs])
    assert at_once.dtype == single.dtype and (at_once == single).all()
    loader = DataLoader(TensorDataset(xs), 5, transform=transform)
    assert loader._fetcher.at_once and (next(iter(loader))[0] == at_once).all()


def test_images() -> None:
    x = np.arange(12.0).reshape(1, 3, 4)
    assert transforms.CenterCrop((1, 2))(x).tolist() == [[[5.0, 6.0]]]
    assert (transforms.Resize((3, 4))(x) == x).all()
    assert transforms.Resize((6, 8), "nearest")(x)[0, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert transforms.Resize((1, 2))(np.array([[0.0, 1, 2, 3]])).tolist() == [[0.5, 2.5]]
    assert transforms.Resize(2)(x.astype(np.uint8)).dtype == np.uint8
    flipped = [transforms.RandomHorizontalFlip()(x, Stream(k))[0, 0, 0] == 3 for k in range(40)]
    assert 8 < sum(flipped) < 32
    crops = {tuple(transforms.RandomCrop(2)(x, Stream(k)).ravel()) for k in range(99)}
    assert len(crops) == 6
    both = transforms.Compose([transforms.RandomCrop(3, padding=1), transforms.ToFloat()])
    assert (both(x, Stream(1)) == both(x, Stream(1))).all()
    for wrong, error in [
        (lambda: transforms.CenterCrop(9)(x), ShapeError),
        (lambda: transforms.Normalize([1, 2, 3], 1)(np.ones((2, 4))), ShapeError),
        (lambda: transforms.Normalize(0, 0), DataError),
        (lambda: transforms.OneHot(2)(np.array(2)), DataError),
        (lambda: transforms.Resize(0), DataError),
        (lambda: both(x), DataError),
    ]:
        with pytest.raises(error):
            wrong()
