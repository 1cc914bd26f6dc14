"""Every example runs to its end, as a user would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

#: Options that make an example small enough for a test.
SMALL = {
    "character_gpt": "--steps 60 --layers 1 --width 32 --length 80",
    "digits": "--epochs 2 --accuracy 0.9",
    "neural_ode": "--steps 60 --hidden 16 --horizon 4",
    "sine_lstm": "--epochs 40 --hidden 16 --error 0.7",
    "spiral": "--epochs 20 --accuracy 0.85",
    "vae": "--epochs 4 --hidden 64 --bound 33",
    "oscillator": "--steps 250 --hidden 12 --times 24 --end 1.2",
}
PICTURES = {"gaussian_process", "neural_ode", "oscillator", "sine_lstm", "spiral", "vae"}


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},  # this checkout, whichever is installed
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example: Path, tmp_path: Path) -> None:
    options = SMALL.get(example.stem, "").split()
    if example.stem in PICTURES:
        options += ["--picture", "picture.png"]
    result = run(example, *options, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert example.stem not in PICTURES or (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_digits_by_convolutions(tmp_path: Path) -> None:
    options = ["--cnn", "--epochs", "1", "--accuracy", "0.5"]
    result = run(ROOT / "examples" / "digits.py", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_gpt_learns_a_text_by_heart(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("to be, or not to be: " * 200)
    options = "--text text --steps 300 --layers 1 --width 32 --context 32 --prompt to --length 80"
    result = run(ROOT / "examples" / "character_gpt.py", *options.split(), cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    losses = [float(found) for found in re.findall(r"unseen text (\d\.\d+)", result.stdout)]
    assert losses[0] > 2 and losses[-1] < 0.3, result.stdout
    assert "or not to be: to be, or" in result.stdout.replace("\n", " ")


def test_a_gpt_needs_more_text_than_its_context(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("short")
    result = run(ROOT / "examples" / "character_gpt.py", "--text", "text", cwd=tmp_path)
    assert result.returncode != 0 and "5 characters is too short" in result.stderr


def test_the_demo_reads_digits_and_leaves_a_picture(tmp_path: Path) -> None:
    result = run(ROOT / "examples" / "digits.py", cwd=tmp_path)
    assert "3.297442541400256" in result.stdout
    accuracy = re.search(r"Test accuracy (0\.\d+)", result.stdout)
    assert accuracy is not None, result.stdout + result.stderr
    assert float(accuracy[1]) >= 0.97
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
