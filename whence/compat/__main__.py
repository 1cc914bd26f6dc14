"""``python -m whence.compat autograd script.py``: a program, with another library's name mapped here."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from .aliases import install

LIBRARIES = ("autograd", "dezero")
USAGE = """usage: python -m whence.compat LIBRARY script.py [arguments]
       python -m whence.compat LIBRARY -m module [arguments]
       python -m whence.compat LIBRARY -c code [arguments]

LIBRARY is autograd or dezero.
"""


def main(arguments: list[str]) -> None:
    """Map the name, then run the script or module as Python would."""
    if len(arguments) < 2 or arguments[0] not in LIBRARIES:
        sys.exit(USAGE)
    install(arguments[0])
    program, *rest = arguments[1:]
    if program in ("-m", "-c"):
        if not rest:
            sys.exit(USAGE)
        target, *rest = rest
        sys.path[0] = ""
        if program == "-m":
            sys.argv = [target, *rest]
            runpy.run_module(target, run_name="__main__", alter_sys=True)
        else:
            sys.argv = ["-c", *rest]
            exec(compile(target, "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})
        return
    sys.argv = [program, *rest]
    sys.path[0] = str(Path(program).resolve().parent)
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
