"""Entries and examples of scipy.linalg through its mirror."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy import linalg as original

from whence.core.primitive import PRIMITIVES
from whence.scipy import linalg as mirror

from .entries import Draw, Spec, Trial, entry
from .examples import EXAMPLES, Example
from .linalg_table import SIZABLE, anchored, conj_t, phased, positive, projector

Call = Callable[..., Any]


def both(*shapes: Any, complex: bool = True) -> Callable[..., list[Example]]:
    """Examples of calls ``f(module, *arrays)``: of the mirror for us, of SciPy for the truth."""
    specs = tuple(s if isinstance(s, Spec) else Spec(s) for s in shapes)

    def with_calls(*calls: Call) -> list[Example]:
        return [
            Example(lambda *xs, f=f: f(mirror, *xs), specs, complex, plain=lambda *xs, f=f: f(original, *xs))
            for f in calls
        ]

    return with_calls


def of_matrix(
    name: str, plain: Call, prepare: Call = anchored, shapes: Any = None, complex: bool = True, **params: Any
) -> None:
    """An entry for a primitive of one matrix."""

    @entry(name)
    def trial(draw: Draw, large: bool) -> Trial:
        shape = (4, 12, 12) if large else draw(st.sampled_from(shapes or SIZABLE))
        drawn = {key: draw(st.sampled_from(values)) for key, values in params.items()}
        f = PRIMITIVES[name]
        return Trial(
            lambda x: f(prepare(x), **drawn), lambda x: plain(prepare(x), **drawn), (Spec(shape),), complex
        )


def small(x: Any) -> Any:
    return x * np.float32(0.3 if x.shape[-1] < 10 else 0.1)


def double(x: Any) -> Any:
    """For functions that SciPy computes in double precision, in part or as a whole."""
    return x.astype(np.result_type(x.dtype, np.float64))


def near_one(x: Any) -> Any:
    return x * np.float32(0.2 if x.shape[-1] < 10 else 0.05) + np.eye(x.shape[-1], dtype=np.float32)


def double_near_one(x: Any) -> Any:
    return double(near_one(x))


SHAPES = [(3, 3), (4, 3), (3, 4), (2, 3, 3), (1, 1)]
of_matrix("scipy.linalg.expm", original.expm, small)
of_matrix("scipy.linalg.logm", original.logm, double_near_one)
of_matrix("scipy.linalg.sqrtm", original.sqrtm)
of_matrix(
    "scipy.linalg.fractional_matrix_power", original.fractional_matrix_power, double_near_one, t=[0.3, -0.5]
)
of_matrix("scipy.linalg.lu", original.lu, shapes=SHAPES)
of_matrix("polar factor", lambda a: original.polar(a)[0], shapes=[(3, 3), (4, 3), (2, 3, 2)])


@entry("scipy.linalg.schur")
def _schur(draw: Draw, large: bool) -> Trial:
    """Its factors without their signs, which LAPACK's flip from one matrix to the next."""
    shape = (60, 3, 3) if large else draw(st.sampled_from([(3, 3), (2, 2), (2, 3, 3)]))

    def free(tz: Any) -> Any:
        return np.square(tz[0]), np.square(tz[1])

    def spread(x: Any) -> Any:
        return anchored(x, 15.0)

    f = PRIMITIVES["scipy.linalg.schur"]
    return Trial(
        lambda x: free(f(spread(x), output="real")),
        lambda x: free(original.schur(spread(x))),
        (Spec(shape),),
    )


@entry("scipy.linalg.svd")
def _svd(draw: Draw, large: bool) -> Trial:
    """Its vectors without their signs."""
    shape = (60, 3, 3) if large else draw(st.sampled_from([(3, 3), (4, 3), (2, 3, 3)]))
    how = {"full_matrices": draw(st.booleans()), "lapack_driver": draw(st.sampled_from(["gesdd", "gesvd"]))}

    def free(usv: Any) -> Any:
        return np.square(usv[0]), usv[1], np.square(usv[2])

    f = PRIMITIVES["scipy.linalg.svd"]
    return Trial(
        lambda x: free(f(anchored(x), **how)),
        lambda x: free(original.svd(anchored(x), **how)),
        (Spec(shape),),
    )


@entry("scipy.linalg.eigh")
def _eigh(draw: Draw, large: bool) -> Trial:
    """Its vectors without their signs and phases."""
    shape = (60, 3, 3) if large else draw(st.sampled_from(SIZABLE))
    how = {"lower": draw(st.booleans()), "driver": draw(st.sampled_from([None, "evd"]))}

    def free(wv: Any) -> Any:
        return wv[0], phased(wv[1])

    f = PRIMITIVES["scipy.linalg.eigh"]
    return Trial(
        lambda x: free(f(anchored(x), **how)),
        lambda x: free(original.eigh(anchored(x), **how)),
        (Spec(shape),),
        True,
    )


def of_several(name: str, plain: Call, small: Any, large: Any, prepare: Call, **params: Any) -> None:
    """An entry for a primitive of several operands."""

    @entry(name)
    def trial(draw: Draw, is_large: bool) -> Trial:
        shapes = large if is_large else draw(st.sampled_from(small))
        drawn = {key: draw(st.sampled_from(values)) for key, values in params.items()}
        f = PRIMITIVES[name]
        return Trial(
            lambda *xs: f(*prepare(*xs), **drawn),
            lambda *xs: plain(*prepare(*xs), **drawn),
            tuple(Spec(shape) for shape in shapes),
            True,
        )


def first_anchored(a: Any, *rest: Any) -> Any:
    return anchored(a), *rest


def lifted(ab: Any, b: Any) -> Any:
    """A band with a strong diagonal, of one lower and two upper ones."""
    return ab + np.float32(9) * (np.arange(4) == 2)[:, None].astype(np.float32), b


def cornered(c: Any, r: Any, b: Any) -> Any:
    first = (np.arange(c.shape[0]) == 0).astype(np.float32) * (4 * c.shape[0])
    return c + first, r, b


of_several(
    "scipy.linalg.solve_triangular",
    original.solve_triangular,
    [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (2, 3, 2))],
    ((4, 12, 12), (4, 12, 3)),
    first_anchored,
    trans=[0, 1],
    lower=[True, False],
    unit_diagonal=[False],
)


def sylvester(a: Any, b: Any, q: Any) -> Any:
    """SciPy's, all real or all complex: mixed it is wrong for complex eigenvalues of real matrices."""
    kind = np.result_type(a, b, q)
    return original.solve_sylvester(a.astype(kind), b.astype(kind), q.astype(kind))


of_several(
    "scipy.linalg.solve_sylvester",
    sylvester,
    [((3, 3), (2, 2), (3, 2)), ((2, 3, 3), (2, 3, 3), (2, 3, 3)), ((1, 1), (2, 2), (1, 2))],
    ((4, 12, 12), (4, 2, 2), (4, 12, 2)),
    lambda a, b, q: (anchored(a), anchored(b), q),
)
of_several(
    "scipy.linalg.solve_banded",
    lambda ab, b, l_and_u: original.solve_banded(l_and_u, ab, b),
    [((4, 5), (5,)), ((4, 5), (5, 2)), ((4, 3), (3,))],
    ((4, 130), (130, 4)),
    lifted,
    l_and_u=[(1, 2)],
)
of_several(
    "scipy.linalg.solve_toeplitz",
    lambda c, r, b: original.solve_toeplitz((c, np.concatenate([c[:1], r[1:]])), b),
    [((4,), (4,), (4,)), ((3,), (3,), (3, 2)), ((1,), (1,), (1,))],
    ((23,), (23,), (23, 24)),
    cornered,
)

square, squares, tall, wide = both((3, 3)), both((2, 3, 3)), both((4, 3)), both((3, 4))
families = (square, squares, tall, wide)


def over(names: tuple[Any, ...], *calls: Call) -> list[Example]:
    return [example for family in names for example in family(*calls)]


def same(call: Call, *families: Any) -> list[Example]:
    return [example for family in families for example in family(call)]


def even(x: Any) -> Any:
    """Hermitian, its eigenvalues apart."""
    return anchored(x + conj_t(x))


for _f in ("sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm", "expm"):
    EXAMPLES[getattr(original, _f)] = same(lambda m, x, f=_f: getattr(m, f)(small(x)), square, squares)

EXAMPLES.update(
    {
        original.logm: squares(lambda m, x: m.logm(near_one(x))),
        original.sqrtm: squares(lambda m, x: m.sqrtm(anchored(x))),
        original.fractional_matrix_power: square(lambda m, x: m.fractional_matrix_power(near_one(x), 0.4)),
        original.expm_frechet: both((3, 3), (3, 3))(
            lambda m, x, e: m.expm_frechet(double(small(x)), double(e)),
            lambda m, x, e: m.expm_frechet(double(small(x)), double(e), compute_expm=False),
        ),
        original.solve_sylvester: both((3, 3), (2, 2), (3, 2))(
            lambda m, a, b, q: m.solve_sylvester(anchored(a), anchored(b), q)
        ),
        original.solve_continuous_lyapunov: both((3, 3), (3, 3))(
            lambda m, a, q: m.solve_continuous_lyapunov(anchored(a), q),
            lambda m, a, q: m.solve_lyapunov(anchored(a), q),
        ),
        original.solve_discrete_lyapunov: both((3, 3), (3, 3))(
            lambda m, a, q: m.solve_discrete_lyapunov(double(anchored(a)), double(q)),
            lambda m, a, q: m.solve_discrete_lyapunov(double(anchored(a)), double(q), method="bilinear"),
        ),
        original.solve_triangular: [
            example
            for trans in (0, "T", "C")
            for lower in (True, False)
            for example in both((3, 3), (3, 2))(
                lambda m, a, b, t=trans, lo=lower: m.solve_triangular(anchored(a), b, t, lower=lo),
                lambda m, a, b, t=trans, lo=lower: m.solve_triangular(
                    small(a), b, trans=t, lower=lo, unit_diagonal=True
                ),
            )
        ],
        original.solve: [
            *both((3, 3), (3,))(
                lambda m, a, b: m.solve(anchored(a), b),
                lambda m, a, b: m.solve(positive(a), b, assume_a="pos"),
                lambda m, a, b: m.solve(even(a), b, assume_a="her", lower=True),
                lambda m, a, b: m.solve(anchored(a + a.T), b, assume_a="sym"),
                lambda m, a, b: m.solve(anchored(a), b, assume_a="upper triangular"),
                lambda m, a, b: m.solve(anchored(a), b, assume_a="lower triangular"),
                lambda m, a, b: m.solve(anchored(a * np.eye(3, dtype="f")), b, assume_a="diagonal"),
                lambda m, a, b: m.solve(
                    anchored(a * np.tri(3, 3, 1, dtype="f") * np.tri(3, 3, 1, dtype="f").T),
                    b,
                    assume_a="tridiagonal",
                ),
            ),
            *both((2, 3, 3), (3, 2))(lambda m, a, b: m.solve(anchored(a), b)),
            *both((3, 3), (3,), complex=False)(lambda m, a, b: m.solve(anchored(a), b, transposed=True)),
        ],
        original.inv: squares(lambda m, x: m.inv(anchored(x))),
        original.det: squares(lambda m, x: m.det(double(x))),
        original.norm: square(lambda m, x: m.norm(anchored(x), 2), lambda m, x: m.norm(x, axis=1)),
        original.cholesky: squares(
            lambda m, x: m.cholesky(positive(x)), lambda m, x: m.cholesky(positive(x), lower=True)
        ),
        original.cho_factor: square(
            lambda m, x: m.cho_factor(positive(x))[0], lambda m, x: m.cho_factor(positive(x), lower=True)[0]
        ),
        original.cho_solve: both((3, 3), (3, 2))(
            lambda m, a, b: m.cho_solve(m.cho_factor(positive(a)), b),
            lambda m, a, b: m.cho_solve(m.cho_factor(positive(a), lower=True), b),
        ),
        original.lu: over(
            families,
            lambda m, x: m.lu(anchored(x))[1:],
            lambda m, x: m.lu(anchored(x), permute_l=True),
            lambda m, x: m.lu(anchored(x), p_indices=True)[1:],
        ),
        original.lu_factor: over(families, lambda m, x: m.lu_factor(anchored(x))[0]),
        original.lu_solve: both((3, 3), (3, 2))(
            lambda m, a, b: m.lu_solve(m.lu_factor(anchored(a[::-1])), b),
            lambda m, a, b: m.lu_solve(m.lu_factor(anchored(a[::-1])[[1, 2, 0]]), b, trans=1),
            lambda m, a, b: m.lu_solve(m.lu_factor(anchored(a)[[1, 2, 0]]), b, 2),
        ),
        original.qr: over(
            families,
            lambda m, x: tuple(m.qr(anchored(x), mode="economic")),
            lambda m, x: m.qr(anchored(x), mode="r"),
            lambda m, x: tuple(m.qr(anchored(x), mode="economic", pivoting=True)[:2]),
        )
        + square(lambda m, x: m.qr(anchored(x))),
        original.polar: over(
            families,
            lambda m, x: tuple(m.polar(anchored(x))),
            lambda m, x: tuple(m.polar(anchored(x), "left")),
        ),
        original.schur: both((3, 3), complex=False)(lambda m, x: m.schur(anchored(x)))
        + square(lambda m, x: np.abs(m.schur(anchored(x), output="complex")[0])),
        original.pinv: over(
            (tall, wide),
            lambda m, x: m.pinv(anchored(x)),
            lambda m, x: m.pinv(anchored(x), atol=0.1),
        ),
        original.pinvh: square(lambda m, x: m.pinvh(even(x)), lambda m, x: m.pinvh(even(x), lower=False)),
        original.lstsq: both((4, 3), (4,))(
            lambda m, a, b: m.lstsq(anchored(a), b)[0], lambda m, a, b: m.lstsq(anchored(a), b)[1]
        ),
        original.svd: both((4, 3), complex=False)(lambda m, x: m.svd(anchored(x)))
        + over((tall, squares), lambda m, x: m.svd(anchored(x), compute_uv=False)),
        original.svdvals: tall(lambda m, x: m.svdvals(anchored(x))),
        original.orth: tall(lambda m, x: projector(m.orth(anchored(x)))),
        original.null_space: wide(lambda m, x: projector(m.null_space(anchored(x)))),
        original.orthogonal_procrustes: both((4, 3), (4, 3))(
            lambda m, a, b: m.orthogonal_procrustes(anchored(a), anchored(b))
        ),
        original.eigh: [
            *both((3, 3), complex=False)(
                lambda m, x: m.eigh(even(x)),
                lambda m, x: m.eigh(even(x), lower=False, subset_by_index=[1, 2]),
            ),
            *square(
                lambda m, x: phased(m.eigh(even(x))[1]),
                lambda m, x: m.eigh(even(x), eigvals_only=True, subset_by_value=[-99.0, 8.0]),
            ),
            *both((3, 3), (3, 3))(
                lambda m, a, b: np.abs(m.eigh(even(a), positive(b))[1]),
                lambda m, a, b: np.abs(m.eigh(even(a), positive(b), lower=False, type=2)[1]),
                lambda m, a, b: np.abs(m.eigh(even(a), positive(b), type=3)[1]),
            ),
        ],
        original.eigvalsh: both((3, 3), (3, 3))(
            lambda m, a, b: m.eigvalsh(even(a)), lambda m, a, b: m.eigvalsh(even(a), positive(b))
        ),
        original.eigh_tridiagonal: both(Spec((4,), 3.0, 40.0), (3,), complex=False)(
            lambda m, d, e: m.eigh_tridiagonal(d, e, eigvals_only=True),
            lambda m, d, e: np.abs(m.eigh_tridiagonal(d, e, select="i", select_range=(1, 2))[1]),
        ),
        original.eigvalsh_tridiagonal: both(Spec((4,), 3.0, 40.0), (3,), complex=False)(
            lambda m, d, e: m.eigvalsh_tridiagonal(d, e)
        ),
        original.eig: [
            *square(
                lambda m, x: tuple(phased(v) for v in m.eig(anchored(x), left=True)[1:]),
                lambda m, x: m.eig(anchored(x))[0],
            ),
            *both((3, 3), (3, 3))(lambda m, a, b: phased(m.eig(anchored(a), positive(b))[1])),
        ],
        original.eigvals: squares(lambda m, x: m.eigvals(anchored(x))),
        original.solve_banded: both((4, 5), (5, 2))(lambda m, ab, b: m.solve_banded((1, 2), *lifted(ab, b))),
        original.solveh_banded: both((3, 5), (5,))(
            lambda m, ab, b: m.solveh_banded(ab + 9 * np.eye(3, 5, dtype="f")[:, :1], b, lower=True),
            lambda m, ab, b: m.solveh_banded((ab + 9 * np.eye(3, 5, dtype="f")[:, :1])[::-1], b),
        ),
        original.toeplitz: [
            *both((3,), (4,))(lambda m, c, r: m.toeplitz(c, r)),
            *both((2, 3))(lambda m, c: m.toeplitz(c)),
        ],
        original.circulant: both((2, 3))(lambda m, c: m.circulant(c)),
        original.hankel: [
            *both((3,), (4,))(lambda m, c, r: m.hankel(c, r)),
            *both((3,))(lambda m, c: m.hankel(c)),
        ],
        original.solve_toeplitz: both((4,), (4,), (4, 2))(
            lambda m, c, r, b: m.solve_toeplitz(cornered(c, r, b)[:2], b),
            lambda m, c, r, b: m.solve_toeplitz(cornered(c, r, b)[0], b),
        ),
        original.matmul_toeplitz: both((4,), (4, 2))(lambda m, c, x: m.matmul_toeplitz(double(c), double(x))),
        original.solve_circulant: both((4,), (4, 2))(
            lambda m, c, b: m.solve_circulant(cornered(c, c, b)[0], b)
        ),
        original.block_diag: both((2, 3), (2,))(lambda m, a, b: m.block_diag(a, b, a)),
        original.companion: both(Spec((4,), 1.0, 3.0))(lambda m, a: m.companion(a)),
        original.leslie: both((4,), (3,), complex=False)(lambda m, f, s: m.leslie(f, s)),
        original.khatri_rao: both((2, 3), (4, 3))(lambda m, a, b: m.khatri_rao(a, b)),
    }
)
