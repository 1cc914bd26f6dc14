"""A line and a curve through noisy points."""

import dezero.functions as F
import dezero.layers as L
import numpy as np
from dezero import Model, Variable, optimizers
from dezero.models import MLP

np.random.seed(3)
x = np.random.rand(50, 1)
y = 4 - 2 * x + 0.1 * np.random.randn(50, 1)

W, b = Variable(np.zeros((1, 1))), Variable(np.zeros(1))
for _ in range(60):
    loss = F.mean_squared_error(y, F.matmul(x, W) + b)
    W.cleargrad()
    b.cleargrad()
    loss.backward()
    W.data -= 0.3 * W.grad.data
    b.data -= 0.3 * b.grad.data
print(W, b, loss)


class Curve(Model):
    def __init__(self, hidden):
        super().__init__()
        self.l1 = L.Linear(hidden, dtype=np.float64)
        self.l2 = L.Linear(1, dtype=np.float64)

    def forward(self, x):
        return self.l2(F.sigmoid(self.l1(x)))


target = np.cos(5 * x) + 0.05 * np.random.randn(50, 1)
model = Curve(8)
for i in range(100):
    loss = F.mean_squared_error(model(x), target)
    model.cleargrads()
    loss.backward()
    for p in model.params():
        p.data -= 0.2 * p.grad.data
    if i % 25 == 0:
        print(loss)
print(sorted(p.shape for p in model.params()), model.l1.W.name, model.l1.b.name)

for optimizer in (
    optimizers.SGD(0.1),
    optimizers.MomentumSGD(0.05, 0.8),
    optimizers.AdaGrad(0.1),
    optimizers.AdaDelta(),
    optimizers.Adam(0.02),
):
    np.random.seed(5)
    model = MLP((6, 1), activation=F.tanh)
    model.l0.dtype = model.l1.dtype = np.float64
    optimizer.setup(model)
    optimizer.add_hook(optimizers.WeightDecay(1e-3))
    optimizer.add_hook(optimizers.ClipGrad(0.5))
    for _ in range(30):
        loss = F.mean_squared_error(model(x), target)
        model.cleargrads()
        loss.backward()
        optimizer.update()
    print(type(optimizer).__name__, loss)
