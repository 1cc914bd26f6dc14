"""What whence differentiates, name by name: the lists, what the registry says of each, and the page.

``python -m tests.coverage`` writes ``docs/coverage.md``.
"""

from __future__ import annotations

import importlib
import pathlib
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from whence.core.primitive import PRIMITIVES, Primitive
from whence.core.table import OPS, PLAIN

from .ops.tables import ENTRIES, EXAMPLES

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / "docs" / "coverage.md"

#: Names by the module that they are called from.
NAMES = {
    "numpy": """
        abs absolute acos acosh add amax amin angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh
        array_split asin asinh atan atan2 atanh atleast_1d atleast_2d atleast_3d broadcast_to clip conj
        conjugate cos cosh cross cumsum deg2rad degrees diag diagonal diff divide dot dsplit einsum exp
        exp2 expand_dims expm1 fabs fliplr flipud fmax fmin full gradient hsplit imag inner kron linspace
        log log10 log1p log2 logaddexp logaddexp2 matmul max maximum min minimum mod moveaxis multiply
        nan_to_num negative outer pad partition permute_dims pow power prod rad2deg radians ravel real
        real_if_close reciprocal remainder repeat reshape roll rollaxis rot90 sin sinc sinh sort split
        sqrt square squeeze subtract sum swapaxes tan tanh tensordot tile trace transpose tril triu
        true_divide vsplit append array c_ column_stack concatenate hstack mean r_ select stack std var
        vstack where astype hypot
        apply_along_axis asarray ascontiguousarray average block broadcast_arrays cbrt choose compress
        concat convolve copy copysign corrcoef correlate cov cumprod cumulative_prod cumulative_sum delete
        diagflat divmod dstack ediff1d extract fill_diagonal flip float_power fmod frexp geomspace
        heaviside i0 insert interp ldexp logspace matrix_transpose matvec median meshgrid modf nancumprod
        nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum nanvar
        percentile piecewise place poly polyadd polyder polydiv polyfit polyint polymul polysub polyval
        positive ptp put put_along_axis quantile resize roots take take_along_axis trapezoid unstack
        unwrap vander vdot vecdot vecmat mgrid
    """,
    "numpy.linalg": """
        cholesky det eig eigh inv norm pinv slogdet solve svd
        cond cross diagonal eigvals eigvalsh lstsq matmul matrix_norm matrix_power matrix_transpose
        multi_dot outer qr svdvals tensordot tensorinv tensorsolve trace vecdot vector_norm
    """,
    "numpy.fft": """
        fft fft2 fftn fftshift ifft ifft2 ifftn ifftshift irfft irfft2 irfftn rfft rfft2 rfftn hfft ihfft
    """,
    "scipy.special": """
        beta betainc betaln digamma erf erfc erfcinv erfinv expit gamma gammainc gammaincc gammaln
        gammasgn i0 i1 iv ive j0 j1 jn logit logsumexp multigammaln polygamma psi rgamma y0 y1 yn
    """,
    "scipy.linalg": """
        solve_banded solve_sylvester solve_triangular sqrtm
        expm logm cho_solve cho_factor lu qr schur solve inv det eigh block_diag toeplitz solve_toeplitz
        solve_continuous_lyapunov
    """,
    "scipy.signal": "convolve",
    "scipy.stats": """
        beta.cdf beta.logpdf beta.pdf chi2.cdf chi2.logpdf chi2.pdf dirichlet.logpdf dirichlet.pdf
        gamma.cdf gamma.logpdf gamma.pdf multivariate_normal.entropy multivariate_normal.logpdf
        multivariate_normal.pdf norm.cdf norm.logcdf norm.logpdf norm.logsf norm.pdf norm.sf poisson.cdf
        poisson.logpmf poisson.pmf t.cdf t.logcdf t.logpdf t.pdf
    """,
    "scipy.integrate": "odeint solve_ivp quad",
    "scipy.interpolate": "CubicSpline BSpline PchipInterpolator",
    "scipy.sparse": "csr_array csc_array coo_array",
    "scipy.sparse.linalg": "spsolve",
    "scipy.optimize": "minimize root brentq least_squares",
    "whence": """
        grad elementwise_grad jacobian hessian value_and_grad vjp jvp hvp vmap checkpoint stop_gradient
        scan while_loop cond
        holomorphic_grad linearize ggnvp fisher_vp hessian_diagonal sparse_jacobian sparse_hessian
        implicit_root root_of fixed_point_of primitive
    """,
    "whence.optimize": "minimize least_squares curve_fit",
    "whence.compat.autograd": """
        grad elementwise_grad deriv jacobian holomorphic_grad grad_named hessian make_hvp
        hessian_tensor_product tensor_jacobian_product make_vjp make_jvp make_jvp_reversemode make_ggnvp
        value_and_grad grad_and_aux multigrad_dict checkpoint
    """,
    "whence.compat.autograd.test_util": "check_grads",
}

#: Where the tests of a name are that is no function of arrays to arrays, or has them to itself.
OWN_TESTS = {
    "numpy": "tests/numpy",
    "scipy.integrate": "tests/scipy",
    "scipy.sparse": "tests/scipy",
    "scipy.sparse.linalg": "tests/scipy",
    "scipy.optimize": "tests/scipy",
    "scipy.stats": "tests/stats",
    "whence": "tests/transforms",
    "whence.optimize": "tests/optimize",
    "whence.compat.autograd": "tests/compat",
    "whence.compat.autograd.test_util": "tests/compat",
}


class Status(NamedTuple):
    """What the registry and the tables say of one name."""

    call: str  # how users call it
    how: str  # where its derivative comes from
    vmap: str
    tested: str


def get(module: str, name: str) -> Any:
    """``name`` (which may have dots) of ``module``; None if it is not there."""
    try:
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return None
    return found


def primitive_of(op: Any) -> Primitive | None:
    """The primitive that stands for a NumPy function right away."""
    return next((p for p in PRIMITIVES.values() if p.apply is op or p is op), None)


def status(module: str, name: str) -> Status | None:
    """What is known of ``module.name``; None if whence does not have it."""
    original = get(module, name)
    mirror = get(module if module.startswith("whence") else f"whence.{module}", name)
    if original is None or mirror is None:
        return None
    short = f"{module.replace('numpy', 'np', 1)}.{name}"
    dispatches = any(key in OPS or key in PLAIN for key in keys(original) if not isinstance(key, str))
    bridged = module == "scipy.stats"  # by whence.stats
    call = short if dispatches or bridged or module.startswith("whence") else f"whence.{module}.{name}"
    op = next((OPS[key] for key in keys(original) if key in OPS), None)
    primitive = primitive_of(op)
    if any(key in PLAIN for key in keys(original)):
        how = "plain values"
    elif primitive is not None:
        how = primitive.kind
    else:
        how = "composed"
    vmap = "" if primitive is None else primitive.batching
    calls = sum(len(EXAMPLES.get(key, ())) for key in {*keys(original), *keys(mirror)})
    counted = f"{calls} call{'s' * (calls != 1)}" if calls else ""
    if primitive is not None and primitive.name in ENTRIES:
        tested = ", ".join(filter(None, ("drawn", counted)))
    elif calls:
        tested = counted
    else:
        tested = own_tests(module, name)
    return Status(f"`{call}`", how, vmap, tested) if tested else None


def keys(function: Any) -> Iterator[Any]:
    """What a function may be filed under."""
    try:
        hash(function)
    except TypeError:
        return
    yield function
    if isinstance(function, np.ufunc):
        yield function, "reduce"


def own_tests(module: str, name: str) -> str:
    """The folder whose tests mention the name; empty if there are none."""
    folder = OWN_TESTS.get(module)
    word = name.split(".")[-1]
    if folder and any(word in file.read_text("utf-8") for file in (ROOT / folder).glob("*.py")):
        return folder
    return ""


def rows() -> Iterator[tuple[str, str, Status | None]]:
    """Module, name and status of everything in the lists."""
    for module, names in NAMES.items():
        for name in names.split():
            yield module, name, status(module, name)


def page() -> str:
    """The text of ``docs/coverage.md``."""
    parts = [HEAD]
    for module, names in NAMES.items():
        parts.append(f"\n## {module}\n\n| name | call | gradient | vmap | tests |\n|---|---|---|---|---|\n")
        for name in names.split():
            found = status(module, name)
            parts.append(f"| {name} | {' | '.join(found) if found else '**missing** | | |'} |\n")
    return "".join(parts)


HEAD = """# What whence differentiates

Written by `python -m tests.coverage` from the registry of ops and the tables of tests; a test keeps it
true.

* **call**: how it is called on Variables. A name of NumPy's or SciPy's is the plain function, reached
  through NumPy's protocols (or, for `scipy.stats`, through a bridge); `whence.…` is the mirror of a
  function that has no such way in.
* **gradient**: the kind of a primitive that has a rule of its own; *composed* of others; or *plain
  values*, where there is nothing to differentiate.
* **vmap**: a primitive's rule for whole batches, or a loop over them. What is composed follows its parts.
* **tests**: *drawn* by hypothesis over shapes, dtypes, layouts, broadcasting; a number of *calls* with
  their keywords; or the folder that tests it. The laws for each drawn or listed call: the value is
  NumPy's or SciPy's; first and second derivatives agree with finite differences; forward mode agrees
  with reverse; single precision stays single; vmap is a loop; gradients own their memory.
"""


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    PAGE.write_text(page(), encoding="utf-8")
    print(f"written to {PAGE}")
