"""Calls of NumPy's functions, with their keywords: each function that has an op has some here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .entries import Spec

Call = Callable[..., Any]


class Example(NamedTuple):
    """``f``, the same text for arrays and Variables, and what its operands are drawn from.

    ``plain``: the original where ``f`` calls a mirror of it (``whence.scipy.linalg.expm``).
    """

    f: Call
    specs: tuple[Spec, ...]
    complex: bool = True
    constant: bool = False  # a step: its derivative is zero
    plain: Call | None = None


def of(*shapes: Any, complex: bool = True, constant: bool = False) -> Callable[..., list[Example]]:
    """Examples that share their operands: shapes, or (shape, low, high)."""
    specs = tuple(s if isinstance(s, Spec) else Spec(s) for s in shapes)
    return lambda *calls: [Example(f, specs, complex, constant) for f in calls]


POSITIVE = Spec((2, 3), 0.3, 2.0)
MASK = np.array([[True, False, True], [False, True, True]])
ROW = np.array([True, False, True])
matrix, vector, scalar, cube = of((2, 3)), of((4,)), of(()), of((2, 3, 4))
real_matrix = of((2, 3), complex=False)
pair = of((2, 3), (2, 3))

EXAMPLES: dict[Any, list[Example]] = {
    # --- reductions ---
    np.sum: [
        *matrix(
            lambda x: np.sum(x),
            lambda x: np.sum(x, 1),
            lambda x: np.sum(x, axis=-2, keepdims=True),
            lambda x: np.sum(x, axis=(0, -1)),
            lambda x: np.sum(x, axis=()),
            lambda x: np.sum(x, initial=2.5),
            lambda x: np.sum(x, axis=0, where=MASK),
            lambda x: np.sum(x, where=ROW, initial=1.0, keepdims=True),
            lambda x: np.sum(x, dtype=complex),
            lambda x: x.sum(1, keepdims=True),
        ),
        *scalar(lambda x: np.sum(x), lambda x: np.sum(x, axis=())),
        *of((0, 3))(lambda x: np.sum(x), lambda x: np.sum(x, axis=0), lambda x: np.sum(x, axis=1)),
    ],
    (np.add, "reduce"): matrix(
        lambda x: np.add.reduce(x),
        lambda x: np.add.reduce(x, axis=1, keepdims=True),
        lambda x: np.add.reduce(x, None),
    ),
    np.mean: [
        *matrix(
            lambda x: np.mean(x),
            lambda x: np.mean(x, axis=-1, keepdims=True),
            lambda x: np.mean(x, (1, 0)),
            lambda x: np.mean(x, axis=0, where=MASK),
            lambda x: np.mean(x, where=ROW, keepdims=True),
            lambda x: np.mean(x, dtype=complex),
            lambda x: x.mean(0),
        ),
        *scalar(lambda x: np.mean(x)),
    ],
    np.prod: [
        *of(Spec((3, 4), zeros=True))(
            lambda x: np.prod(x),
            lambda x: np.prod(x, axis=0),
            lambda x: np.prod(x, axis=-1, keepdims=True),
            lambda x: np.prod(x, axis=(0, 1), initial=3.0),
            lambda x: np.prod(x, axis=1, where=np.arange(4) % 2 == 0),
            lambda x: np.prod(x, dtype=complex),
            lambda x: x.prod(1),
        ),
        *of((0, 2))(lambda x: np.prod(x), lambda x: np.prod(x, axis=0)),
    ],
    (np.multiply, "reduce"): matrix(
        lambda x: np.multiply.reduce(x), lambda x: np.multiply.reduce(x, axis=-1, keepdims=True)
    ),
    np.cumsum: matrix(
        lambda x: np.cumsum(x),
        lambda x: np.cumsum(x, axis=0),
        lambda x: np.cumsum(x, -1, dtype=complex),
        lambda x: x.cumsum(1),
    ),
    (np.add, "accumulate"): matrix(lambda x: np.add.accumulate(x), lambda x: np.add.accumulate(x, axis=-1)),
    np.cumprod: of(Spec((3, 4), zeros=True))(
        lambda x: np.cumprod(x),
        lambda x: np.cumprod(x, axis=0),
        lambda x: np.cumprod(x, -1, dtype=complex),
        lambda x: x.cumprod(1),
    ),
    (np.multiply, "accumulate"): matrix(
        lambda x: np.multiply.accumulate(x), lambda x: np.multiply.accumulate(x, axis=-1)
    ),
    np.max: real_matrix(
        lambda x: np.max(x),
        lambda x: np.max(x, axis=0),
        lambda x: np.max(x, -1, keepdims=True),
        lambda x: np.max(x, axis=(0, 1)),
        lambda x: np.max(x, axis=0, initial=0.013),
        lambda x: np.max(x, axis=1, where=MASK, initial=-9.0),
        lambda x: x.max(1),
    ),
    np.min: real_matrix(
        lambda x: np.min(x),
        lambda x: np.min(x, axis=0),
        lambda x: np.min(x, -1, keepdims=True),
        lambda x: np.min(x, axis=(0, 1)),
        lambda x: np.min(x, axis=0, initial=0.013),
        lambda x: np.min(x, axis=1, where=MASK, initial=9.0),
        lambda x: x.min(1),
    ),
    np.ptp: real_matrix(
        lambda x: np.ptp(x), lambda x: np.ptp(x, axis=0), lambda x: np.ptp(x, 1, keepdims=True)
    ),
    (np.maximum, "reduce"): real_matrix(
        lambda x: np.maximum.reduce(x), lambda x: np.maximum.reduce(x, axis=1, keepdims=True)
    ),
    (np.minimum, "reduce"): real_matrix(
        lambda x: np.minimum.reduce(x), lambda x: np.minimum.reduce(x, axis=None)
    ),
    np.var: matrix(
        lambda x: np.var(x),
        lambda x: np.var(x, axis=0),
        lambda x: np.var(x, axis=-1, keepdims=True, ddof=1),
        lambda x: np.var(x, axis=(0, 1), correction=1),
        lambda x: np.var(x, axis=1, where=MASK),
        lambda x: x.var(1, ddof=1),
    ),
    np.std: matrix(
        lambda x: np.std(x),
        lambda x: np.std(x, axis=0),
        lambda x: np.std(x, axis=-1, keepdims=True, ddof=1),
        lambda x: np.std(x, axis=0, correction=1),
        lambda x: np.std(x, where=ROW),
        lambda x: x.std(1),
    ),
    np.linalg.norm: [
        *of(POSITIVE)(
            lambda x: np.linalg.norm(x),
            lambda x: np.linalg.norm(x, "fro"),
            lambda x: np.linalg.norm(x, axis=0),
            lambda x: np.linalg.norm(x, axis=-1, keepdims=True),
            lambda x: np.linalg.norm(x, 3, axis=1),
            lambda x: np.linalg.norm(x, 1, axis=1),
            lambda x: np.linalg.norm(x, -1, axis=1),
            lambda x: np.linalg.norm(x, np.inf, axis=1),
            lambda x: np.linalg.norm(x, -np.inf, axis=0),
            lambda x: np.linalg.norm(x, 1),
            lambda x: np.linalg.norm(x, -1),
            lambda x: np.linalg.norm(x, np.inf, keepdims=True),
            lambda x: np.linalg.norm(x, -np.inf),
            lambda x: np.linalg.norm(x, axis=(1, 0), keepdims=True),
            lambda x: np.linalg.norm(x, np.int64(2), axis=1),
        ),
        *of(Spec((2, 3, 4), 0.3, 2.0))(
            lambda x: np.linalg.norm(x, axis=(0, 2)),
            lambda x: np.linalg.norm(x, 1, axis=(2, 0)),
            lambda x: np.linalg.norm(x, np.inf, axis=(-1, 0)),
        ),
        *of(Spec((4,), 0.3, 2.0))(lambda x: np.linalg.norm(x, 2), lambda x: np.linalg.norm(x, 0.5)),
        *of(Spec((4,), 0.3, 2.0), constant=True)(lambda x: np.linalg.norm(x, 0)),
    ],
    (np.logaddexp, "reduce"): real_matrix(
        lambda x: np.logaddexp.reduce(x), lambda x: np.logaddexp.reduce(x, axis=1, keepdims=True)
    ),
    # --- shapes ---
    np.reshape: cube(
        lambda x: np.reshape(x, (6, 4)),
        lambda x: np.reshape(x, -1),
        lambda x: np.reshape(x, (4, -1), order="F"),
        lambda x: np.reshape(x, (4, 6), "A"),
        lambda x: np.reshape(x, shape=(24,), copy=True),
        lambda x: x.reshape(4, 3, 2),
        lambda x: x.reshape((4, -1), order="F"),
    ),
    np.ravel: matrix(
        lambda x: np.ravel(x),
        lambda x: np.ravel(x, order="F"),
        lambda x: np.ravel(x.T, order="A"),
        lambda x: np.ravel(x.T, order="K"),
        lambda x: np.ravel(np.transpose(np.reshape(x, (1, 2, 3)), (2, 0, 1)), order="K"),
        lambda x: np.ravel(np.concatenate([x, x]).reshape(2, 2, 3).transpose(1, 0, 2), order="K"),
        lambda x: x.ravel(),
        lambda x: x.flatten("F"),
    ),
    np.transpose: cube(
        lambda x: np.transpose(x),
        lambda x: np.transpose(x, (2, 0, 1)),
        lambda x: np.transpose(x, axes=[-1, 0, -2]),
        lambda x: x.T,
        lambda x: x.transpose(1, 0, 2),
    ),
    np.permute_dims: cube(lambda x: np.permute_dims(x, (2, 0, 1))),
    np.matrix_transpose: cube(lambda x: np.matrix_transpose(x), lambda x: x.mT),
    np.linalg.matrix_transpose: cube(lambda x: np.linalg.matrix_transpose(x)),
    np.swapaxes: cube(lambda x: np.swapaxes(x, 0, -1), lambda x: x.swapaxes(1, 2)),
    np.moveaxis: cube(
        lambda x: np.moveaxis(x, 0, -1),
        lambda x: np.moveaxis(x, (0, 2), (-1, 0)),
        lambda x: np.moveaxis(x, [2, 1], [0, 1]),
    ),
    np.rollaxis: cube(
        lambda x: np.rollaxis(x, 2),
        lambda x: np.rollaxis(x, 0, 3),
        lambda x: np.rollaxis(x, 1, -1),
        lambda x: np.rollaxis(x, -1, 1),
    ),
    np.expand_dims: matrix(
        lambda x: np.expand_dims(x, 0),
        lambda x: np.expand_dims(x, axis=-1),
        lambda x: np.expand_dims(x, (0, -1)),
        lambda x: np.expand_dims(x, [1, 3]),
    ),
    np.squeeze: of((1, 3, 1))(
        lambda x: np.squeeze(x),
        lambda x: np.squeeze(x, 0),
        lambda x: np.squeeze(x, axis=(-1, 0)),
        lambda x: x.squeeze(-1),
    ),
    np.atleast_1d: [
        *scalar(lambda x: np.atleast_1d(x)),
        *pair(lambda x, y: np.atleast_1d(x, y, 1.0)[:2]),
    ],
    np.atleast_2d: [*scalar(lambda x: np.atleast_2d(x)), *vector(lambda x: np.atleast_2d(x))],
    np.atleast_3d: [
        *scalar(lambda x: np.atleast_3d(x)),
        *vector(lambda x: np.atleast_3d(x)),
        *matrix(lambda x: np.atleast_3d(x)),
        *cube(lambda x: np.atleast_3d(x)),
    ],
    np.broadcast_to: of((3, 1))(
        lambda x: np.broadcast_to(x, (2, 3, 4)), lambda x: np.broadcast_to(x, shape=(3, 1))
    ),
    np.broadcast_arrays: of((3, 1), (2,))(lambda x, y: np.broadcast_arrays(x, y)),
    np.flip: cube(
        lambda x: np.flip(x),
        lambda x: np.flip(x, 1),
        lambda x: np.flip(x, axis=(0, -1)),
    ),
    np.flipud: matrix(lambda x: np.flipud(x)),
    np.fliplr: matrix(lambda x: np.fliplr(x)),
    np.roll: matrix(
        lambda x: np.roll(x, 2),
        lambda x: np.roll(x, -1, axis=1),
        lambda x: np.roll(x, (1, 2), axis=(0, 1)),
        lambda x: np.roll(x, (1, 1), axis=(0, 0)),
        lambda x: np.roll(x, 3, axis=(0, 1)),
        lambda x: np.roll(x, np.array([1, 2]), (0, 1)),
    ),
    np.rot90: cube(
        lambda x: np.rot90(x),
        lambda x: np.rot90(x, 2),
        lambda x: np.rot90(x, -1, axes=(1, 2)),
        lambda x: np.rot90(x, 4, (2, 0)),
    ),
    np.copy: matrix(lambda x: np.copy(x), lambda x: x.copy()),
    np.astype: matrix(lambda x: np.astype(x, complex), lambda x: x.astype(complex)),
    np.repeat: matrix(
        lambda x: np.repeat(x, 2),
        lambda x: np.repeat(x, 3, axis=0),
        lambda x: np.repeat(x, [2, 0, 1], axis=-1),
        lambda x: np.repeat(x, np.array([1, 3]), axis=0),
        lambda x: np.repeat(x, [0, 1, 2, 3, 0, 1]),
        lambda x: x.repeat(2, axis=1),
    ),
    np.tile: matrix(
        lambda x: np.tile(x, 2),
        lambda x: np.tile(x, (2, 3)),
        lambda x: np.tile(x, (2, 1, 2)),
        lambda x: np.tile(x, 0),
        lambda x: np.tile(x, (2, 0)),
    ),
    np.pad: [
        *matrix(
            lambda x: np.pad(x, 1),
            lambda x: np.pad(x, (1, 2)),
            lambda x: np.pad(x, ((0, 1), (2, 0))),
            lambda x: np.pad(x, {1: (1, 2)}),
            lambda x: np.pad(x, 1, constant_values=3.0),
            lambda x: np.pad(x, ((1, 1), (2, 0)), "constant", constant_values=((1, 2), (3, 4))),
            lambda x: np.pad(x, 2, mode="edge"),
            lambda x: np.pad(x, ((1, 0), (2, 2)), mode="reflect"),
            lambda x: np.pad(x, ((1, 0), (5, 4)), mode="reflect"),
            lambda x: np.pad(x, (1, 2), mode="symmetric"),
            lambda x: np.pad(x, ((3, 1), (4, 7)), mode="wrap"),
            lambda x: np.pad(x, ((0, 1), (1, 2)), mode="reflect", reflect_type="odd"),
            lambda x: np.pad(x, 2, mode="symmetric", reflect_type="odd"),
            lambda x: np.pad(x, 2, mode="linear_ramp"),
            lambda x: np.pad(x, (1, 2), mode="mean"),
            lambda x: np.pad(x, (1, 2), mode="mean", stat_length=2),
        ),
        *real_matrix(
            lambda x: np.pad(x, (2, 1), mode="maximum"), lambda x: np.pad(x, (2, 1), mode="minimum")
        ),
        *vector(lambda x: np.pad(x, 3)),
    ],
    np.where: [
        *pair(lambda x, y: np.where(MASK, x, y), lambda x, y: np.where(ROW, x, y)),
        *of((2, 1), (3,))(lambda x, y: np.where(MASK, x, y)),
        *of((), (2, 3))(lambda x, y: np.where(MASK, x, y)),
        *matrix(lambda x: np.where(MASK, x, 0), lambda x: np.where([True, False, True], 1.0, x)),
    ],
    np.clip: [
        *real_matrix(
            lambda x: np.clip(x, -1, 1),
            lambda x: np.clip(x, None, 0.51),
            lambda x: np.clip(x, 0.51, None),
            lambda x: np.clip(x, a_min=-0.5, a_max=np.array([0.1, 0.2, 0.3])),
            lambda x: np.clip(x, min=-1, max=0.5),
            lambda x: np.clip(x, 1, -1),
            lambda x: x.clip(-1, 1),
        ),
        *of((2, 3), (3,), (2, 1), complex=False)(lambda x, a, b: np.clip(x, a, b)),
    ],
    np.concatenate: [
        *of((2, 3), (1, 3))(
            lambda x, y: np.concatenate([x, y]),
            lambda x, y: np.concatenate((y, x, y), axis=-2),
            lambda x, y: np.concatenate([x, y], axis=None),
            lambda x, y: np.concatenate([x, np.ones((2, 3)), y]),
            lambda x, y: np.concatenate([x, y], dtype=complex),
        ),
        *matrix(lambda x: np.concatenate(x), lambda x: np.concatenate([x, x], 1)),
    ],
    np.stack: [
        *pair(
            lambda x, y: np.stack([x, y]),
            lambda x, y: np.stack((x, y), axis=1),
            lambda x, y: np.stack([x, y, x], axis=-1),
            lambda x, y: np.stack([x, y], -2),
        ),
        *scalar(lambda x: np.stack([x, x])),
        *matrix(lambda x: np.stack(x, axis=1)),
    ],
    np.vstack: [
        *of((3,), (2, 3))(lambda x, y: np.vstack([x, y])),
        *scalar(lambda x: np.vstack([x, x])),
    ],
    np.hstack: [
        *of((3,), (2,))(lambda x, y: np.hstack([x, y])),
        *of((2, 3), (2, 1))(lambda x, y: np.hstack([x, y])),
        *scalar(lambda x: np.hstack([x, x])),
    ],
    np.dstack: [
        *pair(lambda x, y: np.dstack([x, y])),
        *vector(lambda x: np.dstack([x, x])),
        *cube(lambda x: np.dstack([x, x])),
    ],
    np.column_stack: [
        *of((3,), (3, 2))(lambda x, y: np.column_stack([x, y])),
        *vector(lambda x: np.column_stack([x, x])),
    ],
    np.split: cube(
        lambda x: np.split(x, 2),
        lambda x: np.split(x, 2, axis=-1),
        lambda x: np.split(x, [1, 3], 2),
        lambda x: np.split(x, [1, -1, 9], 2),
    ),
    np.array_split: cube(
        lambda x: np.array_split(x, 3, axis=2),
        lambda x: np.array_split(x, 5, axis=1),
        lambda x: np.array_split(x, np.array([1]), 1),
    ),
    np.hsplit: [*cube(lambda x: np.hsplit(x, 3)), *vector(lambda x: np.hsplit(x, [1, 2]))],
    np.vsplit: cube(lambda x: np.vsplit(x, 2)),
    np.dsplit: cube(lambda x: np.dsplit(x, [1])),
    np.unstack: cube(lambda x: np.unstack(x), lambda x: np.unstack(x, axis=-1)),
    # --- indexing ---
    np.take: matrix(
        lambda x: np.take(x, [0, 3, 3, -1]),
        lambda x: np.take(x, 1, axis=0),
        lambda x: np.take(x, [[0, 1], [1, 0]], axis=-1),
        lambda x: np.take(x, [-4, 5], axis=1, mode="wrap"),
        lambda x: np.take(x, [-4, 5], axis=1, mode="clip"),
        lambda x: x.take([0, 0], axis=1),
    ),
    np.take_along_axis: matrix(
        lambda x: np.take_along_axis(x, np.array([[0, 0, 1]]), axis=0),
        lambda x: np.take_along_axis(x, np.array([[2, 0], [1, -1]]), axis=-1),
        lambda x: np.take_along_axis(x, np.array([5, 0, 0]), axis=None),
    ),
    np.sort: [
        *real_matrix(
            lambda x: np.sort(x),
            lambda x: np.sort(x, axis=0),
            lambda x: np.sort(x, axis=None),
            lambda x: np.sort(x, kind="stable"),
        ),
        *of((3, 0), complex=False)(lambda x: np.sort(x)),
    ],
    np.partition: of((3, 5), complex=False)(
        lambda x: np.sort(np.partition(x, 2)[:, :2]),
        lambda x: np.partition(x, (0, 1, 2, 3, 4), axis=1),
        lambda x: np.partition(x, (0, 1, 2), axis=0),
    ),
    np.diagonal: cube(
        lambda x: np.diagonal(x),
        lambda x: np.diagonal(x, 1),
        lambda x: np.diagonal(x, -2, 1, 2),
        lambda x: np.diagonal(x, axis1=2, axis2=0),
        lambda x: np.diagonal(x, 9),
        lambda x: x.diagonal(0, 1, 2),
    ),
    np.linalg.diagonal: cube(lambda x: np.linalg.diagonal(x), lambda x: np.linalg.diagonal(x, offset=1)),
    np.trace: cube(
        lambda x: np.trace(x),
        lambda x: np.trace(x, 1),
        lambda x: np.trace(x, -1, 1, 2),
        lambda x: np.trace(x, dtype=complex),
        lambda x: x.trace(),
    ),
    np.linalg.trace: cube(lambda x: np.linalg.trace(x), lambda x: np.linalg.trace(x, offset=-1)),
    np.diag: [
        *vector(lambda x: np.diag(x), lambda x: np.diag(x, 2), lambda x: np.diag(x, k=-1)),
        *matrix(lambda x: np.diag(x), lambda x: np.diag(x, 1), lambda x: np.diag(x, -1)),
    ],
    np.diagflat: matrix(lambda x: np.diagflat(x), lambda x: np.diagflat(x, -2)),
    np.tril: cube(lambda x: np.tril(x), lambda x: np.tril(x, 1), lambda x: np.tril(x, k=-1)),
    np.triu: cube(lambda x: np.triu(x), lambda x: np.triu(x, 1), lambda x: np.triu(x, k=-1)),
    np.diff: [
        *matrix(
            lambda x: np.diff(x),
            lambda x: np.diff(x, axis=0),
            lambda x: np.diff(x, 2),
            lambda x: np.diff(x, 0),
            lambda x: np.diff(x, prepend=1.0, append=2.0),
            lambda x: np.diff(x, axis=0, prepend=np.zeros((1, 3))),
        ),
        *pair(lambda x, y: np.diff(x, append=y)),
    ],
    np.bincount: of((4,), complex=False)(
        lambda w: np.bincount([0, 2, 2, 1], w), lambda w: np.bincount([0, 2, 2, 1], weights=w, minlength=6)
    ),
    # --- products ---
    np.matmul: of((2, 3), (3, 4))(lambda x, y: np.matmul(x, y), lambda x, y: x @ y),
    np.linalg.matmul: of((2, 3), (3, 4))(lambda x, y: np.linalg.matmul(x, y)),
    np.dot: [
        *of((2, 3), (3, 4))(lambda x, y: np.dot(x, y)),
        *of((3,), (3,))(lambda x, y: np.dot(x, y)),
        *of((), (2, 3))(lambda x, y: np.dot(x, y), lambda x, y: np.dot(y, x)),
        *of((2, 3, 4), (4,))(lambda x, y: np.dot(x, y)),
        *of((2, 3, 4), (2, 4, 3))(lambda x, y: np.dot(x, y)),
        *of((4,), (2, 4, 3))(lambda x, y: np.dot(x, y)),
        *of((2, 0), (0, 3))(lambda x, y: np.dot(x, y)),
    ],
    np.inner: [
        *of((2, 3), (4, 3))(lambda x, y: np.inner(x, y)),
        *of((3,), (3,))(lambda x, y: np.inner(x, y)),
        *of((), (2, 3))(lambda x, y: np.inner(x, y)),
        *of((2, 2, 3), (3,))(lambda x, y: np.inner(x, y)),
    ],
    np.vdot: pair(lambda x, y: np.vdot(x, y)),
    np.outer: of((2, 3), (4,))(lambda x, y: np.outer(x, y)),
    np.linalg.outer: of((3,), (4,))(lambda x, y: np.linalg.outer(x, y)),
    np.kron: [
        *of((2, 3), (3, 2))(lambda x, y: np.kron(x, y)),
        *of((3,), (2, 3))(lambda x, y: np.kron(x, y), lambda x, y: np.kron(y, x)),
        *of((2, 1, 2), (2,))(lambda x, y: np.kron(x, y)),
    ],
    np.tensordot: [
        *of((2, 3, 4), (3, 4, 2))(
            lambda x, y: np.tensordot(x, y),
            lambda x, y: np.tensordot(x, y, axes=([0, 1], [2, 0])),
            lambda x, y: np.tensordot(x, y, axes=(-1, 1)),
            lambda x, y: np.tensordot(x, y, axes=([1, 0], [0, -1])),
        ),
        *of((2,), (3,))(lambda x, y: np.tensordot(x, y, 0)),
        *of((2, 0), (0, 3))(lambda x, y: np.tensordot(x, y, 1)),
    ],
    np.linalg.tensordot: of((2, 3), (3, 2))(
        lambda x, y: np.linalg.tensordot(x, y, axes=1),
        lambda x, y: np.linalg.tensordot(x, y, axes=([0], [1])),
    ),
    np.vecdot: [
        *pair(lambda x, y: np.vecdot(x, y), lambda x, y: np.vecdot(x, y, axis=0)),
        *of((2, 3), (3,))(lambda x, y: np.vecdot(x, y)),
    ],
    np.linalg.vecdot: pair(lambda x, y: np.linalg.vecdot(x, y), lambda x, y: np.linalg.vecdot(x, y, axis=0)),
    np.matvec: [
        *of((2, 3), (3,))(lambda x, y: np.matvec(x, y)),
        *of((2, 3), (4, 3))(lambda x, y: np.matvec(x, y)),
    ],
    np.vecmat: [
        *of((3,), (3, 2))(lambda x, y: np.vecmat(x, y)),
        *of((4, 3), (3, 2))(lambda x, y: np.vecmat(x, y)),
    ],
    np.einsum: [
        *of((2, 3), (3, 4))(
            lambda x, y: np.einsum("ij,jk", x, y),
            lambda x, y: np.einsum("ij, jk -> ki", x, y),
            lambda x, y: np.einsum("...j,jk", x, y),
            lambda x, y: np.einsum("i...,...k->...", x, y, optimize=True),
            lambda x, y: np.einsum(x, [0, 1], y, [1, 2]),
            lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]),
            lambda x, y: np.einsum(x, [0, ...], y, [..., 2], [0, 2, ...]),
        ),
        *of((5, 2, 3), (3, 4))(
            lambda x, y: np.einsum("...ij,jk->...ik", x, y), lambda x, y: np.einsum("b...j,jk->k...b", x, y)
        ),
        *of((3, 3))(
            lambda x: np.einsum("ii", x),
            lambda x: np.einsum("ii->i", x),
            lambda x: np.einsum("ba", x),
            lambda x: np.einsum("ij,ij->", x, x),
            lambda x: np.einsum("ij,ij->", x, 2 * np.ones((3, 3))),
            lambda x: np.einsum(",ij->ij", 3.0, x),
        ),
        *of((2, 1, 3), (4, 3))(lambda x, y: np.einsum("a...,...->a...", x, y)),
        *of((2, 3), (3,), (3, 2), (2,))(
            lambda a, b, c, d: np.einsum("ij,j,jk,k->i", a, b, c, d, optimize="greedy")
        ),
    ],
    # --- parts and steps ---
    np.real: matrix(lambda x: np.real(x), lambda x: x.real),
    np.imag: matrix(lambda x: np.imag(x), lambda x: x.imag),
    np.angle: of(POSITIVE)(lambda x: np.angle(x), lambda x: np.angle(x, deg=True)),
    np.sinc: matrix(lambda x: np.sinc(x)),
    np.round: of(Spec((2, 3), 11.0, 19.0), constant=True)(
        lambda x: np.round(x * 0.01), lambda x: np.round(x, -2), lambda x: (x * 0.01).round()
    ),
    np.around: of(Spec((2, 3), 0.1, 0.4), constant=True)(lambda x: np.around(x)),
    np.divmod: of(Spec((2, 3), 3.1, 3.9), Spec((3,), 1.35, 1.5), complex=False)(
        lambda x, y: np.divmod(x, y), lambda x, y: divmod(x, y)
    ),
    np.modf: of(Spec((2, 3), 1.1, 1.9), complex=False)(lambda x: np.modf(x)),
    np.frexp: of(Spec((2, 3), 1.1, 1.9), complex=False)(lambda x: np.frexp(x)[0]),
    np.nan_to_num: [
        *matrix(lambda x: np.nan_to_num(x)),
        *real_matrix(
            lambda x: np.nan_to_num(np.where(MASK, x, np.nan), nan=3.0),
            lambda x: np.nan_to_num(np.where(MASK, x, np.inf), posinf=1.0, neginf=-1.0),
        ),
    ],
    np.full_like: of((), complex=False)(lambda x: np.full_like(x, 2.0) * x),
}
EXAMPLES[np.amax], EXAMPLES[np.amin] = (
    real_matrix(lambda x: np.amax(x, axis=0)),
    real_matrix(lambda x: np.amin(x, axis=0)),
)
