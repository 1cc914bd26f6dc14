"""Entries and examples of numpy.linalg: factorisations, eigenvalues, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from whence.core.primitive import PRIMITIVES

from .entries import Draw, Spec, Trial, entry
from .examples import EXAMPLES, of

SQUARES = [(3, 3), (1, 1), (2, 2), (4, 4), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 2, 2)]
SIZABLE = [(3, 3), (1, 1), (2, 2), (4, 4), (2, 3, 3), (2, 1, 2, 2)]
TALL = [(4, 3), (3, 3), (2, 5, 2), (3, 1), (1, 1)]


def anchored(x: Any, by: float = 5.0) -> Any:
    """``x`` plus a diagonal that keeps it regular and its eigenvalues and singular values apart."""
    m, n = x.shape[-2:]
    by = by if n < 10 and np.size(x) < 500 else 12 * by
    return x + np.eye(m, n, dtype=np.float32) * (by * np.arange(1, n + 1, dtype=np.float32))


def conj_t(a: Any) -> Any:
    return np.conjugate(np.swapaxes(a, -1, -2))


def positive(x: Any) -> Any:
    """Well inside of the positive definite matrices."""
    return x @ conj_t(x) + np.eye(x.shape[-1], dtype=np.float32)


def phased(v: Any) -> Any:
    """Vectors (columns) without their phase: each times the conjugate of its first element."""
    return v * np.conjugate(v[..., :1, :])


def of_squares(name: str, plain: Any, prepare: Any = anchored, shapes: Any = None, **params: Any) -> None:
    """An entry for a primitive of one square matrix."""

    @entry(name)
    def trial(draw: Draw, large: bool) -> Trial:
        many = (60, 3, 3) if shapes else (23, 23)
        shape = many if large else draw(st.sampled_from(shapes or SQUARES))
        drawn = {key: draw(st.sampled_from(values)) for key, values in params.items()}
        f = PRIMITIVES[name]
        return Trial(
            lambda x: f(prepare(x), **drawn), lambda x: plain(prepare(x), **drawn), (Spec(shape),), True
        )


def real_only(name: str, plain: Callable[..., Any], shapes: Any, **params: Any) -> None:
    """An entry for factors with a sign but, being real, no phase."""

    @entry(name)
    def trial(draw: Draw, large: bool) -> Trial:
        shape = (60, 3, 3) if large else draw(st.sampled_from(shapes))
        drawn = {key: draw(st.sampled_from(values)) for key, values in params.items()}
        f = PRIMITIVES[name]
        return Trial(lambda x: f(anchored(x), **drawn), lambda x: plain(anchored(x), **drawn), (Spec(shape),))


of_squares("np.linalg.inv", np.linalg.inv)
of_squares("np.linalg.cholesky", np.linalg.cholesky, positive)
of_squares("np.linalg.slogdet", np.linalg.slogdet)
of_squares("np.linalg.eigvalsh", np.linalg.eigvalsh, shapes=SIZABLE, UPLO=["L", "U"])
of_squares("np.linalg.eigvals", np.linalg.eigvals, shapes=SIZABLE)
of_squares("np.linalg.svdvals", np.linalg.svdvals, shapes=TALL)
real_only("np.linalg.eigh", np.linalg.eigh, SIZABLE, UPLO=["L", "U"])
real_only("np.linalg.svd", np.linalg.svd, [*TALL[:2], (3, 4), (2, 2, 2)], full_matrices=[True, False])


@entry("np.linalg.eig")
def _eig(draw: Draw, large: bool) -> Trial:
    """Its vectors without their signs: LAPACK's flip from one matrix to the next."""
    shape = (60, 3, 3) if large else draw(st.sampled_from(SIZABLE))

    def free(wv: Any) -> Any:
        return wv[0], phased(wv[1])

    f = PRIMITIVES["np.linalg.eig"]
    return Trial(
        lambda x: free(f(anchored(x))), lambda x: free(np.linalg.eig(anchored(x))), (Spec(shape),), True
    )


def scaled(x: Any) -> Any:
    """Determinants near one."""
    return x * np.float32(0.1 if x.shape[-1] < 10 else 0.02) + np.eye(x.shape[-1], dtype=np.float32)


def cofactors(x: Any) -> Any:
    return np.linalg.det(x)[..., None, None] * np.swapaxes(np.linalg.inv(x), -1, -2)


of_squares("np.linalg.det", np.linalg.det, scaled)
of_squares("cofactors", cofactors, scaled)


@entry("cofactors_along")
def _cofactors_along(draw: Draw, large: bool) -> Trial:
    """Linear in its second operand; here also at singular matrices."""
    n = 8 if large else draw(st.integers(1, 4))
    diagonal = np.where(np.arange(n) != draw(st.integers(0, n)), 1.0, 0.0)

    def plain(e: Any) -> Any:
        if n > 2:
            return f(e)
        ahead, behind = (PRIMITIVES["cofactors"].forward(np.diag(diagonal) + s * e) for s in (1, -1))
        return ((ahead - behind) / 2).astype(e.dtype)  # up to n = 2 cofactors are linear

    def f(e: Any) -> Any:
        return PRIMITIVES["cofactors_along"](np.diag(diagonal).astype(e.real.dtype), e)

    return Trial(f, plain, (Spec((n, n)),), True)


SOLVES = [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3, 2)), ((3, 3), (2, 3, 2)), ((2, 3, 3), (3,)),
          ((2, 1, 3, 3), (2, 3, 1)), ((0, 0), (0, 2)), ((3, 3), (3, 0))]  # fmt: skip


@entry("np.linalg.solve")
def _solve(draw: Draw, large: bool) -> Trial:
    a, b = ((23, 23), (23, 24)) if large else draw(st.sampled_from(SOLVES))
    f = PRIMITIVES["np.linalg.solve"]
    return Trial(
        lambda a, b: f(anchored(a), b), lambda a, b: np.linalg.solve(anchored(a), b), (Spec(a), Spec(b)), True
    )


@entry("np.linalg.qr")
def _qr(draw: Draw, large: bool) -> Trial:
    shape = (30, 20) if large else draw(st.sampled_from([(4, 3), (3, 3), (2, 5, 2), (1, 1), (3, 0)]))
    mode = draw(st.sampled_from(["reduced", "complete"] if shape[-2] - shape[-1] < 2 else ["reduced"]))
    f = PRIMITIVES["np.linalg.qr"]
    complex = mode == "reduced" or shape[-2] == shape[-1]
    return Trial(
        lambda x: f(anchored(x), mode=mode),
        lambda x: np.linalg.qr(anchored(x), mode),
        (Spec(shape),),
        complex,
    )


@entry("np.linalg.pinv")
def _pinv(draw: Draw, large: bool) -> Trial:
    shape = (30, 20) if large else draw(st.sampled_from([(4, 3), (3, 3), (2, 2, 4), (1, 3), (0, 3)]))
    f = PRIMITIVES["np.linalg.pinv"]
    return Trial(
        lambda x: f(anchored(x), rcond=1e-15), lambda x: np.linalg.pinv(anchored(x)), (Spec(shape),), True
    )


@entry("np.linalg.lstsq")
def _lstsq(draw: Draw, large: bool) -> Trial:
    cases = [((4, 3), (4,)), ((4, 3), (4, 2)), ((2, 4), (2, 3)), ((3, 3), (3,))]
    a, b = ((30, 20), (30, 3)) if large else draw(st.sampled_from(cases))
    f = PRIMITIVES["np.linalg.lstsq"]
    return Trial(
        lambda a, b: f(anchored(a), b, rcond=1e-7),
        lambda a, b: np.linalg.lstsq(anchored(a), b, rcond=1e-7)[0],
        (Spec(a), Spec(b)),
        True,
    )


@entry("np.linalg.norm(p)")
def _norm_p(draw: Draw, large: bool) -> Trial:
    shape = (23, 24) if large else draw(st.sampled_from([(3,), (2, 3), (3, 2, 2)]))
    order = draw(st.sampled_from([3.0, 2.5, 0.5, -2.0]))
    axis, keepdims = draw(st.integers(-len(shape), len(shape) - 1)), draw(st.booleans())
    f = PRIMITIVES["np.linalg.norm(p)"]
    return Trial(
        lambda x: f(x, order=order, axis=axis, keepdims=keepdims),
        lambda x: np.linalg.norm(x, order, axis, keepdims),
        (Spec(shape, 0.3, 2.0),),
        True,
    )


@entry("quotient")
def _quotient(draw: Draw, large: bool) -> Trial:
    shape = (23, 24) if large else draw(st.sampled_from([(3, 3), (2, 2, 3)]))
    params = {"dead": np.zeros(shape, bool), "size": 0.0, "refusal": ValueError}
    f = PRIMITIVES["quotient"]
    return Trial(lambda n, d: f(n, d, **params), lambda n, d: n / d, (Spec(shape), Spec(shape, 0.5, 2.0)))


W = np.array([1.0, 3.0, 7.0])


@entry("on_diagonal")
def _on_diagonal(draw: Draw, large: bool) -> Trial:
    dead = draw(st.sampled_from([None, W > 2]))
    f = PRIMITIVES["on_diagonal"]
    keep = np.ones(3, np.float32) if dead is None else (~dead).astype(np.float32)
    return Trial(
        lambda g: f(g, W, dead=dead, name="f"),
        lambda g: (g * keep)[..., None, :] * np.eye(3, dtype=np.float32),
        (Spec((200, 3) if large else (2, 3)),),
        True,
    )


@entry("diagonal_of")
def _diagonal_of(draw: Draw, large: bool) -> Trial:
    f = PRIMITIVES["diagonal_of"]
    return Trial(
        lambda h: f(h, W, dead=None, name="f"),
        lambda h: np.diagonal(h, axis1=-2, axis2=-1),
        (Spec((80, 3, 3) if large else (2, 3, 3)),),
        True,
    )


square, squares = of((3, 3)), of((2, 3, 3))
tall, wide, stack = of((4, 3)), of((3, 4)), of((2, 4, 3))
real_square, real_squares = of((3, 3), complex=False), of((2, 3, 3), complex=False)
linalg = np.linalg


def real_and_complex(*shapes: Any) -> Any:
    """Examples of factors: as they are where real, and free of phases for all."""

    def with_calls(raw: Any, free: Any) -> list[Any]:
        return [
            example for shape in shapes for example in (*of(shape, complex=False)(*raw), *of(shape)(*free))
        ]

    return with_calls


def projector(v: Any) -> Any:
    return v @ conj_t(v)


def free_svd(x: Any, full_matrices: bool = False) -> Any:
    u, s, vh = linalg.svd(anchored(x), full_matrices)
    k = s.shape[-1]
    more = (projector(u[..., k:]), projector(conj_t(vh[..., k:, :]))) if full_matrices else ()
    return phased(u[..., :k]), s, vh[..., :k, :] * np.swapaxes(u[..., :1, :k], -1, -2), *more


def parted(x: Any, f: Any) -> Any:
    """The Variables (or arrays) among what lstsq returns."""
    return tuple(part for i, part in enumerate(f(x)) if i != 2 and np.size(part))


EXAMPLES.update(
    {
        linalg.inv: [*square(lambda x: linalg.inv(anchored(x))), *squares(lambda x: linalg.inv(anchored(x)))],
        linalg.solve: [
            *of((3, 3), (3,))(lambda a, b: linalg.solve(anchored(a), b)),
            *of((2, 3, 3), (3, 2))(lambda a, b: linalg.solve(anchored(a), b)),
        ],
        linalg.det: [
            *square(lambda x: linalg.det(x), lambda x: linalg.det(np.concatenate([x[:2], x[:1]]))),
            *squares(lambda x: linalg.det(x)),
        ],
        linalg.slogdet: squares(
            lambda x: linalg.slogdet(anchored(x)), lambda x: linalg.slogdet(-anchored(x))
        ),
        linalg.cholesky: [
            *square(
                lambda x: linalg.cholesky(positive(x)),
                lambda x: linalg.cholesky(positive(x), upper=True),
                lambda x: linalg.cholesky(positive(x) + np.triu(x, 1)),
                lambda x: linalg.cholesky(positive(x) + np.tril(x, -1), upper=True),
            ),
            *squares(lambda x: linalg.cholesky(positive(x))),
        ],
        linalg.qr: [
            example
            for family in (tall, wide, square, stack)
            for example in family(
                lambda x: linalg.qr(anchored(x)),
                lambda x: linalg.qr(anchored(x), mode="r"),
            )
        ]
        + of((4, 3), complex=False)(lambda x: linalg.qr(anchored(x), mode="complete"))
        + wide(lambda x: linalg.qr(anchored(x), mode="complete"))
        + of((5, 3))(lambda x: projector(linalg.qr(anchored(x), mode="complete").Q[:, 3:])),
        linalg.eigh: real_and_complex((3, 3), (2, 3, 3))(
            [lambda x: linalg.eigh(anchored(x)), lambda x: linalg.eigh(anchored(x), UPLO="U")],
            [
                lambda x: phased(linalg.eigh(anchored(x))[1]),
                lambda x: phased(linalg.eigh(anchored(x), "U").eigenvectors),
                lambda x: np.abs(linalg.eigh(anchored(x), "L").eigenvectors),
            ],
        ),
        linalg.eigvalsh: squares(
            lambda x: linalg.eigvalsh(anchored(x)), lambda x: linalg.eigvalsh(anchored(x), UPLO="U")
        ),
        linalg.eig: real_and_complex((3, 3), (2, 3, 3))(
            [lambda x: linalg.eig(anchored(x))], [lambda x: phased(linalg.eig(anchored(x)).eigenvectors)]
        )
        + of((2, 2), complex=False)(
            lambda x: phased(linalg.eig(x + np.array([[0, -9], [9, 0]], np.float32)).eigenvectors)
        ),
        linalg.eigvals: squares(lambda x: linalg.eigvals(anchored(x)))
        + of((2, 2), complex=False)(lambda x: linalg.eigvals(x + np.array([[0, -9], [9, 0]], np.float32))),
        linalg.svd: real_and_complex((4, 3), (3, 4), (3, 3), (2, 4, 3))(
            [
                lambda x: linalg.svd(anchored(x)),
                lambda x: linalg.svd(anchored(x), full_matrices=False),
            ],
            [
                lambda x: linalg.svd(anchored(x), compute_uv=False),
                lambda x: free_svd(x),
                lambda x: free_svd(x, full_matrices=True),
            ],
        )
        + real_and_complex((3, 3), (2, 3, 3))(
            [lambda x: linalg.svd(anchored(x, -5.0), hermitian=True)],
            [lambda x: linalg.svd(anchored(x, -5.0), hermitian=True, compute_uv=False)],
        )
        + of((5, 2))(lambda x: free_svd(x, full_matrices=True)),
        linalg.svdvals: [
            *tall(lambda x: linalg.svdvals(anchored(x))),
            *of((2, 3, 4))(lambda x: linalg.svdvals(anchored(x))),
        ],
        linalg.pinv: [
            example
            for family in (tall, wide, stack)
            for example in family(
                lambda x: linalg.pinv(anchored(x)),
                lambda x: linalg.pinv(anchored(x), rcond=1e-5),
                lambda x: linalg.pinv(anchored(x), rtol=None),
                lambda x: linalg.pinv(anchored(x), rtol=0.6),
            )
        ]
        + squares(lambda x: linalg.pinv(anchored(x), hermitian=True)),
        linalg.lstsq: [
            *of((4, 3), (4,))(
                lambda a, b: parted(b, lambda b: linalg.lstsq(anchored(a), b)),
                lambda a, b: linalg.lstsq(anchored(a), b, rcond=0.5)[0],
            ),
            *of((4, 3), (4, 2))(lambda a, b: parted(b, lambda b: linalg.lstsq(anchored(a), b, rcond=None))),
            *of((2, 4), (2, 3))(lambda a, b: parted(b, lambda b: linalg.lstsq(anchored(a), b))),
        ],
        linalg.matrix_power: [
            *squares(
                lambda x: linalg.matrix_power(x, 1),
                lambda x: linalg.matrix_power(x, 2),
                lambda x: linalg.matrix_power(x, 3),
                lambda x: linalg.matrix_power(x, np.int64(5)),
                lambda x: linalg.matrix_power(anchored(x), -1),
                lambda x: linalg.matrix_power(anchored(x), -2),
            ),
            *of((3, 3), constant=True)(lambda x: linalg.matrix_power(x, 0)),
        ],
        linalg.multi_dot: [
            *of((2, 3), (3, 4))(lambda a, b: linalg.multi_dot([a, b])),
            *of((2, 3), (3, 5), (5, 2))(lambda a, b, c: linalg.multi_dot([a, b, c])),
            *of((2,), (2, 3), (3, 5), (5,))(lambda a, b, c, d: linalg.multi_dot((a, b, c, d))),
            *of((2,), (2, 3), (3, 5))(lambda a, b, c: linalg.multi_dot([a, b, c])),
        ],
        linalg.cond: [
            example
            for p in (None, 2, -2, "fro", "nuc", 1, -1, np.inf, -np.inf)
            for example in squares(lambda x, p=p: linalg.cond(anchored(x), p))
        ]
        + tall(lambda x: linalg.cond(anchored(x))),
        linalg.tensorinv: [
            *of((6, 2, 3))(lambda x: linalg.tensorinv(x + 3 * np.eye(6, dtype="f").reshape(6, 2, 3), ind=1)),
            *of((2, 3, 6))(lambda x: linalg.tensorinv(x + 3 * np.eye(6, dtype="f").reshape(2, 3, 6))),
        ],
        linalg.tensorsolve: [
            *of((2, 3, 6), (2, 3))(
                lambda a, b: linalg.tensorsolve(a + 3 * np.eye(6, dtype="f").reshape(2, 3, 6), b)
            ),
            *of((2, 6, 3), (6,))(
                lambda a, b: linalg.tensorsolve(
                    a + 3 * np.eye(6, dtype="f").reshape(6, 2, 3).transpose(1, 0, 2), b, axes=(0, 2)
                )
            ),
        ],
        linalg.cross: [
            *of((2, 3), (3,))(lambda a, b: linalg.cross(a, b)),
            *of((3, 2), (3, 2))(lambda a, b: linalg.cross(a, b, axis=0)),
        ],
        linalg.matrix_norm: [
            example
            for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
            for example in stack(lambda x, order=order: linalg.matrix_norm(anchored(x), ord=order))
        ]
        + stack(lambda x: linalg.matrix_norm(x, keepdims=True)),
        linalg.vector_norm: [
            example
            for order in (2, 1, -1, 3, 2.5, 0.5, -2, np.inf, -np.inf)
            for example in of(Spec((2, 3, 2), 0.3, 2.0))(
                lambda x, order=order: linalg.vector_norm(x, ord=order),
                lambda x, order=order: linalg.vector_norm(x, axis=(2, 0), ord=order),
                lambda x, order=order: linalg.vector_norm(x, axis=1, keepdims=True, ord=order),
            )
        ],
    }
)
EXAMPLES[linalg.norm] += stack(
    lambda x: linalg.norm(anchored(x), 2, axis=(1, 2)),
    lambda x: linalg.norm(anchored(x), "nuc", axis=(2, 1), keepdims=True),
    lambda x: linalg.norm(anchored(x)[0], -2),
)
EXAMPLES[np.take_along_axis] += of((3, 4))(lambda x: np.take_along_axis(x, np.array([[1, 0]]), axis=1))


@entry("limit")
def _limit(draw: Draw, large: bool) -> Trial:
    """A constant; where it is used (``places``) the derivative of it is refused."""
    shape = (23, 24) if large else (2, 3)
    value = np.ones(shape, np.float32)
    f = PRIMITIVES["limit"]
    return Trial(
        lambda n: f(n, value=value.astype(n.dtype), places=np.zeros(shape, bool), name="f"),
        lambda n: value.astype(n.dtype),
        (Spec(shape),),
        True,
    )
