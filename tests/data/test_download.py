"""Files from a server on this machine, archives of CIFAR, and pickles that are refused."""

import gzip
import hashlib
import http.server
import io
import os
import pickle
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whence.data import datasets
from whence.data.datasets import cifar, idx
from whence.data.datasets.download import download
from whence.errors import DataError, MissingDataError

from .test_datasets import IMAGES, LABELS
from .test_datasets import idx as packed


def sha(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


MNIST = {
    f"{part}-{what}.gz": gzip.compress(packed(array), mtime=0)
    for part in ("train", "t10k")
    for what, array in {"images-idx3-ubyte": IMAGES, "labels-idx1-ubyte": LABELS}.items()
}
SUMS = {name: sha(content) for name, content in MNIST.items()}


class Handler(http.server.BaseHTTPRequestHandler):
    files: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        type(self).asked.append(name)
        if name == "moved":
            self.send_response(302)
            self.send_header("Location", "http://example.invalid/elsewhere")
            self.end_headers()
        elif name in self.files:
            content = self.files[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content) + (name == "short")))
            self.end_headers()
            self.wfile.write(content)
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Server:
    """A folder of files at an address."""

    def __init__(self, url: str, handler: type[Handler]) -> None:
        self.url, self.files, self.asked = url, handler.files, handler.asked


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in [*os.environ]:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    handler = type("Mine", (Handler,), {"files": dict(MNIST), "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield Server(f"http://127.0.0.1:{running.server_address[1]}/data", handler)
        running.shutdown()
        thread.join()


# --- MNIST -------------------------------------------------------------------------------------------


def test_what_is_missing_is_fetched_once(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    for _ in range(2):
        images, labels = datasets.mnist(folder, checksums=SUMS, download=server.url).arrays
        assert (images[:, 0] == IMAGES).all() and labels.tolist() == [3, 9]
    assert server.asked == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(server.asked)
    assert len(datasets.fashion_mnist(folder, False, SUMS, download=server.url)) == 2


@pytest.mark.parametrize(("read", "kind"), [(datasets.mnist, "sha256"), (datasets.fashion_mnist, "md5")])
def test_another_file_than_was_published(
    read: Callable[..., Any], kind: str, server: Server, tmp_path: Path
) -> None:
    text = rf"/train-images-idx3-ubyte\.gz has the {kind} .*, not [0-9a-f]{{32,64}} .*\n.*nothing was kept"
    with pytest.raises(DataError, match=text):
        read(tmp_path, download=server.url)
    assert not list(tmp_path.iterdir())


def test_files_on_disk_are_compared_too(server: Server, tmp_path: Path) -> None:
    for name, content in MNIST.items():
        (tmp_path / name).write_bytes(content)
    assert len(datasets.mnist(tmp_path)) == 2
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz has the sha256 \S+, not 440fcabf"):
        datasets.mnist(tmp_path, download=server.url)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz has the md5 \S+, not 00"):
        datasets.mnist(tmp_path, checksums={"train-images-idx3-ubyte.gz": "md5:00"})
    assert server.asked == []


def test_where_it_would_come_from(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"download=True; .*distributed at https://.*fashion-mnist"):
        datasets.fashion_mnist(tmp_path)
    for published in (idx._MNIST, idx._FASHION, cifar._CIFAR10.published, cifar._CIFAR100.published):
        assert published.folder.startswith("https://") and published.folder.endswith("/")
        for checksum in published.checksums.values():
            kind, _, digits = checksum.partition(":")
            assert len(digits) == {"md5": 32, "sha256": 64}[kind] and int(digits, 16)


# --- a server that is not there, or not as it should be ----------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_nothing_is_kept_of_what_goes_wrong(server: Server, tmp_path: Path) -> None:
    server.files.update(whole=b"abc", short=b"abc")
    good = sha(b"abc")
    for url, checksum, kind, text in [
        (
            f"{server.url}/no",
            good,
            MissingDataError,
            r"/no could not be fetched: .*Not Found.*\n.*connected\?",
        ),
        (f"http://127.0.0.1:{free_port()}/x", good, MissingDataError, "could not be fetched: .*refused"),
        (f"{server.url}/short", good, MissingDataError, "broke off after 3 of 4 bytes|IncompleteRead"),
        (f"{server.url}/moved", good, DataError, "example.invalid/elsewhere is not https"),
        (f"{server.url}/whole", sha(b"abd"), DataError, f"not {sha(b'abd')[7:]}"),
        (f"{server.url}/whole", "crc:00", DataError, "a checksum is"),
        (f"{server.url}/whole", None, DataError, r"no known checksum.*\n.*checksums="),
        ("http://example.invalid/x", good, DataError, "is not https"),
        ("file:///etc/hostname", good, DataError, "is not https"),
    ]:
        with pytest.raises(DataError, match=text) as caught:
            download(url, tmp_path / "x", checksum)
        assert type(caught.value) is kind
        assert not list(tmp_path.iterdir())
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(DataError):
        download(f"{server.url}/whole", tmp_path / "x", sha(b""))
    assert (tmp_path / "x").read_bytes() == b"old"
    download(f"{server.url}/whole", tmp_path / "x", good)
    assert (tmp_path / "x").read_bytes() == b"abc"
    assert server.asked.count("elsewhere") == 0


# --- CIFAR -------------------------------------------------------------------------------------------

PIXELS = (np.arange(2 * 3072) % 251).astype(np.uint8).reshape(2, 3072)


def tar(folder: str, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def records(*heads: list[int]) -> bytes:
    return b"".join(
        bytes(head) + row.tobytes() for head, row in zip(zip(*heads, strict=True), PIXELS, strict=True)
    )


def batch(**labels: list[int]) -> dict[bytes, Any]:
    return {b"data": PIXELS, **{name.encode(): value for name, value in labels.items()}, b"filenames": [b"a"]}


BINARY10 = {f"data_batch_{k}.bin": records([k, 9]) for k in range(1, 6)} | {"test_batch.bin": records([0, 7])}
PICKLED10 = {f"data_batch_{k}": batch(labels=[k, 9]) for k in range(1, 6)} | {
    "test_batch": batch(labels=[0, 7])
}
BINARY100 = {"train.bin": records([1, 19], [99, 5]), "test.bin": records([2, 3], [4, 5])}
PICKLED100 = {
    "train": batch(coarse_labels=[1, 19], fine_labels=[99, 5]),
    "test": batch(coarse_labels=[2, 3], fine_labels=[4, 5]),
}


FOLDERS = {
    ("10", True): "cifar-10-batches-bin",
    ("10", False): "cifar-10-batches-py",
    ("100", True): "cifar-100-binary",
    ("100", False): "cifar-100-python",
}


def dumped(batches: dict[str, Any], protocol: int) -> dict[str, bytes]:
    return {name: pickle.dumps(value, protocol) for name, value in batches.items()}


@pytest.mark.parametrize("how", ["files", "folder", "archive"])
@pytest.mark.parametrize("version", ["binary", "python 2", "python 3"])
def test_cifar_in_all_its_forms(how: str, version: str, tmp_path: Path) -> None:
    for data, binary, pickled in [("10", BINARY10, PICKLED10), ("100", BINARY100, PICKLED100)]:
        files = binary if version == "binary" else dumped(pickled, 2 if version == "python 2" else 4)
        folder = FOLDERS[data, version == "binary"]
        home = tmp_path / data
        home.mkdir()
        if how == "archive":
            kind = "binary" if version == "binary" else "python"
            (home / f"cifar-{data}-{kind}.tar.gz").write_bytes(tar(folder, files))
        else:
            place = home / folder if how == "folder" else home
            place.mkdir(exist_ok=True)
            for name, content in files.items():
                (place / name).write_bytes(content)
    images, labels = datasets.cifar10(tmp_path / "10").arrays
    assert labels.tolist() == [1, 9, 2, 9, 3, 9, 4, 9, 5, 9] and images.dtype == np.uint8
    assert (images.reshape(5, 2, 3072) == PIXELS).all() and labels.dtype == np.int64
    assert datasets.cifar10(tmp_path / "10", train=False).arrays[1].tolist() == [0, 7]
    assert datasets.cifar100(tmp_path / "100").arrays[1].tolist() == [99, 5]
    assert datasets.cifar100(tmp_path / "100", coarse=True).arrays[1].tolist() == [1, 19]
    assert datasets.cifar100(tmp_path / "100", train=False).arrays[1].tolist() == [4, 5]


def test_cifar_is_fetched(server: Server, tmp_path: Path) -> None:
    archive = tar("cifar-10-batches-bin", BINARY10)
    server.files["cifar-10-binary.tar.gz"] = archive
    sums = {"cifar-10-binary.tar.gz": sha(archive)}
    for train, items in [(True, 10), (False, 2)]:
        assert len(datasets.cifar10(tmp_path, train, sums, download=server.url)) == items
    assert server.asked == ["cifar-10-binary.tar.gz"]
    with pytest.raises(DataError, match=r"cifar-10-binary\.tar\.gz has the md5 \S+, not c32a1d4a"):
        datasets.cifar10(tmp_path, download=server.url)
    with pytest.raises(DataError, match=r"cifar-10-binary\.tar\.gz/data_batch_1\.bin has the md5"):
        datasets.cifar10(tmp_path, checksums={"data_batch_1.bin": "md5:00"})
    with pytest.raises(MissingDataError, match=r"cifar-100-binary\.tar\.gz could not be fetched"):
        datasets.cifar100(tmp_path / "other", download=server.url)


def test_damaged_archives(tmp_path: Path) -> None:
    path = tmp_path / "cifar-10-binary.tar.gz"
    whole = tar("x", BINARY10)
    cut = dict(BINARY10)
    del cut["data_batch_3.bin"]
    for content, text in [
        (whole[: len(whole) // 2], "is damaged"),
        (b"no archive", "is damaged"),
        (tar("x", cut), r"holds no data_batch_3\.bin"),
    ]:
        path.write_bytes(content)
        with pytest.raises(DataError, match=text):
            datasets.cifar10(tmp_path)


# --- pickles -----------------------------------------------------------------------------------------


class Call:
    """What a pickle calls when it is opened."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch harm",), r"(posix|nt)\.system"),
        (exec, ("open('harm', 'w')",), r"(builtins|__builtin__)\.exec"),
        (getattr, ("", "upper"), r"(builtins|__builtin__)\.getattr"),
        (np.load, ("harm.npy",), r"numpy\S*\.load"),
        (np.fromfile, ("harm",), r"numpy\S*\.fromfile"),
        (np.dtype, ("O",), "the dtype 'O'"),
        (np.ndarray, (3,), r"numpy\.ndarray\(\)|_Kind"),
    ],
)
def test_a_pickle_that_would_run_something(
    function: Any, arguments: Any, name: str, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "cifar-10-batches-py"
    place.mkdir()
    harmful = batch(labels=[1, 2]) | {b"data": Call(function, *arguments)}
    (place / "test_batch").write_bytes(pickle.dumps(harmful, protocol))
    with pytest.raises(DataError, match=f"test_batch asks for {name}|damaged: .*{name}"):
        datasets.cifar10(tmp_path, train=False)
    assert [path.name for path in tmp_path.iterdir()] == ["cifar-10-batches-py"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (pickle.dumps(batch(labels=[1]), 2), r"images \(N, 3072\) and as many labels"),
        (pickle.dumps(batch(labels=[1, 10]), 2), "label 10 of 10 classes"),
        (pickle.dumps(batch(labels=[1, -1]), 2), "label -1 of 10 classes"),
        (pickle.dumps(batch(labels=["1", "2"]), 2), "as many labels"),
        (pickle.dumps(batch(labels=[1, 1 << 99]), 2), "as many labels"),
        (pickle.dumps({b"labels": [1]}, 2), "does not hold images"),
        (pickle.dumps({b"data": PIXELS.astype(float), b"labels": [1, 2]}, 2), "asks for the dtype 'f8'"),
        (pickle.dumps([1, 2], 2), "holds no dict"),
        (pickle.dumps(batch(labels=[1, 2]), 2)[:-100], "or damaged"),
        (b"", "or damaged"),
        (b"cnumpy\nndarray\n}b.", "asks for a change|or damaged"),
        (b"cnumpy\ndtype\n(N}S'x'\nI1\nstb.", "or damaged"),
    ],
)
def test_damaged_pickles(content: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(DataError, match=text):
        datasets.cifar10(tmp_path, train=False)
