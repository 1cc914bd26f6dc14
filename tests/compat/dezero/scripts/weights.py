"""Weights in a file, dropout and frozen layers."""

import os

import dezero.functions as F
import dezero.layers as L
import numpy as np
from dezero import Layer, optimizers, test_mode
from dezero.models import MLP
from dezero.utils import array_allclose, array_equal, gradient_check, numerical_grad

np.random.seed(0)
x = np.random.rand(4, 3).astype(np.float32)
model, other = MLP((5, 2)), MLP((5, 2))
y = model(x)
model.save_weights("weights.npz")
other(x)
other.load_weights("weights.npz")
print(array_equal(other(x), y), sorted(np.load("weights.npz").files))
os.remove("weights.npz")

with test_mode():
    print(array_equal(F.dropout(x), x))
np.random.seed(4)
print(F.dropout(np.ones((2, 6)), 0.25))

optimizer = optimizers.SGD(0.5).setup(model)
before = model.l0.W.data.copy()
F.sum(model(x)).backward()
model.l1.cleargrads()
optimizer.update()
print(array_equal(before, model.l0.W), array_allclose(before, before + 1e-7))

table = L.EmbedID(6, 2)
rows = table(np.array([1, 1, 4]))
rows.backward()
print(rows.shape, table.W.grad, isinstance(table, Layer))

z = np.random.rand(3, 2)
print(numerical_grad(F.exp, z) - np.exp(z) < 1e-6)
checked = [F.sigmoid, F.relu, F.leaky_relu, F.softmax, F.log_softmax, F.sin, F.cos, F.tanh, F.log]
print([gradient_check(f, z) for f in checked])
print(gradient_check(lambda x: F.clip(x, 0.2, 0.7), z), gradient_check(F.max, z, axis=1))
