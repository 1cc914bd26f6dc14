"""Write what PyTorch gives for every table of cases: ``python -m tests.nn.record`` where it is installed."""

from __future__ import annotations

import numpy as np

from .cases import REFERENCE, record
from .test_activation import CASES as ACTIVATIONS
from .test_conv import CONVOLUTIONS, POOLS
from .test_embedding import recorded as of_embedding
from .test_norm import CASES as NORMS

if __name__ == "__main__":
    record("activation", ACTIVATIONS)
    record("conv", CONVOLUTIONS)
    record("norm", NORMS)
    record("pool", POOLS)
    np.savez_compressed(REFERENCE / "embedding.npz", allow_pickle=False, **of_embedding())
