"""Data sets, and loaders that make batches of them."""
