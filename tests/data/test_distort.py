"""Random transforms of images: what they do is a function of image and stream, and known at its ends."""

import colorsys
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from whence.data import DataLoader, TensorDataset
from whence.data.transforms import (
    ColorJitter,
    RandomErasing,
    RandomResizedCrop,
    RandomRotation,
    Resize,
)
from whence.errors import DataError, ShapeError
from whence.random import Stream

ALL = [
    RandomRotation(30),
    RandomRotation(30, "nearest", 1),
    RandomResizedCrop(5),
    RandomErasing(1.0),
    RandomErasing(1.0, value="random"),
    ColorJitter(0.3, 0.3, 0.3, 0.2),
]
X = Stream(0).uniform((3, 9, 8), dtype=np.float32)


@pytest.mark.parametrize("transform", ALL, ids=lambda t: type(t).__name__)
def test_a_function_of_image_and_stream(transform: Any) -> None:
    before = X.copy()
    a, b = transform(X, Stream(1)), transform(X, Stream(1))
    assert (a == b).all() and (a.shape != X.shape or (a != X).any()) and (before == X).all()
    assert a.dtype == np.float32 and a.shape == (3, *((5, 5) if a.shape[1] == 5 else X.shape[1:]))
    assert any((transform(X, Stream(k)) != a).any() for k in range(2, 6))
    loaders = [DataLoader(TensorDataset(X[None].repeat(4, 0)), 2, transform=transform, seed=3) for _ in "ab"]
    for (p,), (q,) in zip(*loaders, strict=True):
        assert (p == q).all() and (p[0] != p[1]).any()
    if not (isinstance(transform, RandomErasing) and transform.value == "random"):
        assert transform((X * 255).astype(np.uint8), Stream(1)).dtype == np.uint8


# --- rotation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_right_angles(mode: str) -> None:
    x = np.arange(18.0).reshape(2, 3, 3)
    for turns in range(-4, 5):
        turned = RandomRotation((90 * turns, 90 * turns), mode)(x, Stream(0))
        assert (turned == np.rot90(x, turns, (1, 2))).all()


@pytest.mark.parametrize(("order", "mode"), [(0, "nearest"), (1, "bilinear")])
@pytest.mark.parametrize("shape", [(6, 7), (5, 5)])
def test_other_angles(order: int, mode: str, shape: tuple[int, int]) -> None:
    x = Stream(2).uniform(shape)
    for angle in (10.0, -37.5, 133.0):
        turned = RandomRotation((angle, angle), mode, fill=0.25)(x, Stream(0))
        same = ndimage.rotate(x, angle, reshape=False, order=order, mode="grid-constant", cval=0.25)
        assert np.allclose(turned, same, atol=1e-8)


# --- pieces ------------------------------------------------------------------------------------------


def test_pieces() -> None:
    whole = RandomResizedCrop((4, 6), scale=(1, 1), ratio=(8 / 9, 8 / 9))
    assert (whole(X, Stream(0)) == Resize((4, 6))(X)).all()
    middle = RandomResizedCrop((2, 2), scale=(1, 1), ratio=(1, 1), mode="nearest")
    # no square has all of 2 × 6
    assert (middle(np.arange(12.0).reshape(2, 6), Stream(0)) == [[2, 3], [8, 9]]).all()
    rows = np.broadcast_to(np.arange(100.0)[:, None], (100, 100))
    spans = [np.ptp(RandomResizedCrop(50, scale=(0.1, 0.5))(rows, Stream(k))) + 2 for k in range(200)]
    assert (
        100 * np.sqrt(0.1 * 3 / 4) - 4 < min(spans) < 40 and 65 < max(spans) < 100 * np.sqrt(0.5 * 4 / 3) + 4
    )


def test_holes() -> None:
    x = np.ones((3, 20, 30))
    assert all(RandomErasing(0.0)(x, Stream(k)) is x for k in range(9))
    hit = [(RandomErasing(0.5)(x, Stream(k)) != x).any() for k in range(100)]
    assert 30 < sum(hit) < 70
    for k in range(20):
        y = RandomErasing(1.0, (0.1, 0.2), value=[2, 3, 4])(x, Stream(k))
        hole = y[0] == 2
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        assert hole.sum() == len(rows) * len(columns) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert 0.08 < hole.mean() < 0.22 and ((y[1] == 3) == hole).all() and ((y[2] == 4) == hole).all()


# --- colours -----------------------------------------------------------------------------------------


def test_colours() -> None:
    grey = np.tensordot([0.299, 0.587, 0.114], X, 1)
    for transform, wanted in [
        (ColorJitter(), X),
        (ColorJitter(brightness=(0.5, 0.5)), X / 2),
        (ColorJitter(brightness=(9, 9)), np.minimum(9 * X, 1)),
        (ColorJitter(contrast=(0, 0)), np.full_like(X, grey.mean())),
        (ColorJitter(saturation=(0, 0)), np.broadcast_to(grey, X.shape)),
        (ColorJitter(hue=(1 / 3, 1 / 3)), X[[2, 0, 1]]),  # red becomes green
    ]:
        assert np.allclose(transform(X, Stream(0)), wanted, atol=1e-6)
    plain = np.arange(8, dtype=np.uint8).reshape(2, 4) * 20
    assert (ColorJitter(brightness=(2, 2))(plain, Stream(0)) == np.minimum(plain.astype(int) * 2, 255)).all()


def test_hues_are_those_of_the_standard_library() -> None:
    y = ColorJitter(hue=(0.13, 0.13))(X.astype(float), Stream(0))
    for before, after in zip(X.reshape(3, -1).T.astype(float), y.reshape(3, -1).T, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        assert np.allclose(after, colorsys.hsv_to_rgb((hue + 0.13) % 1, saturation, value))
    assert np.allclose(ColorJitter(hue=0.5)(np.full((3, 2, 2), 0.5), Stream(0)), 0.5)


@pytest.mark.parametrize(
    ("wrong", "kind", "text"),
    [
        (lambda: RandomRotation(-1), DataError, r"degrees are a positive number or \(low, high\)"),
        (lambda: RandomRotation(1, "cubic"), DataError, 'mode is "nearest" or "bilinear"'),
        (
            lambda: RandomResizedCrop(3, ratio=(0, 1)),
            DataError,
            "ratio is a range of numbers .* positive",
        ),
        (lambda: RandomErasing(scale=(0.3, 0.1)), DataError, "scale is a range"),
        (lambda: RandomErasing(value="noise"), DataError, "value is a number"),
        (
            lambda: RandomErasing(1.0, value="random")(np.ones((9, 9), int), Stream(0)),
            DataError,
            "for floats",
        ),
        (lambda: ColorJitter(hue=0.6), DataError, "hue is from 0 to 0.5"),
        (lambda: ColorJitter(brightness=(-1, 2)), DataError, "brightness is a range"),
        (lambda: ColorJitter(saturation=1)(np.ones((4, 4)), Stream(0)), ShapeError, "colour images"),
        (lambda: RandomRotation(1)(np.ones(3), Stream(0)), ShapeError, r"an image is \(\.\.\., H, W\)"),
    ],
)
def test_errors(wrong: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        wrong()
