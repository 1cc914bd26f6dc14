"""Record what DeZero itself prints for each script, beside the scripts.

Run it with DeZero 0.0.13 on NumPy 1.23, the last with which it can be imported as it is.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import dezero

SCRIPTS = Path(__file__).parent / "scripts"
assert "whence" not in dezero.__name__, "this is not DeZero itself"
for script in sorted(SCRIPTS.glob("*.py")):
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", str(script)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{script.name}:\n{done.stderr}")
    script.with_suffix(".txt").write_text(done.stdout)
