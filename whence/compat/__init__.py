"""Other libraries' names for what whence has: for programs that were written for them."""

from . import autograd as autograd
