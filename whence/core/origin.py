"""Where things were made: from a remembered instruction to a line of the user's source.

A node remembers ``(code object, instruction offset)``, which one ``sys._getframe`` gives in about
80 ns. The file, the line and its text are worked out only when somebody asks.
"""

from __future__ import annotations

import linecache
import os
import sys
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np
import scipy

_HOUSES = tuple(
    os.path.dirname(os.path.abspath(file)) + os.sep
    for file in (os.path.dirname(os.path.abspath(__file__)), np.__file__, scipy.__file__)
)


class _Inside(dict[str, bool]):
    """Is a file name one of whence's own, NumPy's or SciPy's? Answered once for each name."""

    def __missing__(self, filename: str) -> bool:
        answer = self[filename] = os.path.abspath(filename).startswith(_HOUSES)
        return answer


INSIDE = _Inside()


class Place(NamedTuple):
    """One line of source: ``file``, ``line`` (from 1; 0 if unknown) and its ``text``."""

    file: str
    line: int
    text: str

    @property
    def where(self) -> str:
        """``file:line``, the file relative to the working directory where it lies below it."""
        return f"{_short(self.file)}:{self.line}"

    def __str__(self) -> str:
        return f"{self.where}   {self.text}" if self.text else self.where


def user_frame(depth: int = 1) -> FrameType:
    """The nearest calling frame that is not whence's own (``depth`` frames above the caller)."""
    frame = sys._getframe(depth + 1)
    outer: FrameType | None = frame
    while outer is not None and INSIDE[outer.f_code.co_filename]:
        outer = outer.f_back
    return frame if outer is None else outer


def place_of(code: CodeType | None, lasti: int) -> Place | None:
    """The source line of an instruction; None where none was remembered."""
    if code is None:
        return None
    line = 0
    for start, end, number in code.co_lines():
        if start <= lasti < end and number is not None:
            line = number
            break
    text = linecache.getline(code.co_filename, line).strip() if line else ""
    return Place(code.co_filename, line, text)


def here() -> Place | None:
    """The user's line that is running now."""
    frame = user_frame()
    return place_of(frame.f_code, frame.f_lasti)


def called_at() -> str:
    """`` (called at file:line)`` of the user's running line, for messages."""
    place = here()
    return f" (called at {place.where})" if place else ""


def made_at(edge: Any) -> str:
    """``made at file:line   text`` of whatever an edge leads to, for messages."""
    place = place_of(getattr(edge, "_code", None), getattr(edge, "_lasti", 0))
    return f"made at {place}" if place else "made at an unknown line"


def _short(filename: str) -> str:
    if filename.startswith("<"):
        return filename
    try:
        relative = os.path.relpath(filename)
    except ValueError:  # another drive
        return filename
    return filename if relative.startswith("..") else relative
