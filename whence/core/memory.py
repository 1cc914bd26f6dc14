"""Memory that one gradient frees, kept at hand for the next.

Training and optimisation make and drop the same large arrays over and over. The C library of Linux gives
each freed one back to the system, and the next is mapped and cleared anew, which costs more than the
arithmetic: the gradient of sum(tanh(x² + 0.5) exp(-x)) for 10⁶ float32 takes 16 ms in a fresh
process, and 5 ms once the library keeps what is freed. It learns to do so by the size of what it sees
freed, up to 32 MiB (``M_MMAP_THRESHOLD`` in mallopt(3)); so it is shown one such block, which is never
touched and takes no memory.
"""

from __future__ import annotations

import numpy as np

LARGEST = (1 << 25) - (1 << 13)  # what malloc counts as 32 MiB, with its own header and a page


def keep_freed_memory() -> None:
    """Let the C library keep up to 64 MiB of freed memory instead of returning it at once."""
    np.empty(LARGEST, np.uint8)
