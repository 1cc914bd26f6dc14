"""Products: matmul, dot, einsum, tensordot, outer, inner. Linear in each operand separately."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from ..core.batched import aligned
from ..core.primitive import Primitive
from ..core.table import OPS
from .contract import contract
from .declare import implements, misfit, no_out, normal_axes


def _swap(a: Any) -> Any:
    return np.swapaxes(a, -1, -2)


def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:  # (..., m, k) @ (k,) -> (..., m)
        return g * b if a.ndim == 1 else g[..., None] * b
    if a.ndim == 1:  # (k,) @ (..., k, n) -> (..., n)
        return _times_vectors(b, g)
    return np.matmul(g, _swap(b))


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return g * a if b.ndim == 1 else a[:, None] * g[..., None, :]
    if b.ndim == 1:
        return _times_vectors(_swap(a), g)
    return np.matmul(_swap(a), g)


def _times_vectors(a: Any, g: Any) -> Any:
    """``(..., m, k)`` with ``(..., k)``: a matrix and a vector for each leading index."""
    if a.ndim == 2:
        return np.matmul(a, g)
    return np.reshape(np.matmul(a, g[..., None]), a.shape[:-1])


FEW = 32  # columns up to which one product with all examples side by side beats one for each


def _matmul_all(op: Any, batched: Any, a: Any, b: Any) -> Any:
    """One product of large matrices wherever one of the operands is the same for all examples."""
    first, second = batched
    left, right = np.ndim(a) - first, np.ndim(b) - second
    if left == 1 and right == 1 and first and second:
        return op(a[:, None, :], b[:, :, None])[:, 0, 0]
    if not second and left <= 2 and right <= 2:
        return _with_rows(op, a, b) if left == 1 else _rows_times(op, a, b)
    if not first and left <= 2 and right <= 2:
        return _times_columns(op, a, b)
    if left == 1 or right == 1:
        a = a[..., None, :] if left == 1 else a
        b = b[..., None] if right == 1 else b
        y = op(*aligned(batched, (a, b), (2, 2)))
        y = y[..., 0, :] if left == 1 else y
        return y[..., 0] if right == 1 else y
    return op(*aligned(batched, (a, b), (2, 2)))


def _with_rows(op: Any, rows: Any, b: Any) -> Any:
    """``(B, k) @ (k, n)`` or ``@ (k,)``. Unit vectors, which derivatives start with, choose rows of ``b``."""
    if type(rows) is np.ndarray and len(rows) > 1 and np.count_nonzero(rows) == len(rows):
        chosen = np.argmax(rows, axis=1)
        if (rows[np.arange(len(rows)), chosen] == 1).all() and rows.dtype == b.dtype:
            together = (np.diff(chosen) == 1).all()
            return b[chosen[0] : chosen[-1] + 1] if together else b[chosen]
    return op(rows, b)


def _rows_times(op: Any, a: Any, b: Any) -> Any:
    """``(B, m, k) @ (k, n)`` or ``@ (k,)``: the rows of all examples under each other."""
    count, m, k = np.shape(a)
    return np.reshape(op(np.reshape(a, (count * m, k)), b), (count, m, *np.shape(b)[1:]))


def _times_columns(op: Any, a: Any, b: Any) -> Any:
    """``(m, k)`` or ``(k,)`` with ``(B, k)`` or ``(B, k, n)``: the columns of all examples side by side."""
    if np.ndim(b) == 2:  # (B, k) @ (k, m)
        return _with_rows(op, b, np.transpose(a))
    count, k, n = np.shape(b)
    if np.ndim(a) == 1 or n > FEW:
        return op(a, b)
    beside = np.reshape(np.moveaxis(b, 0, 1), (k, count * n))
    return np.moveaxis(np.reshape(op(a, beside), (np.shape(a)[0], count, n)), 1, 0)


matmul = Primitive(
    "np.matmul",
    np.matmul,
    vjp=[_matmul_left, _matmul_right],
    reads=["1", "0"],
    kind="multilinear",
    batch=_matmul_all,
)

OPS[np.matmul] = matmul.apply


@implements(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    no_out("np.dot", out)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) <= 2:
        return np.matmul(a, b)
    return np.tensordot(a, b, axes=(-1, -2))


@implements(np.inner)
def _inner(a: Any, b: Any, /) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.tensordot(a, b, axes=(-1, -1))


@implements(np.vdot)
def _vdot(a: Any, b: Any, /) -> Any:
    return np.matmul(np.ravel(np.conjugate(a)), np.ravel(b))


@implements(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    no_out("np.outer", out)
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@implements(np.linalg.outer)
def _linalg_outer(x1: Any, x2: Any, /) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise misfit("Input arrays must be one-dimensional")
    return _outer(x1, x2)


@implements(np.kron)
def _kron(a: Any, b: Any) -> Any:
    ndim = max(np.ndim(a), np.ndim(b))
    rows = (1,) * (ndim - np.ndim(a)) + np.shape(a)
    columns = (1,) * (ndim - np.ndim(b)) + np.shape(b)
    left = np.reshape(a, tuple(n for row in rows for n in (row, 1)))
    right = np.reshape(b, tuple(n for column in columns for n in (1, column)))
    return np.reshape(left * right, tuple(m * n for m, n in zip(rows, columns, strict=True)))


@implements(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    if isinstance(axes, (int, np.integer)):
        left = tuple(range(np.ndim(a) - int(axes), np.ndim(a)))
        right = tuple(range(int(axes)))
    else:
        left, right = normal_axes(axes[0], np.ndim(a)), normal_axes(axes[1], np.ndim(b))
    if [np.shape(a)[i] for i in left] != [np.shape(b)[j] for j in right]:
        raise misfit(
            f"np.tensordot: shapes {np.shape(a)} and {np.shape(b)} do not match along {left}, {right}"
        )
    rows = tuple(i for i in range(np.ndim(a)) if i not in left)
    columns = tuple(j for j in range(np.ndim(b)) if j not in right)
    inner = int(np.prod([np.shape(a)[i] for i in left], dtype=int))
    shape = [np.shape(a)[i] for i in rows] + [np.shape(b)[j] for j in columns]
    flat_a = np.reshape(np.transpose(a, rows + left), (_product(a, rows), inner))
    flat_b = np.reshape(np.transpose(b, right + columns), (inner, _product(b, columns)))
    return np.reshape(np.matmul(flat_a, flat_b), tuple(shape))


def _product(a: Any, axes: tuple[int, ...]) -> int:
    return int(np.prod([np.shape(a)[i] for i in axes], dtype=int))


OPS[np.linalg.matmul] = lambda x1, x2, /: np.matmul(x1, x2)
OPS[np.linalg.tensordot] = lambda x1, x2, /, *, axes=2: _tensordot(x1, x2, axes)
OPS[np.linalg.trace] = lambda x, /, *, offset=0, dtype=None: np.trace(x, offset, -2, -1, dtype)
OPS[np.vecdot] = OPS[np.linalg.vecdot] = lambda x1, x2, /, *, axis=-1: np.sum(
    np.conjugate(x1) * x2, axis=axis
)
OPS[np.matvec] = lambda x1, x2, /: np.matmul(x1, np.expand_dims(x2, -1))[..., 0]
OPS[np.vecmat] = lambda x1, x2, /: np.matmul(np.expand_dims(np.conjugate(x1), -2), x2)[..., 0, :]

# --- einsum --------------------------------------------------------------------------------------


def _einsum_rule(i: int, g: Any, y: Any, *xs: Any, subscripts: str, optimize: Any) -> Any:
    """The same sum with the output in place of operand ``i``.

    A letter that only operand ``i`` has was summed over: its gradient is repeated along a vector
    of ones. A letter twice in operand ``i`` took a diagonal: an identity matrix puts it back.
    """
    sources, _, output = subscripts.partition("->")
    terms = sources.split(",")
    lengths: dict[str, int] = {}
    for term, x in zip(terms, xs, strict=True):
        for letter, n in zip(term, np.shape(x), strict=True):
            lengths[letter] = n if n != 1 else lengths.get(letter, 1)
    parts = [(output, g)] + [(t, x) for j, (t, x) in enumerate(zip(terms, xs, strict=True)) if j != i]
    known = {c for term, x in parts for c, n in zip(term, np.shape(x), strict=True) if n == lengths[c]}
    spare = iter(c for c in string.ascii_letters if c not in subscripts)
    target = ""
    for letter in terms[i]:
        if letter in target:
            twin = next(spare)
            parts.append((letter + twin, np.eye(lengths[letter], dtype=g.dtype)))
            letter = twin
        elif letter not in known:
            parts.append((letter, np.ones(lengths[letter], g.dtype)))
        target += letter
    spec = ",".join(term for term, _ in parts) + "->" + target
    return einsum(*(x for _, x in parts), subscripts=spec, optimize=optimize)


def _einsum_all(op: Any, batched: Any, *xs: Any, subscripts: str, optimize: Any) -> Any:
    spare = next((c for c in string.ascii_letters if c not in subscripts), None)
    if spare is None:
        return NotImplemented
    sources, _, output = subscripts.partition("->")
    terms = [spare + t if mine else t for t, mine in zip(sources.split(","), batched, strict=True)]
    return op(*xs, subscripts=",".join(terms) + "->" + spare + output, optimize=optimize)


einsum = Primitive(
    "np.einsum",
    contract,
    vjp=_einsum_rule,
    kind="multilinear",
    batch=_einsum_all,
    expansion=lambda *xs, subscripts, optimize=False: np.einsum(subscripts, *xs),
)


@implements(np.einsum)
def _einsum(*operands: Any, out: Any = None, optimize: Any = False, **keywords: Any) -> Any:
    no_out("np.einsum", out)
    if keywords.get("dtype") is not None:
        raise misfit("np.einsum(dtype=) of Variables: convert the operands with astype")
    subscripts, arrays = _explicit(operands)
    return einsum(*arrays, subscripts=subscripts, optimize=optimize)


def _explicit(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Subscripts as text with an explicit output and no ellipsis, and the operands."""
    if isinstance(operands[0], str):
        text, arrays = operands[0].replace(" ", ""), list(operands[1:])
    else:
        text, arrays = _from_lists(operands)
    sources, arrow, output = text.partition("->")
    terms = sources.split(",")
    if len(terms) != len(arrays):
        raise misfit(f"np.einsum: {len(terms)} terms in {text!r} for {len(arrays)} operands")
    if not arrow:
        letters = sources.replace(",", "").replace("...", "")
        output = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
        output = ("..." if "..." in sources else "") + output
    spare = [c for c in string.ascii_letters if c not in text]
    widths = [np.ndim(a) - len(t.replace("...", "")) for t, a in zip(terms, arrays, strict=True)]
    widest = max((w for t, w in zip(terms, widths, strict=True) if "..." in t), default=0)
    names = "".join(spare[:widest])
    for k, (term, width) in enumerate(zip(terms, widths, strict=True)):
        if ("..." not in term and width != 0) or width < 0:
            raise misfit(f"np.einsum: {term!r} does not describe an operand with {np.ndim(arrays[k])} axes")
        terms[k] = term.replace("...", names[widest - width :] if width else "")
    return ",".join(terms) + "->" + output.replace("...", names), arrays


def _from_lists(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    def term(labels: Any) -> str:
        return "".join("..." if x is Ellipsis else string.ascii_letters[x] for x in labels)

    pairs = len(operands) // 2
    text = ",".join(term(operands[2 * k + 1]) for k in range(pairs))
    if len(operands) % 2:
        text += "->" + term(operands[-1])
    return text, [operands[2 * k] for k in range(pairs)]
