"""Records what PyTorch computes for recurrent layers, attention and transformer blocks.

    python -m tests.nn.record_sequence

Each case has a module of PyTorch's, its inputs and its result: state, inputs, outputs and the gradients of
``sum(weights * outputs)`` go into ``reference/sequence.npz``, in double precision.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parent / "reference" / "sequence.npz"
ATTENTION_FILE = FILE.with_name("attention.npz")

#: name: (class, arguments, keywords)
RECURRENT: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "rnn": ("RNN", (3, 4), {}),
    "relu": ("RNN", (3, 4), {"nonlinearity": "relu", "num_layers": 2}),
    "lstm": ("LSTM", (3, 4), {"num_layers": 2, "bidirectional": True}),
    "lstm_first": ("LSTM", (3, 2), {"batch_first": True, "bias": False}),
    "lstm_projected": ("LSTM", (3, 4), {"num_layers": 2, "bidirectional": True, "proj_size": 2}),
    "gru": ("GRU", (3, 4), {"num_layers": 2, "bidirectional": True}),
    "gru_plain": ("GRU", (3, 2), {"bias": False}),
}
BLOCKS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "mha": ("MultiheadAttention", (4, 2), {}),
    "mha_bare": ("MultiheadAttention", (4, 2), {"bias": False, "batch_first": True}),
    "mha_widths": ("MultiheadAttention", (4, 2), {"kdim": 3, "vdim": 5}),
    "mha_added": ("MultiheadAttention", (4, 2), {"add_bias_kv": True, "add_zero_attn": True}),
    "encoder": ("TransformerEncoderLayer", (4, 2, 6, 0.0), {}),
    "encoder_first": ("TransformerEncoderLayer", (4, 2, 6, 0.0, "gelu"), {"norm_first": True, "bias": False}),
    "decoder": ("TransformerDecoderLayer", (4, 2, 6, 0.0), {"batch_first": True}),
}
CELLS = {"rnn_cell": "RNNCell", "lstm_cell": "LSTMCell", "gru_cell": "GRUCell"}
LENGTHS = np.array([5, 2, 3])


def arrays(name: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Input and first states of a recurrent case."""
    rng = np.random.default_rng(sum(map(ord, name)))
    if name in CELLS:
        return rng.normal(size=(5, 3)), [rng.normal(size=(5, 4)) for _ in range(1 + (name == "lstm_cell"))]
    kind, (_, hidden), options = RECURRENT[name]
    passes = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    x = rng.normal(size=(3, 5, 3) if options.get("batch_first") else (5, 3, 3))
    widths = [options.get("proj_size", hidden), *[hidden] * (kind == "LSTM")]
    return x, [rng.normal(size=(passes, 3, width)) for width in widths]


def block_arrays(name: str) -> list[np.ndarray]:
    """Inputs of a case of attention."""
    rng = np.random.default_rng(sum(map(ord, name)))
    kind, _, options = BLOCKS[name]
    if kind == "MultiheadAttention":
        widths = options.get("kdim", 4), options.get("vdim", 4)
        return [rng.normal(size=shape) for shape in ((3, 2, 4), *[(5, 2, width) for width in widths])]
    return [rng.normal(size=(3, 2, 4)) for _ in range(1 + (kind == "TransformerDecoderLayer"))]


def flat(y: Any) -> list[Any]:
    """Outputs in a row, without the tuples around them and what is None."""
    if isinstance(y, (tuple, list)):
        return [part for some in y for part in flat(some)]
    return [] if y is None else [y]


def weighted(parts: list[Any], wrap: Callable[[Any], Any]) -> Any:
    """A number that all elements of all outputs take part in."""
    rng = np.random.default_rng(0)
    return sum((part * wrap(rng.normal(size=tuple(part.shape)))).sum() for part in parts)


def run(module: Any, args: list[np.ndarray], call: Callable[..., Any]) -> dict[str, np.ndarray]:
    """State, outputs and gradients of one case, of PyTorch's."""
    torch = importlib.import_module("torch")

    inputs = [torch.tensor(a, requires_grad=True) for a in args]
    ys = flat(call(module, *inputs))
    weighted(ys, torch.tensor).backward()
    found = {f"state/{key}": value.numpy() for key, value in module.state_dict().items()}
    found |= {f"output/{k}": y.detach().numpy() for k, y in enumerate(ys)}
    found |= {f"grad/{key}": p.grad.numpy() for key, p in module.named_parameters()}
    return found | {f"input/{k}": x.grad.numpy() for k, x in enumerate(inputs)}


def recorded() -> dict[str, np.ndarray]:
    """All cases, computed by PyTorch."""
    torch = importlib.import_module("torch")

    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    found: dict[str, np.ndarray] = {}
    for name, (kind, args, options) in RECURRENT.items():
        x, states = arrays(name)
        part = run(getattr(torch.nn, kind)(*args, **options), [x, *states], called)
        found |= {f"{name}/{key}": value for key, value in part.items()}
    for name, kind in CELLS.items():
        x, states = arrays(name)
        part = run(getattr(torch.nn, kind)(3, 4), [x, *states], called)
        found |= {f"{name}/{key}": value for key, value in part.items()}
    return found


def recorded_blocks() -> dict[str, np.ndarray]:
    """Attention and transformer blocks, computed by PyTorch."""
    torch = importlib.import_module("torch")
    found: dict[str, np.ndarray] = {}
    for name, (kind, args, options) in BLOCKS.items():
        inputs = block_arrays(name)
        inputs = [a.swapaxes(0, 1) for a in inputs] if name == "mha_bare" else inputs
        module = getattr(torch.nn, kind)(*args, **options)
        part = run(module, inputs, lambda module, *xs: module(*xs))
        found |= {f"{name}/{key}": value for key, value in part.items()}
    return found


def called(module: Any, x: Any, *states: Any) -> Any:
    """A recurrent module with its first states."""
    return module(x, states if len(states) == 2 else states[0])


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, allow_pickle=False, **recorded())
    np.savez_compressed(ATTENTION_FILE, allow_pickle=False, **recorded_blocks())
