"""Functions of one's own."""

import math

import dezero.functions as F
import numpy as np
from dezero import Function, Variable, as_array, as_variable


class Softplus(Function):
    def forward(self, x):
        return np.log1p(np.exp(x))

    def backward(self, gy):
        (x,) = self.inputs
        return gy * F.sigmoid(x)


class Gaussian(Function):
    def __init__(self, width):
        self.width = width

    def forward(self, x):
        return np.exp(-((x / self.width) ** 2))

    def backward(self, gy):
        x, y = self.inputs[0], self.outputs[0]()
        return gy * y * (-2 * x / self.width**2)


class Polar(Function):
    def forward(self, r, angle):
        return r * np.cos(angle), r * np.sin(angle)

    def backward(self, gx, gy):
        r, angle = self.inputs
        c, s = F.cos(angle), F.sin(angle)
        return gx * c + gy * s, r * (gy * c - gx * s)


for f in Softplus(), Gaussian(2.0):
    x = Variable(np.array([-0.5, 0.25, 1.0]))
    y = f(x)
    y.backward(create_graph=True)
    print(y, x.grad, y.creator is f, y.generation > x.generation)
    g = x.grad
    x.cleargrad()
    F.sum(g).backward()
    print(x.grad)

r, angle = Variable(np.array(2.0)), Variable(np.array(0.3))
a, b = Polar()(r, angle)
(a * b).backward()
print(a, b, r.grad, angle.grad)


def taylor_sine(x, threshold=1e-12):
    y, k = 0, 0
    while True:
        term = (-1) ** k / math.factorial(2 * k + 1) * x ** (2 * k + 1)
        y = y + term
        k += 1
        if abs(float(term.data)) < threshold:
            return y


x = Variable(np.array(1.2))
y = taylor_sine(x)
y.backward()
print(y, x.grad, as_array(2.0).shape, as_variable(np.array(3.0)))
