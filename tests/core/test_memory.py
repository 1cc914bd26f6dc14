"""What nobody holds is freed at once, without the garbage collector."""

import gc
import platform
import subprocess
import sys
import weakref

import numpy as np
import pytest

import whence
from whence import Function, Variable


class Both(Function):
    def forward(self, x):
        return x * 2, x * 3

    def backward(self, g, h):
        return 2 * g + 3 * h


SEVERAL = {
    "eigh": lambda v: np.linalg.eigh(v + v.T),
    "svd": np.linalg.svd,
    "qr": np.linalg.qr,
    "slogdet": np.linalg.slogdet,
    "modf": np.modf,
    "split": lambda v: np.split(v, 2),
    "a user's Function": lambda v: Both()(v),
}


@pytest.mark.parametrize("f", SEVERAL.values(), ids=SEVERAL)
@pytest.mark.parametrize("backward", [False, True])
def test_several_outputs_make_no_cycle(f, backward):
    gc.collect()
    gc.disable()
    try:
        x = Variable(np.random.default_rng(0).normal(size=(4, 4)))
        ys = f(x * 1.0)
        node = next(y.creator for y in ys if isinstance(y, Variable))
        if backward:
            np.sum(ys[-1]).backward()
        gone = weakref.ref(node)
        del node, ys
        assert gone() is None
    finally:
        gc.enable()


def test_outputs_that_nobody_holds_any_more():
    x = Variable(np.array([1.5, 2.5]))
    whole = np.modf(x)[1]
    node = whole.creator
    assert [y is None for y in node.outputs] == [True, False]
    fraction = np.modf(x * 2)[0]
    np.sum(fraction).backward()
    np.testing.assert_array_equal(x.grad.data, [2, 2])


def test_a_kept_output_still_leads_back():
    a = np.diag([1.0, 2.0, 4.0])
    values = [np.linalg.slogdet(Variable(a)).logabsdet for _ in range(3)]
    assert all(v.creator.label == "np.linalg.slogdet" for v in values)
    slope = whence.grad(lambda a: np.linalg.slogdet(a)[1])(a)
    np.testing.assert_allclose(slope, np.linalg.inv(a).T)


FAULTS = """
import resource
import numpy as np
{start}
def faults(count):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        several = [np.ones(1 << 17) for _ in range(8)]  # 1 MiB each
        del several
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(10)
print(faults(50))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library, with ways of its own")
def test_freed_memory_is_used_again():
    """A plain process maps and clears each array anew; not so one that has imported whence."""

    def counted(start):
        code = FAULTS.format(start=start)
        return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)

    assert counted("import whence") < 100
    assert counted("") > 1000  # what this is good for
