"""The op behind ``whence.numpy.array``, and what is built on it and has no key of NumPy's."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from whence.core.primitive import PRIMITIVES

from .entries import Draw, Spec, Trial, entry
from .examples import EXAMPLES, matrix


@entry("np.array")
def _gather(draw: Draw, complex: bool) -> Trial:
    inner = draw(st.sampled_from([(), (3,), (2, 0)]))
    shape = draw(st.sampled_from([(1,), (3,), (2, 2)]))
    count = int(np.prod(shape))
    return Trial(
        lambda *xs: PRIMITIVES["np.array"](*xs, shape=shape),
        lambda *xs: np.stack(xs).reshape(shape + inner),
        tuple(Spec(inner) for _ in range(count)),
        complex=complex,
    )


EXAMPLES.update(
    {
        np.unique_all: matrix(lambda x: np.unique_all(x).values),
        np.unique_counts: matrix(lambda x: np.unique_counts(x).values),
        np.unique_inverse: matrix(lambda x: np.unique_inverse(x).values),
    }
)
