"""Every example runs to its end, as a user would run it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

#: Options that make an example small enough for a test.
SMALL = {
    "neural_ode": "--steps 60 --hidden 16 --horizon 4",
    "oscillator": "--steps 250 --hidden 12 --times 24 --end 1.2",
}
PICTURES = {"gaussian_process", "neural_ode", "oscillator"}


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example: Path, tmp_path: Path) -> None:
    options = SMALL.get(example.stem, "").split()
    if example.stem in PICTURES:
        options += ["--picture", "picture.png"]
    result = run(example, *options, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert example.stem not in PICTURES or (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_the_demo_reads_digits_and_leaves_a_picture(tmp_path: Path) -> None:
    result = run(ROOT / "examples" / "digits.py", cwd=tmp_path)
    assert "3.297442541400256" in result.stdout
    accuracy = re.search(r"Test accuracy (0\.\d+)", result.stdout)
    assert accuracy is not None, result.stdout + result.stderr
    assert float(accuracy[1]) >= 0.96
    picture = (tmp_path / "demo_output" / "digits.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20], "big") >= 1500  # pixels wide


def test_a_missing_extra_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("raise ModuleNotFoundError(\"No module named 'rich'\", name='rich')\n")
    code = (
        "import runpy, sys; sys.path.insert(0, '.'); "
        f"runpy.run_path({str(ROOT / 'examples' / 'digits.py')!r}, run_name='__main__')"
    )
    result = run("-c", code, cwd=tmp_path)
    assert result.returncode != 0
    assert 'pip install "whence[demo]"' in result.stderr
    assert "Traceback" not in result.stderr
