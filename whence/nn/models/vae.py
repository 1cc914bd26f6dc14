"""A variational autoencoder; Kingma and Welling (2014), arXiv:1312.6114."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import random
from ...random import Stream
from ..functions.activation import softplus
from ..linear import Linear
from ..module import Module
from .mlp import MLP


class VAE(Module):
    """Data x in [0, 1] explained by a few normal latent values z.

    The encoder gives mean and log-variance of q(z | x), the decoder the logits of p(x | z).

    Args:
        in_features: length of x.
        hidden: width of the hidden layer on either side.
        latent: length of z.
        dtype: of the parameters; None for the default (float32).
        stream: what first weights and noise are drawn from.

    Shapes:
        x: (B, in_features); z: (B, latent).

    Example:
        >>> import numpy as np
        >>> from whence.nn.models.vae import VAE
        >>> model = VAE(6, hidden=8, latent=2)
        >>> model.loss(np.full((5, 6), 0.5)).shape, model.sample(3).shape
        ((), (3, 6))
    """

    def __init__(
        self,
        in_features: int,
        hidden: int = 256,
        latent: int = 2,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        self.latent, self._stream = latent, stream
        self.encoder = Linear(in_features, hidden, dtype=dtype, stream=stream)
        self.mean = Linear(hidden, latent, dtype=dtype, stream=stream)
        self.log_variance = Linear(hidden, latent, dtype=dtype, stream=stream)
        self.decoder = MLP([latent, hidden, in_features], softplus, dtype=dtype, stream=stream)

    def encode(self, x: Any) -> tuple[Any, Any]:
        """Mean and log-variance of z."""
        h = softplus(self.encoder(x))
        return self.mean(h), self.log_variance(h)

    def decode(self, z: Any) -> Any:
        """The logits of x."""
        return self.decoder(z)

    def reparameterize(self, mean: Any, log_variance: Any) -> Any:
        """A draw from q as a function of its parameters: ``mean + std * noise``."""
        return mean + np.exp(log_variance / 2) * self._noise(mean.shape)

    def forward(self, x: Any) -> Any:
        """The logits of x, decoded from a draw of z."""
        return self.decode(self.reparameterize(*self.encode(x)))

    def loss(self, x: Any) -> Any:
        """Minus the evidence lower bound, the mean over the batch.

        ``-E log p(x | z) + KL(q || N(0, 1))``, the first by one draw of z, the second exactly:
        ``-1/2 sum(1 + log v - mean² - v)``; appendix B of the paper.
        """
        mean, log_variance = self.encode(x)
        logits = self.decode(self.reparameterize(mean, log_variance))
        missed = np.sum(softplus(logits) - x * logits, axis=-1)  # minus the log of Bernoulli's probability
        apart = -0.5 * np.sum(1 + log_variance - mean**2 - np.exp(log_variance), axis=-1)
        return np.mean(missed + apart)

    def sample(self, n: int) -> Any:
        """N new x: the decoder's probabilities for z from N(0, 1)."""
        return 0.5 + 0.5 * np.tanh(0.5 * self.decode(self._noise((n, self.latent))))

    def _noise(self, shape: tuple[int, ...]) -> Any:
        stream = random.default if self._stream is None else self._stream
        return stream.normal(shape, dtype=self.mean.weight.dtype)
