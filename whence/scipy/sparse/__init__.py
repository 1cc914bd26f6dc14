"""The mirror of ``scipy.sparse``."""
