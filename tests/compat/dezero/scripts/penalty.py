"""A loss with the norm of a gradient in it."""

import dezero.functions as F
import numpy as np
from dezero import Parameter, Variable

np.random.seed(2)
W1, W2 = Parameter(np.random.randn(3, 5)), Parameter(np.random.randn(5, 1))
for _ in range(5):
    x = Variable(np.random.randn(8, 3))
    score = F.matmul(F.tanh(F.matmul(x, W1)), W2)
    score.backward(create_graph=True)
    norms = F.sum(x.grad**2, axis=1) ** 0.5
    loss = F.sum((norms - 1) ** 2) / len(norms) + F.sum(score) / len(score)
    for p in (W1, W2):
        p.cleargrad()
    loss.backward()
    for p in (W1, W2):
        p.data -= 0.01 * p.grad.data
    print(loss, F.sum(W1 * W1), W2.T)
