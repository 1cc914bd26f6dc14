"""Native kernels for eager ops: off by a setting, absent without llvmlite, looked for only when needed."""

import os
import subprocess
import sys

import pytest

STORY = """
import sys
{before}
import numpy as np
import whence.nn.functional as F
from whence.ops import served
x, w = np.ones((8, 8, 16, 16), np.float32), np.ones((16, 8, 3, 3), np.float32)
assert sys.modules.get("llvmlite") is None
F.conv2d(x[:1, :, :4, :4], w)
assert sys.modules.get("llvmlite") is None
y = F.max_pool2d(F.conv2d(x, w), 2)
assert np.all(y == 72), y
print(sorted(served.kernels()) != [])
"""


@pytest.mark.parametrize(
    ("before", "setting", "wanted"),
    [
        ("sys.modules['llvmlite'] = None", "", "False"),
        ("", "off", "False"),
        ("", "OFF", "False"),
        ("", "", "True"),
    ],
)
def test_story(before: str, setting: str, wanted: str) -> None:
    """Results are right either way."""
    if wanted == "True":
        pytest.importorskip("llvmlite")
    made = subprocess.run(
        [sys.executable, "-W", "error", "-c", STORY.format(before=before)],
        env=os.environ | {"WHENCE_NATIVE": setting},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout.strip() == wanted
