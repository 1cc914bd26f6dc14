"""numpy.linalg at its special points: equal values, lost rank, singular matrices, and its errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import linalg as original

import whence
from whence import Variable
from whence.errors import LinAlgError, NoGradientError, NonFiniteError, WhenceError
from whence.scipy import linalg as mirror

linalg = np.linalg
RNG = np.random.default_rng(7)
G = RNG.standard_normal((3, 3))
Q = linalg.qr(RNG.standard_normal((3, 3)))[0]
PAIR = Q @ np.diag([2.0, 2.0, 5.0]) @ Q.T
GC = G + 1j * RNG.standard_normal((3, 3))
QC = linalg.qr(GC)[0]
PAIR_C = QC @ np.diag([2.0, 2.0, 5.0]) @ QC.conj().T


def in_lower(k: Any) -> Any:
    """A symmetric cotangent as the gradient of a function that reads the lower triangle."""
    return np.tril(k + k.T) - np.diag(np.diag(k))


def of_eigh(f: Any) -> Any:
    def loss(a: Any) -> Any:
        w, v = linalg.eigh(a)
        return np.sum(np.real((G if a.dtype.kind == "f" else GC) * ((v * f(w)) @ np.conjugate(v.T))))

    return loss


def of_svd(f: Any) -> Any:
    def loss(a: Any) -> Any:
        u, s, vh = linalg.svd(a, full_matrices=False)
        g = (G if a.dtype.kind == "f" else GC)[: a.shape[0], : a.shape[1]]
        return np.sum(np.real(g * ((u * f(s)) @ vh)))

    return loss


SYMMETRIC = (G + G.T) / 2


@pytest.mark.parametrize("a", [np.eye(3), PAIR, 0 * PAIR])
def test_spectral_functions_at_equal_eigenvalues(a):
    for f, truth in [
        (lambda w: w, SYMMETRIC),
        (lambda w: w - 1, SYMMETRIC),
        (lambda w: w**2, SYMMETRIC @ a + a @ SYMMETRIC),
        (lambda w: w**0, 0 * a),
    ]:
        np.testing.assert_allclose(whence.grad(of_eigh(f))(a), in_lower(truth), atol=1e-13)


def test_spectral_functions_at_equal_complex_eigenvalues():
    def truth(a: Any) -> Any:
        low = np.tril(a, -1)
        h = low + np.conjugate(low.T) + np.diag(np.real(np.diag(a)))
        return np.sum(np.real(GC * (h @ h)))

    np.testing.assert_allclose(
        whence.grad(of_eigh(lambda w: w**2))(PAIR_C), whence.grad(truth)(PAIR_C), atol=1e-12
    )


@pytest.mark.parametrize(
    "a", [np.eye(3), Q, 0 * Q, np.outer([1, 2, 3], [2.0, 0, 1]), np.ones((3, 2)), np.ones((2, 3)), QC, 0 * QC]
)
def test_functions_of_equal_and_zero_singular_values(a):
    g = (G if a.dtype.kind == "f" else GC)[: a.shape[0], : a.shape[1]]
    np.testing.assert_allclose(whence.grad(of_svd(lambda s: s))(a), np.conj(g), atol=1e-13)
    cubes = whence.grad(lambda a: np.sum(np.real(g * (a @ np.conjugate(a.T) @ a))))(a)
    np.testing.assert_allclose(whence.grad(of_svd(lambda s: s**3))(a), cubes, atol=1e-12)


def test_the_polar_factor_of_an_orthogonal_matrix():
    np.testing.assert_allclose(whence.grad(of_svd(lambda s: s**0))(Q), (G - Q @ G.T @ Q) / 2, atol=1e-13)


def test_projectors_on_whole_spaces():
    def outer_space(a: Any) -> Any:
        v = linalg.eigh(a).eigenvectors
        return np.sum(G * (v[:, 2:] @ v[:, 2:].T))

    def inner_space(a: Any) -> Any:
        v = linalg.eigh(a).eigenvectors
        return np.sum(G * (v[:, :2] @ v[:, :2].T))

    np.testing.assert_allclose(whence.grad(outer_space)(PAIR), -whence.grad(inner_space)(PAIR), atol=1e-13)
    ahead, behind = (outer_space(PAIR + s * 1e-5 * SYMMETRIC) for s in (1, -1))
    along = np.sum(whence.grad(outer_space)(PAIR) * SYMMETRIC)
    np.testing.assert_allclose(along, (ahead - behind) / 2e-5, rtol=1e-7)


def test_sums_of_equal_values():
    for f in (
        lambda a: np.sum(linalg.eigvalsh(a)),
        lambda a: np.sum(linalg.eigh(a)[0]),
        lambda a: np.sum(np.real(linalg.eigvals(a))),
        lambda a: np.sum(np.real(linalg.eig(a)[0])),
    ):
        np.testing.assert_allclose(whence.grad(f)(PAIR), np.eye(3), atol=1e-13)
        np.testing.assert_allclose(whence.grad(f)(np.eye(3)), np.eye(3), atol=1e-13)


@pytest.mark.parametrize(
    ("f", "a"),
    [
        (lambda a: linalg.eigh(a)[0][0], PAIR),
        (lambda a: linalg.eigh(a)[1][0, 0], PAIR),
        (lambda a: linalg.eigvalsh(a)[1], PAIR),
        (lambda a: np.sum(linalg.eigh(a)[1][:, 0] ** 2 * np.arange(3.0)), PAIR),
        (lambda a: linalg.svd(a)[1][0], np.eye(3)),
        (lambda a: linalg.svd(a)[0][0, 0], np.eye(3)),
        (lambda a: np.real(linalg.eigvals(a))[0], np.eye(3)),
        (lambda a: np.real(linalg.eig(a)[1])[0, 0], np.eye(3)),
    ],
)
def test_what_depends_on_the_choice_of_vectors_or_on_order_is_refused(f, a):
    with pytest.raises(LinAlgError, match=r"values 0 and 1 are .* a gap of") as caught:
        whence.grad(f)(a)
    assert "test_linalg.py" in str(caught.value)
    assert isinstance(caught.value, np.linalg.LinAlgError)


def test_second_derivatives_at_equal_values_are_refused():
    with pytest.raises(WhenceError, match="equal values"):
        whence.hessian(of_eigh(lambda w: w**2))(PAIR)
    with pytest.raises(WhenceError, match="part"):
        whence.jvp(of_eigh(lambda w: w**2), (PAIR,), (SYMMETRIC,))


def test_a_retained_gradient_at_equal_values():
    x = Variable(PAIR)
    h = x * 2.0
    of_eigh(lambda w: w**2)(h).backward(retain_grad=True)
    np.testing.assert_allclose(x.grad.data, 4 * in_lower(SYMMETRIC @ PAIR + PAIR @ SYMMETRIC), atol=1e-12)
    assert h.grad.creator is None


def test_phases_of_complex_vectors_are_refused():
    for f in (
        lambda a: np.real(linalg.eigh(a)[1][1, 1]),
        lambda a: np.imag(linalg.svd(a)[0][1, 1]),
        lambda a: np.real(linalg.eig(a)[1][1, 0]),
    ):
        with pytest.raises(LinAlgError, match="phases"):
            whence.grad(f)(PAIR_C + np.diag([1.0, 2.0, 3.0]))


def test_bases_of_null_spaces_are_refused():
    a = RNG.standard_normal((5, 2))
    with pytest.raises(LinAlgError, match="null space"):
        whence.grad(lambda a: linalg.svd(a)[0][0, 4])(a)
    with pytest.raises(LinAlgError, match="columns of Q beyond R"):
        whence.grad(lambda a: linalg.qr(a, mode="complete")[0][0, 4])(a)


# --- lost rank -----------------------------------------------------------------------------------


def test_norms_at_zero_and_at_lost_rank():
    for order in (1, 2, 3, np.inf, 2.5):
        g = whence.grad(lambda x, order=order: linalg.norm(x, order))(np.zeros(3))
        np.testing.assert_array_equal(g, 0)
    rank_one = np.outer([1.0, 2.0], [3.0, 4.0])
    for order in ("nuc", 2, "fro"):
        f = lambda x, order=order: linalg.norm(x, order)  # noqa: E731
        np.testing.assert_allclose(whence.grad(f)(rank_one), rank_one / np.sqrt(125), atol=1e-14)
        np.testing.assert_array_equal(whence.grad(f)(np.zeros((2, 2))), 0)
    with pytest.raises(NonFiniteError, match="corner of a norm"):
        whence.hessian(linalg.norm)(np.zeros(2))


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_determinants_of_singular_matrices(rank):
    a = Q @ np.diag(np.arange(3) < rank).astype(float) @ G
    adjugate = np.array(
        [
            [(-1) ** (i + j) * linalg.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(3)]
            for i in range(3)
        ]
    )
    np.testing.assert_allclose(whence.grad(linalg.det)(a), adjugate, atol=1e-14)
    whence.testing.check_gradient(linalg.det, a, order=2)


def test_slogdet_of_a_singular_matrix():
    stack = np.stack([np.eye(2), np.ones((2, 2))])
    with pytest.raises(LinAlgError, match="singular"):
        whence.grad(lambda a: np.sum(linalg.slogdet(a)[1]))(stack)
    g = whence.grad(lambda a: linalg.slogdet(a)[1][0])(stack)
    np.testing.assert_array_equal(g, [np.eye(2), np.zeros((2, 2))])


def test_pinv_at_constant_rank():
    """Along matrices of the same rank the gradient is the derivative."""
    left, right = RNG.standard_normal((4, 2)), RNG.standard_normal((2, 3))
    whence.testing.check_gradient(lambda b: np.sum(linalg.pinv(b @ right) ** 2), left, order=2)


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "a", "text"),
    [
        (linalg.inv, np.ones((2, 2)), "Singular"),
        (linalg.inv, np.ones((2, 3)), "square"),
        (lambda a: linalg.solve(a, np.ones(2)), np.ones((2, 2)), "Singular"),
        (linalg.cholesky, -np.eye(2), "not positive definite"),
        (linalg.eigh, np.ones((2, 3)), "square"),
        (linalg.det, np.ones(3), "two-dimensional"),
        (lambda a: linalg.matrix_power(a, 2), np.ones((2, 3)), "square"),
        (linalg.cond, np.ones((2, 2)), "infinite|gap|Singular|zero"),
        (linalg.qr, np.ones(3), "two-dimensional"),
        (lambda a: linalg.tensorsolve(a, np.ones(2)), np.ones((2, 3)), "square"),
        (lambda a: linalg.multi_dot([a, np.ones((1, 1, 1)), a]), np.ones((2, 2)), "two-dimensional"),
    ],
)
def test_errors_of_linalg_have_the_users_line(f, a, text):
    def run() -> None:
        y = f(Variable(a))
        if np.ndim(y) == 0:
            y.backward()
        raise AssertionError("nothing raised")

    if f is linalg.cond:
        a = np.diag([1.0, 0.0])
    with pytest.raises(np.linalg.LinAlgError, match=text) as caught:
        run()
    assert isinstance(caught.value, WhenceError)
    assert "test_linalg.py:" in str(caught.value)


def test_gradients_that_do_not_exist():
    with pytest.raises(LinAlgError, match="defective"):
        whence.grad(lambda a: np.sum(linalg.eigvals(a)))(np.array([[1.0, 1.0], [0.0, 1.0]]))
    with pytest.raises(LinAlgError, match="independent"):
        whence.grad(lambda a: np.sum(linalg.qr(a)[1]))(np.ones((2, 2)))
    with pytest.raises(NoGradientError, match="reflectors"):
        linalg.qr(Variable(np.eye(2)), mode="raw")
    with pytest.raises(NoGradientError, match="out="):
        linalg.multi_dot([Variable(np.eye(2))] * 2, out=np.eye(2))


def test_results_are_numpys_named_tuples():
    a = Variable(PAIR)
    assert linalg.eigh(a).eigenvalues.shape == (3,)
    assert linalg.svd(a).S.shape == (3,)
    assert linalg.qr(a).R.shape == (3, 3)
    assert linalg.slogdet(a).logabsdet.shape == ()
    assert linalg.eig(a).eigenvectors.shape == (3, 3)


def test_one_triangle_is_read():
    a = PAIR + np.diag([0.0, 1.0, 2.0]) + np.triu(np.full((3, 3), 9.0), 1)
    for f in (lambda a: linalg.eigvalsh(a)[0], lambda a: np.sum(linalg.cholesky(a))):
        g = whence.grad(f)(a)
        np.testing.assert_array_equal(np.triu(g, 1), 0)
        whence.testing.check_gradient(f, a, order=1)


# --- the mirror of scipy.linalg ------------------------------------------------------------------


def test_plain_arrays_get_scipys_plain_answer():
    a = PAIR + np.diag([0.0, 1.0, 2.0])
    assert type(mirror.expm(a)) is np.ndarray
    np.testing.assert_array_equal(mirror.lu_factor(a)[0], original.lu_factor(a)[0])
    assert mirror.hilbert(3).shape == (3, 3)
    assert set(original.__all__) - set(dir(mirror)) <= set(MODULES)


MODULES = [n for n in original.__all__ if type(getattr(original, n)).__name__ == "module"]


def test_what_the_mirror_has_no_gradient_for_raises():
    a = Variable(PAIR)
    for f in (mirror.ldl, mirror.hessenberg, mirror.cossin, lambda a: mirror.schur(a, sort="lhp")):
        with pytest.raises(NoGradientError, match=r"scipy\.linalg\.") as caught:
            f(a)
        assert "test_linalg.py:" in str(caught.value)
    with pytest.raises(NoGradientError, match="complex"):
        whence.grad(lambda a: np.sum(mirror.schur(a)[0]))(np.array([[0.0, 2.0], [-1.0, 0.0]]))


def test_sylvester_of_real_matrices_with_a_complex_right_side():
    """SciPy 1.17 itself is wrong here."""
    a, b = np.array([[1.0, 5.0], [-5.0, 2.0]]), np.array([[3.0, 1.0], [-4.0, 1.0]])
    q = RNG.standard_normal((2, 2)) + 1j * RNG.standard_normal((2, 2))
    x = mirror.solve_sylvester(a, b, Variable(q)).data
    np.testing.assert_allclose(a @ x + x @ b, q, atol=1e-14)


def test_functions_of_matrices_against_known_truths():
    """expm of a nilpotent matrix and of a rotation, logm as its inverse, sqrtm squared."""
    g = whence.grad(lambda a: np.sum(G * mirror.expm(a)))(np.zeros((3, 3)))
    np.testing.assert_allclose(g, G, atol=1e-15)
    a = PAIR + np.diag([0.0, 1.0, 2.0])
    round_trip = whence.grad(lambda a: np.sum(G * mirror.logm(mirror.expm(a))))(a / 5)
    np.testing.assert_allclose(round_trip, G, atol=1e-11)
    squared = whence.grad(lambda a: np.sum(G * (mirror.sqrtm(a) @ mirror.sqrtm(a))))(a)
    np.testing.assert_allclose(squared, G, atol=1e-12)


def test_large_derivatives_of_expm_keep_their_digits():
    """The direction is scaled beside the matrix: a cotangent of 1e12 costs no accuracy."""
    a = PAIR / 4
    one = whence.grad(lambda a: np.sum(G * mirror.expm(a)))(a)
    many = whence.grad(lambda a: np.sum(1e12 * G * mirror.expm(a)))(a)
    np.testing.assert_allclose(many / 1e12, one, rtol=1e-13)


def test_polar_factor_of_an_orthogonal_matrix():
    whole = whence.grad(lambda a: np.sum(G * mirror.polar(a)[0]))(Q)
    np.testing.assert_allclose(whole, (G - Q @ G.T @ Q) / 2, atol=1e-13)
