"""Write what PyTorch gives for every table of cases: ``python -m tests.nn.record`` where it is installed."""

from __future__ import annotations

from .cases import record
from .test_activation import CASES as ACTIVATIONS
from .test_conv import CONVOLUTIONS, POOLS
from .test_norm import CASES as NORMS

if __name__ == "__main__":
    record("activation", ACTIVATIONS)
    record("conv", CONVOLUTIONS)
    record("norm", NORMS)
    record("pool", POOLS)
