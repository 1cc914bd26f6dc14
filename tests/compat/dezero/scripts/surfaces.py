"""Test functions of optimisation: gradients, steepest descent, Newton."""

import numpy as np
from dezero import Variable


def goldstein_price(x, y):
    a = 1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)
    b = 30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    return a * b


def himmelblau(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


for surface in goldstein_price, himmelblau:
    x, y = Variable(np.array(1.5)), Variable(np.array(-0.5))
    z = surface(x, y)
    z.backward()
    print(surface.__name__, z, x.grad, y.grad)

x, y = Variable(np.array(0.0)), Variable(np.array(0.0))
for _ in range(50):
    z = himmelblau(x, y)
    x.cleargrad()
    y.cleargrad()
    z.backward()
    x.data -= 0.01 * x.grad.data
    y.data -= 0.01 * y.grad.data
print(x, y, z.data < 1e-6)

x = Variable(np.array(3.0))
for _ in range(7):
    f = x**4 / 4 - x**2 - 1 / (x + 5)
    x.cleargrad()
    f.backward(create_graph=True)
    slope = x.grad
    x.cleargrad()
    slope.backward()
    x.data -= slope.data / x.grad.data
    print(x)
