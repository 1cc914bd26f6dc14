"""Characters as numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..core.origin import called_at
from ..errors import DataError
from .datasets.files import existing


class CharTokenizer:
    """Each character is a number: its place among the sorted characters of the text it is made from.

    >>> tokenizer = CharTokenizer("banana")
    >>> tokenizer.encode("ban"), tokenizer.decode([1, 0, 2]), len(tokenizer)
    (array([1, 0, 2]), 'ban', 3)

    Raises:
        DataError: an empty text; a character or number that the tokenizer does not have.
    """

    def __init__(self, text: Iterable[str]) -> None:
        self.characters = sorted(set(text))
        if not self.characters:
            raise DataError(f"a tokenizer needs a text with characters{called_at()}")
        self._numbers = {character: i for i, character in enumerate(self.characters)}

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> np.ndarray:
        """The numbers of the characters of ``text``."""
        try:
            return np.array([self._numbers[character] for character in text], np.int64)
        except KeyError as error:
            raise DataError(f"the character {error.args[0]!r} is not in the tokenizer{called_at()}") from None

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of these numbers."""
        numbers = [int(token) for token in tokens]
        wrong = next((n for n in numbers if not 0 <= n < len(self)), None)
        if wrong is not None:
            raise DataError(f"token {wrong} of a vocabulary of {len(self)}{called_at()}")
        return "".join(self.characters[n] for n in numbers)


def read_text(path: str | os.PathLike[str], encoding: str = "utf-8") -> str:
    """The text of a file.

    Raises:
        MissingDataError: it is not there. DataError: it is not in this encoding.
    """
    try:
        return Path(existing(path, "any text file")).read_text(encoding=encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{os.fspath(path)} is not {encoding} text: {error}{called_at()}") from error
