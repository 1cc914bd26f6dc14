"""What all tests share: compiled kernels go into a folder of the project's own, not into the user's cache."""

import os
from pathlib import Path

os.environ.setdefault("WHENCE_CACHE", str(Path(__file__).parent.parent / ".pytest_cache" / "kernels"))
