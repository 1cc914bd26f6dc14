"""Layers, activations and losses as functions, by kind; ``whence.nn.functional`` has all of their names."""
