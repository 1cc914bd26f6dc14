"""autograd.scipy: ``whence.scipy`` with SciPy's own names beside it."""
