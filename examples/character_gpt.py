"""A GPT that reads a text character by character, and then writes on in its manner.

``python examples/character_gpt.py --text FILE --steps 2000``; without a file it reads what lies on every
machine that has Python packages: their licences. It learns their wording in a minute.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import whence
import whence.nn.functional as F
from whence import optim
from whence.data import CharTokenizer, read_text
from whence.nn.models import GPT
from whence.random import Stream


def licences(limit: int = 500_000) -> str:
    """The licences of the installed packages, each once."""
    found = set()
    for package in importlib.metadata.distributions():
        for file in package.files or ():
            if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
                path = Path(str(package.locate_file(file)))
                if path.is_file():
                    found.add(path.read_text(encoding="utf-8", errors="ignore"))
    text = "\n".join(sorted(found))[:limit]
    return "".join(c for c in text if c.isascii())  # names of authors would be rare letters


def batches(tokens: np.ndarray, context: int, size: int, stream: Stream) -> Iterator[tuple]:
    """Pieces of the text from random places, and the same one character further: (B, T) each."""
    while True:
        starts = stream.integers(0, len(tokens) - context, size)
        pieces = tokens[starts[:, None] + np.arange(context + 1)]
        yield pieces[:, :-1], pieces[:, 1:]


def loss_of(model: GPT, x: np.ndarray, t: np.ndarray) -> whence.Variable:
    """How much each next character surprises the model, in nats: the mean of ``-log p``."""
    logits = model(x)  # (B, T, V)
    return F.cross_entropy(np.reshape(logits, (t.size, -1)), t.reshape(-1))


def measured(model: GPT, tokens: np.ndarray, context: int, pieces: int = 64) -> float:
    """The loss on text that is not learnt from, always on the same pieces of it."""
    with whence.no_grad():
        return float(loss_of(model, *next(batches(tokens, context, pieces, Stream(0)))))


def surprise_by_frequency(train: np.ndarray, held: np.ndarray, size: int) -> float:
    """The loss of someone who knows only how frequent each character is."""
    frequency = np.bincount(train, minlength=size) + 1
    return float(-np.mean(np.log(frequency / frequency.sum())[held]))


def main() -> None:
    """Read, learn, and write."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--text", type=Path, help="a file to learn from")
    options.add_argument("--steps", type=int, default=1000)
    options.add_argument("--batch", type=int, default=16)
    options.add_argument("--context", type=int, default=64, help="how many characters it looks back")
    options.add_argument("--layers", type=int, default=3)
    options.add_argument("--heads", type=int, default=4)
    options.add_argument("--width", type=int, default=96)
    options.add_argument("--rate", type=float, default=3e-3)
    options.add_argument("--prompt", default="The ")
    options.add_argument("--length", type=int, default=500, help="how many characters it writes")
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()

    whence.random.seed(chosen.seed)
    text = licences() if chosen.text is None else read_text(chosen.text)
    tokenizer = CharTokenizer(text + chosen.prompt)
    tokens = tokenizer.encode(text)
    train, held = np.split(tokens, [len(tokens) * 9 // 10])
    if len(held) <= chosen.context:
        sys.exit(f"A text of {len(text)} characters is too short for a context of {chosen.context}.")

    model = GPT(len(tokenizer), chosen.context, chosen.layers, chosen.heads, chosen.width)
    optimizer = optim.AdamW(model.parameters(), lr=chosen.rate)
    schedule = optim.schedule.OneCycleLR(optimizer, max_lr=chosen.rate, total_steps=chosen.steps)
    print(
        f"{len(text):,} characters, {len(tokenizer)} different; "
        f"a GPT of {sum(p.size for p in model.parameters()):,} parameters"
    )

    started = time.perf_counter()
    supply = batches(train, chosen.context, chosen.batch, Stream(chosen.seed))
    for step in range(1, chosen.steps + 1):
        loss = loss_of(model, *next(supply))
        optimizer.zero_grad()
        loss.backward()
        optim.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step == 1 or step % max(chosen.steps // 10, 1) == 0:
            unseen = measured(model, held, chosen.context)
            seconds = time.perf_counter() - started
            print(f"step {step:5}   loss {float(loss):.3f}   unseen text {unseen:.3f}   {seconds:.0f} s")

    # Each new character costs one position: keys and values of those before it are kept.
    written = model.generate(tokenizer.encode(chosen.prompt), chosen.length, temperature=0.8)
    print(f"\n{tokenizer.decode(written)}\n")

    final = measured(model, held, chosen.context)
    frequencies = surprise_by_frequency(train, held, len(tokenizer))
    print(
        f"{final:.3f} nats to a character ({np.exp(final):.1f} equally likely ones); by frequency alone "
        f"{frequencies:.3f} ({np.exp(frequencies):.1f})"
    )
    if not final < frequencies:
        sys.exit("Nothing was learnt.")


if __name__ == "__main__":
    main()
