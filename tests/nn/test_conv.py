"""Convolution, pooling, folding, interpolation: equal to PyTorch's, right at second order, clear errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import signal

import whence
import whence.nn.functional as F
from whence import Variable, nn
from whence.core.primitive import PRIMITIVES
from whence.errors import DtypeError, ShapeError
from whence.ops.window import Window
from whence.random import Stream

from . import cases
from .cases import Case, normal

X1, X2, X3 = normal(1, 2, 4, 7), normal(2, 2, 4, 6, 5), normal(3, 2, 2, 4, 3, 4)
B = normal(4, 6)
TIES = np.random.default_rng(5).integers(-1, 2, (2, 3, 7, 6)).astype(float)  # for values, not slopes
P2 = X2[:, :2]
COLUMNS = normal(6, 2, 2 * 4, 12)

CONVOLUTIONS = {
    "conv1d": Case(lambda F, x, w, b: F.conv1d(x, w, b), (X1, normal(7, 6, 4, 3), B)),
    "conv1d same": Case(lambda F, x, w: F.conv1d(x, w, padding="same", dilation=2), (X1, normal(7, 6, 4, 4))),
    "conv2d": Case(lambda F, x, w, b: F.conv2d(x, w, b, padding=1), (X2, normal(8, 6, 4, 3, 3), B)),
    "conv2d of one channel": Case(
        lambda F, x, w, b: F.conv2d(x, w, b, padding=1), (X2[:, :1], normal(8, 6, 1, 3, 2), B)
    ),
    "conv2d strided": Case(
        lambda F, x, w, b: F.conv2d(x, w, b, stride=(2, 3), padding=(2, 1)), (X2, normal(9, 6, 4, 3, 2), B)
    ),
    "conv2d dilated": Case(
        lambda F, x, w: F.conv2d(x, w, stride=2, padding=2, dilation=(2, 3)), (X2, normal(10, 6, 4, 3, 2))
    ),
    "conv2d grouped": Case(
        lambda F, x, w, b: F.conv2d(x, w, b, stride=2, padding=1, groups=2), (X2, normal(11, 6, 2, 3, 3), B)
    ),
    "conv2d depthwise": Case(
        lambda F, x, w, b: F.conv2d(x, w, b, padding=1, groups=4), (X2, normal(12, 8, 1, 3, 2), normal(13, 8))
    ),
    "conv2d 1 × 1": Case(lambda F, x, w: F.conv2d(x, w, stride=2), (X2, normal(14, 6, 4, 1, 1))),
    "conv2d of one image": Case(lambda F, x, w, b: F.conv2d(x, w, b), (X2[0], normal(8, 6, 4, 3, 3), B)),
    "conv3d": Case(
        lambda F, x, w, b: F.conv3d(x, w, b, stride=(1, 2, 1), padding=(0, 1, 1), groups=2),
        (X3, normal(15, 6, 1, 2, 3, 2), B),
    ),
    "conv_transpose1d": Case(
        lambda F, x, w, b: F.conv_transpose1d(x, w, b, stride=2), (X1, normal(16, 4, 6, 3), B)
    ),
    "conv_transpose2d": Case(
        lambda F, x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 1, 2), (X2, normal(17, 4, 3, 3, 3), B)
    ),
    "conv_transpose2d dilated": Case(
        lambda F, x, w: F.conv_transpose2d(x, w, None, (2, 3), 1, (1, 2), 1, 2), (X2, normal(18, 4, 2, 3, 2))
    ),
    "conv_transpose3d": Case(
        lambda F, x, w, b: F.conv_transpose3d(x, w, b, stride=2, padding=1),
        (X3, normal(19, 2, 6, 2, 3, 2), B),
    ),
}
POOLS = {
    "max_pool1d": Case(lambda F, x: F.max_pool1d(x, 3, 2, 1), (X1[:, :2],)),
    "max_pool2d": Case(lambda F, x: F.max_pool2d(x[:, :, :, :4], 2), (P2,)),
    "max_pool2d overlapping": Case(lambda F, x: F.max_pool2d(x, 3, 2, 1), (P2,)),
    "max_pool2d dilated": Case(lambda F, x: F.max_pool2d(x, 2, 1, 1, (2, 1), True), (P2,)),
    "max_pool2d ceil": Case(lambda F, x: F.max_pool2d(x, 2, ceil_mode=True), (P2,)),
    "max_pool2d of one image": Case(lambda F, x: F.max_pool2d(x, (3, 2)), (X2[0],)),
    "max_pool3d": Case(lambda F, x: F.max_pool3d(x, 2, (2, 1, 2), 1), (X3[:1],)),
    "avg_pool1d": Case(lambda F, x: F.avg_pool1d(x, 3, 2, 1, False, False), (X1[:, :2],)),
    "avg_pool2d": Case(lambda F, x: F.avg_pool2d(x, 2), (P2,)),
    "avg_pool2d ceil": Case(lambda F, x: F.avg_pool2d(x, 3, 2, 1, True), (P2,)),
    "avg_pool2d ceil, without padding": Case(lambda F, x: F.avg_pool2d(x, 3, 2, 1, True, False), (P2,)),
    "avg_pool2d divisor": Case(lambda F, x: F.avg_pool2d(x, 3, 1, divisor_override=5), (P2,)),
    "avg_pool3d": Case(lambda F, x: F.avg_pool3d(x, 2, 1), (X3[:1],)),
    "adaptive_avg_pool1d": Case(lambda F, x: F.adaptive_avg_pool1d(x, 3), (X1[:, :2],)),
    "adaptive_avg_pool2d": Case(lambda F, x: F.adaptive_avg_pool2d(x, (4, 3)), (P2,)),
    "adaptive_avg_pool2d even": Case(lambda F, x: F.adaptive_avg_pool2d(x, (3, None)), (P2,)),
    "adaptive_avg_pool2d global": Case(lambda F, x: F.adaptive_avg_pool2d(x, 1), (P2,)),
    "adaptive_avg_pool3d": Case(lambda F, x: F.adaptive_avg_pool3d(x, 2), (X3[:1],)),
    "adaptive_max_pool1d": Case(lambda F, x: F.adaptive_max_pool1d(x, 3), (X1[:, :2],)),
    "adaptive_max_pool2d": Case(lambda F, x: F.adaptive_max_pool2d(x, (4, 3)), (P2,)),
    "adaptive_max_pool2d even": Case(lambda F, x: F.adaptive_max_pool2d(x, (3, 5)), (P2,)),
    "adaptive_max_pool3d": Case(lambda F, x: F.adaptive_max_pool3d(x, (2, 3, 1)), (X3[:1],)),
    "unfold": Case(lambda F, x: F.unfold(x, (3, 2), 1, (1, 0), (2, 1)), (P2,)),
    "fold": Case(lambda F, x: F.fold(x, (5, 4), 2), (COLUMNS,)),
    "fold strided": Case(lambda F, x: F.fold(x, (4, 7), (2, 2), (1, 2), 1, (2, 2)), (COLUMNS,)),
    "nearest": Case(lambda F, x: F.interpolate(x, (9, 3)), (P2,)),
    "nearest twice": Case(lambda F, x: F.interpolate(x, scale_factor=2), (P2,)),
    "nearest-exact": Case(lambda F, x: F.interpolate(x, 5, mode="nearest-exact"), (X1[:, :2],)),
    "linear": Case(lambda F, x: F.interpolate(x, 10, mode="linear"), (X1[:, :2],)),
    "bilinear": Case(lambda F, x: F.interpolate(x, (9, 3), mode="bilinear"), (P2,)),
    "bilinear by corners": Case(
        lambda F, x: F.interpolate(x, (9, 3), mode="bilinear", align_corners=True), (P2,)
    ),
    "bilinear by a factor": Case(lambda F, x: F.interpolate(x, scale_factor=1.7, mode="bilinear"), (P2,)),
    "trilinear": Case(lambda F, x: F.interpolate(x, (3, 5, 4), mode="trilinear"), (X3[:1],)),
    "bicubic": Case(lambda F, x: F.interpolate(x, (9, 3), mode="bicubic"), (P2,)),
    "bicubic by corners": Case(
        lambda F, x: F.interpolate(x, (4, 8), mode="bicubic", align_corners=True), (P2,)
    ),
    "area": Case(lambda F, x: F.interpolate(x, (4, 3), mode="area"), (P2,)),
    "pixel_shuffle": Case(lambda F, x: F.pixel_shuffle(x, 2), (X2,)),
    "pixel_unshuffle": Case(lambda F, x: F.pixel_unshuffle(x[:, :, :, :4], 2), (P2,)),
}
CASES = CONVOLUTIONS | POOLS
every = pytest.mark.parametrize("name", CASES)


@every
def test_is_what_pytorch_recorded(name):
    cases.check_equal(CASES[name], cases.recorded("conv" if name in CONVOLUTIONS else "pool", name))


@every
def test_is_pytorchs(name):
    pytest.importorskip("torch")
    cases.check_equal(CASES[name], cases.of_torch(CASES[name]))


@every
def test_derivatives_to_second_order(name):
    cases.check_derivatives(CASES[name])


@every
def test_single_precision_and_plain_arrays(name):
    cases.check_single(CASES[name])
    cases.check_plain(CASES[name])


@every
def test_vmap_is_a_loop(name):
    case = CASES[name]
    for moving in itertools.product([True, False], repeat=len(case.arrays)):
        if any(moving):
            stacked = [
                np.stack([a, 2 * a, a[::-1]]) if m else a for a, m in zip(case.arrays, moving, strict=True)
            ]
            axes = tuple(0 if m else None for m in moving)
            found = whence.vmap(lambda *xs: case.f(F, *xs), axes)(*stacked)
            rows = [
                case.f(F, *(a[i] if m else a for a, m in zip(stacked, moving, strict=True))) for i in range(3)
            ]
            np.testing.assert_allclose(found, np.stack(rows), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [(9,), (6, 5), (4, 3, 5)])
def test_is_the_correlation_of_scipy(size):
    x, w = normal(1, *size), normal(2, *(2,) * len(size))
    convolve = getattr(F, f"conv{len(size)}d")
    expected = signal.correlate(x, w, "valid", method="direct")
    np.testing.assert_allclose(convolve(x[None, None], w[None, None])[0, 0], expected, atol=1e-12)
    transpose = getattr(F, f"conv_transpose{len(size)}d")
    expected = signal.convolve(x, w, "full", method="direct")
    np.testing.assert_allclose(transpose(x[None, None], w[None, None])[0, 0], expected, atol=1e-12)


def test_same_padding_has_the_odd_zero_at_the_end():
    x, w = normal(1, 1, 1, 6), normal(2, 1, 1, 4)
    expected = F.conv1d(np.pad(x, ((0, 0), (0, 0), (1, 2))), w)
    np.testing.assert_array_equal(F.conv1d(x, w, padding="same"), expected)


GEOMETRIES = [
    Window((n,), (k,), (s,), ((low, high),), (d,))
    for n, k, s, low, high, d in itertools.product(
        (1, 4, 7), (1, 2, 4), (1, 2, 3, 5), (0, 2), (0, 1), (1, 2, 3)
    )
    if n + low + high > d * (k - 1)
]


@pytest.mark.parametrize("groups", [1, 2])
def test_one_trilinear_form(groups):
    """<g, conv(x, w)> = <x, transposed(g, w)> = <w, kernel(x, g)>, by its definition."""
    convolution, transposed, kernel = (
        PRIMITIVES[name] for name in ("convolution", "transposed convolution", "the kernel of a convolution")
    )
    for window in GEOMETRIES:
        (n,), (k,), (s,), ((low, _),), (d,) = window
        (count,) = window.counts
        x, w, g = normal(1, 2, 4, n), normal(2, 6, 4 // groups, k), normal(3, 2, 6, count)
        total = 0.0
        for p, tap in itertools.product(range(count), range(k)):
            i = p * s + tap * d - low
            if 0 <= i < n:
                for part in range(groups):
                    c, o = (
                        slice(part * 4 // groups, (part + 1) * 4 // groups),
                        slice(part * 6 // groups, (part + 1) * 6 // groups),
                    )
                    total += np.einsum("nc,oc,no->", x[:, c, i], w[o, :, tap], g[:, o, p])
        found = [
            np.sum(g * convolution(x, w, window=window, groups=groups)),
            np.sum(x * transposed(g, w, window=window, groups=groups)),
            np.sum(w * kernel(x, g, window=window, groups=groups)),
        ]
        np.testing.assert_allclose(found, total, rtol=1e-10, atol=1e-10, err_msg=str(window))


@pytest.mark.parametrize("block", [1, 200, 3000])
def test_blocks_do_not_matter(block, monkeypatch):
    """Results are the same whatever part of the windows is copied at a time."""
    expected = {
        name: cases.of_whence(CASES[name]) for name in ("conv2d", "conv3d", "max_pool2d", "conv2d 1 × 1")
    }
    monkeypatch.setattr("whence.ops.window.BLOCK", block)
    monkeypatch.setattr("whence.ops.pool.BLOCK", block)
    for name, values in expected.items():
        for a, b in zip(cases.of_whence(CASES[name]), values, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("order", ["channels last", "fortran", "reversed", "strided"])
def test_layouts_in_memory(order):
    views = {
        "channels last": lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1),
        "fortran": np.asfortranarray,
        "reversed": lambda a: a[..., ::-1].copy()[..., ::-1],
        "strided": lambda a: np.repeat(np.repeat(a, 2, -1), 3, 1)[:, ::3, :, ::2],
    }
    x, w = views[order](X2), normal(8, 6, 4, 3, 3)
    for f in (
        lambda x: F.conv2d(x, w, padding=1, stride=2),
        lambda x: F.max_pool2d(x, 3, 2, 1),
        lambda x: F.max_pool2d(x, (3, 1)),
        lambda x: F.avg_pool2d(x, 2),
    ):
        v, plain = Variable(x), Variable(X2)
        y, expected = f(v), f(plain)
        y.backward(gradient=cases.weights(y))
        expected.backward(gradient=cases.weights(y))
        np.testing.assert_allclose(y.data, expected.data, atol=1e-12)
        np.testing.assert_allclose(v.grad.data, plain.grad.data, atol=1e-12)


def test_the_first_of_equal_elements_has_the_gradient():
    x = Variable(np.ones((1, 1, 4, 4)))
    F.max_pool2d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad.data[0, 0], np.tile([[1, 0], [0, 0]], (2, 2)))
    x = Variable(np.zeros((1, 1, 3)))
    F.max_pool1d(x, 2, 1).sum().backward()
    np.testing.assert_array_equal(x.grad.data[0, 0], [1, 1, 0])


@pytest.mark.parametrize("arguments", [(2,), (3, 2), (3, 1, 1), (2, 2, 0, 2)])
def test_ties_as_pytorch(arguments):
    pytest.importorskip("torch")
    case = Case(lambda F, x: F.max_pool2d(x, *arguments), (TIES,))
    cases.check_equal(case, cases.of_torch(case))


def test_an_infinite_gradient_stays_where_it_is():
    for arguments in ((2,), (2, 1)):
        x = Variable(np.arange(4.0).reshape(1, 1, 4))
        F.max_pool1d(x, *arguments).backward(gradient=np.full(F.max_pool1d(x, *arguments).shape, np.inf))
        assert set(x.grad.data.ravel()) == {0.0, np.inf}


def test_nan_goes_through():
    x = np.array([[[1.0, np.nan, 2.0, 3.0]]])
    np.testing.assert_array_equal(F.max_pool1d(x, 2), [[[np.nan, 3.0]]])


def test_complex_numbers():
    x, w = normal(1, 1, 2, 4) + 1j * normal(2, 1, 2, 4), normal(3, 3, 2, 2) + 1j * normal(4, 3, 2, 2)
    whence.testing.check_gradient(lambda x, w: F.conv1d(x, w, stride=2, padding=1), x, w)
    assert F.avg_pool1d(x, 2).dtype == complex


def test_empty_batches():
    x, w = Variable(np.zeros((0, 3, 5, 5))), Variable(np.ones((2, 3, 3, 3)))
    b = Variable(np.ones(2))
    F.conv2d(x, w, b).sum().backward()
    assert x.grad.shape == x.shape and not np.any(w.grad.data) and not np.any(b.grad.data)
    assert F.conv_transpose2d(x, np.ones((3, 2, 2, 2))).shape == (0, 2, 6, 6)
    for f in (F.max_pool2d, F.avg_pool2d, F.unfold, F.adaptive_max_pool2d, F.adaptive_avg_pool2d):
        x = Variable(np.zeros((0, 3, 5, 5)))
        f(x, 2).sum().backward()
        assert x.grad.shape == (0, 3, 5, 5)


def test_images_of_integers():
    x = np.arange(18).reshape(1, 2, 3, 3)
    y = F.conv2d(x.astype(np.uint8), np.ones((1, 2, 2, 2), np.float32))
    assert y.dtype == np.float32 and y[0, 0, 0, 0] == np.sum(x[0, :, :2, :2])
    np.testing.assert_array_equal(F.max_pool2d(x, 3)[0, :, 0, 0], [8, 17])


def test_no_gradient_of_a_constant_input(monkeypatch):
    """The input's gradient costs as much as the convolution: it is not computed for an array."""
    calls = []
    transposed = PRIMITIVES["transposed convolution"]
    monkeypatch.setattr(transposed, "apply", lambda *xs, **params: calls.append(xs))
    w = Variable(normal(8, 6, 4, 3, 3))
    F.conv2d(X2, w).sum().backward()
    assert not calls and w.grad is not None


# --- errors --------------------------------------------------------------------------------------

IMAGES, KERNEL = np.ones((2, 4, 5, 5)), np.ones((6, 4, 3, 3))
WRONG = {
    "channels": (
        lambda: F.conv2d(IMAGES, KERNEL[:, :3]),
        "x has 4 channels, but weight.shape.1. × groups = 3",
    ),
    "axes of x": (lambda: F.conv2d(IMAGES[0, 0], KERNEL), r"\(N, C, H, W\), or \(C, H, W\)"),
    "axes of the kernel": (lambda: F.conv2d(IMAGES, KERNEL[0]), "it has 4 axes, 2 of them of the kernel"),
    "groups": (lambda: F.conv2d(IMAGES, KERNEL[:, :1], groups=4), "6 has to be a multiple of groups"),
    "no groups": (lambda: F.conv2d(IMAGES, KERNEL, groups=0), "a positive integer"),
    "kernel": (
        lambda: F.conv2d(IMAGES, np.ones((6, 4, 7, 3))),
        r"window of \(7, 3\) is larger than x of shape",
    ),
    "bias": (lambda: F.conv2d(IMAGES, KERNEL, np.ones(5)), r"has to be \(6,\)"),
    "stride": (lambda: F.conv2d(IMAGES, KERNEL, stride=0), "stride=0 for 2 axes"),
    "strides": (lambda: F.conv2d(IMAGES, KERNEL, stride=(1, 1, 1)), "one integer, or 2 of them, at least 1"),
    "padding": (lambda: F.conv2d(IMAGES, KERNEL, padding=-1), "padding=-1"),
    "padding by name": (lambda: F.conv2d(IMAGES, KERNEL, padding="full"), "'same' or 'valid'"),
    "same": (lambda: F.conv2d(IMAGES, KERNEL, padding="same", stride=2), "'same' needs stride 1"),
    "output_padding": (
        lambda: F.conv_transpose2d(IMAGES, KERNEL[:4], output_padding=1),
        "smaller than the stride or the dilation",
    ),
    "transposed channels": (
        lambda: F.conv_transpose2d(IMAGES, KERNEL),
        "x has 4 channels, but weight.shape.0. = 6",
    ),
    "nothing left": (lambda: F.conv_transpose2d(IMAGES, KERNEL[:4], padding=4), "leaves nothing"),
    "pool": (lambda: F.max_pool2d(IMAGES, 7), "max_pool2d: a window of .7, 7. is larger"),
    "pool padding": (lambda: F.avg_pool2d(IMAGES, 3, 1, 2), "at most half of the window"),
    "pool in the padding": (
        lambda: F.max_pool1d(np.ones((1, 1, 1)), 2, 3, 1, 2),
        "in the padding as a whole",
    ),
    "divisor": (lambda: F.avg_pool2d(IMAGES, 2, divisor_override=0), "None divides by"),
    "adaptive": (lambda: F.adaptive_avg_pool2d(IMAGES, (1, 2, 3)), "or 2 of them"),
    "adaptive of nothing": (lambda: F.adaptive_max_pool1d(np.ones((1, 2, 0)), 1), "nothing to pool"),
    "fold": (lambda: F.fold(np.ones((1, 8, 3)), 3, 2), r"\(N, a multiple of 4, 4\)"),
    "interpolate": (lambda: F.interpolate(IMAGES), "either size= or scale_factor="),
    "interpolate's mode": (lambda: F.interpolate(IMAGES, 3, mode="linear"), "'bilinear', 'bicubic'"),
    "interpolate's axes": (lambda: F.interpolate(np.ones((2, 3)), 3), r"\(N, C, L\)"),
    "interpolate's factors": (lambda: F.interpolate(IMAGES, scale_factor=(1.0,)), "or 2 of them"),
    "shuffle": (lambda: F.pixel_shuffle(IMAGES, 3), "a multiple of 9"),
    "unshuffle": (lambda: F.pixel_unshuffle(IMAGES, 2), "multiples of 2"),
    "layer's channels": (lambda: nn.Conv2d(3, 6, 3)(IMAGES), "has to have 3 channels, and has 4"),
    "layer's groups": (lambda: nn.Conv2d(3, 6, 3, groups=2), "has to divide both numbers"),
    "layer's padding": (lambda: nn.Conv2d(3, 6, 3, padding="full"), "'same' or 'valid'"),
    "layer's mode": (
        lambda: nn.Conv2d(3, 6, 3, padding_mode="mirror"),
        "zeros, reflect, replicate, circular",
    ),
    "flatten": (lambda: nn.Flatten(2, 1)(IMAGES), "Flatten.2, 1. got x of shape"),
    "unflatten": (lambda: nn.Unflatten(1, (3, -1))(IMAGES), "multiply to that of the axis"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_teach(name):
    call, text = WRONG[name]
    with pytest.raises(ShapeError, match=text) as error:
        call()
    assert "test_conv.py" in str(error.value)


def test_pooling_is_of_real_numbers():
    with pytest.raises(DtypeError, match="real numbers"):
        F.max_pool1d(np.ones((1, 1, 2), complex), 2)


# --- layers --------------------------------------------------------------------------------------

LAYERS = {
    "Conv1d": ((4, 6, 3), {"padding": 1}, X1),
    "Conv2d": ((4, 6, 3), {"stride": 2, "padding": "valid", "bias": False}, X2),
    "Conv2d reflect": ((4, 6, 3), {"padding": (2, 1), "padding_mode": "reflect"}, X2),
    "Conv2d replicate": ((4, 6, (3, 2)), {"padding": 2, "padding_mode": "replicate", "stride": 2}, X2),
    "Conv2d circular": ((4, 6, 4), {"padding": "same", "padding_mode": "circular"}, X2),
    "Conv3d": ((2, 6, 2), {"dilation": (1, 2, 1), "groups": 2}, X3),
    "ConvTranspose1d": ((4, 6, 3), {"stride": 2, "output_padding": 1}, X1),
    "ConvTranspose2d": ((4, 6, 3, 2, 1, 1, 2), {}, X2),
    "ConvTranspose3d": ((2, 6, 2), {"dilation": 2}, X3),
    "MaxPool1d": ((2,), {}, X1),
    "MaxPool2d": ((3, 2, 1), {"ceil_mode": True}, X2),
    "MaxPool3d": ((2,), {}, X3),
    "AvgPool1d": ((2,), {}, X1),
    "AvgPool2d": ((3, 2, 1), {"count_include_pad": False}, X2),
    "AvgPool3d": ((2,), {"divisor_override": 3}, X3),
    "AdaptiveAvgPool1d": ((3,), {}, X1),
    "AdaptiveAvgPool2d": ((1,), {}, X2),
    "AdaptiveAvgPool3d": ((2,), {}, X3),
    "AdaptiveMaxPool1d": ((3,), {}, X1),
    "AdaptiveMaxPool2d": (((2, None),), {}, X2),
    "AdaptiveMaxPool3d": ((2,), {}, X3),
    "Flatten": ((), {}, X2),
    "Flatten some": ((0, -2), {}, X2),
    "Unflatten": ((1, (2, 2)), {}, X2),
    "Unfold": ((2,), {"stride": 2}, X2),
    "Fold": (((5, 4), 2), {}, COLUMNS),
    "Upsample": ((), {"scale_factor": 2, "mode": "bilinear"}, X2),
    "PixelShuffle": ((2,), {}, X2),
    "PixelUnshuffle": ((3,), {}, X2[..., :3]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    arguments, options, x = LAYERS[name]
    kind = name.partition(" ")[0]
    mine = getattr(nn, kind)(*arguments, **options, **({"dtype": np.float64} if "Conv" in kind else {}))
    theirs = getattr(torch.nn, kind)(*arguments, **options).double()
    shapes = {key: tuple(value.shape) for key, value in theirs.state_dict().items()}
    assert {key: np.shape(value) for key, value in mine.state_dict().items()} == shapes
    mine.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    v, t = Variable(x), torch.tensor(x, requires_grad=True)
    y, expected = mine(v), theirs(t)
    y.backward(gradient=cases.weights(y))
    expected.backward(torch.tensor(cases.weights(y)))
    np.testing.assert_allclose(y.data, expected.detach().numpy(), atol=1e-10)
    np.testing.assert_allclose(v.grad.data, t.grad.numpy(), atol=1e-10)
    for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.data, q.grad.numpy(), atol=1e-10)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_plain_arrays(name):
    arguments, options, x = LAYERS[name]
    layer = getattr(nn, name.partition(" ")[0])(*arguments, **options)
    assert repr(layer).startswith(name.partition(" ")[0])
    y = layer(x.astype(np.float32))
    assert y.dtype == np.float32 and np.shape(y) == np.shape(layer(Variable(x.astype(np.float32))))


def test_first_weights_are_uniform_like_pytorchs():
    layer = nn.Conv2d(4, 50, 3, groups=2, stream=Stream(1))
    bound = 1 / np.sqrt(2 * 9)
    for p in layer.parameters():
        assert p.dtype == np.float32 and np.max(np.abs(p.data)) <= bound
    assert np.std(layer.weight.data) == pytest.approx(bound / np.sqrt(3), rel=0.05)
    again = nn.Conv2d(4, 50, 3, groups=2, stream=Stream(1))
    np.testing.assert_array_equal(layer.weight.data, again.weight.data)
    transposed = nn.ConvTranspose2d(4, 50, 3, groups=2, stream=Stream(1))
    assert np.max(np.abs(transposed.weight.data)) <= 1 / np.sqrt(25 * 9) < bound


@pytest.mark.parametrize("kind", ["Conv2d", "ConvTranspose2d"])
def test_lazy_channels(kind):
    layer = getattr(nn, kind)(None, 6, 3, dtype=np.float64)
    assert layer.weight.is_lazy and "None, 6" in repr(layer)
    layer(X2)
    assert layer.in_channels == 4 and layer.weight.dtype == np.float64
    with pytest.raises(ShapeError, match="has to have 4 channels"):
        layer(X2[:, :3])
