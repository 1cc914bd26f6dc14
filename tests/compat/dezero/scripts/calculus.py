"""Higher derivatives, by hand-over of x.grad."""

import dezero.functions as F
import numpy as np
from dezero import Variable

x = Variable(np.linspace(-1, 2, 4))
y = F.sin(x)
y.backward(create_graph=True)
print(y)
for _ in range(4):
    print(x.grad)
    g = x.grad
    x.cleargrad()
    g.backward(create_graph=True)

x = Variable(np.array(0.5), "x")
F.tanh(x).backward(create_graph=True)
g = x.grad
g.name = "g"
x.cleargrad()
g.backward()
print(x.grad, g.name, x.name)

# a product of gradients: the gradient of (dy/dx)^3 + y
x = Variable(np.array(2.0))
y = x**2
y.backward(create_graph=True)
g = x.grad
x.cleargrad()
(g**3 + y).backward()
print(x.grad)

# whole numbers have gradients too
t = Variable(np.array([[1, 2, 3], [4, 5, 6]]))
F.sum(t * 2 + t.reshape(3, 2).T.reshape(2, 3)).backward()
print(t.grad, t.shape, t.ndim, t.size, t.dtype, len(t))
t.cleargrad()
y = F.sum(t[:, 1:], axis=0, keepdims=True)
y.backward(retain_grad=True)
print(y, y.grad, t.grad)
