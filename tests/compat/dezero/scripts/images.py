"""Convolutions, pooling, patches."""

import dezero.functions as F
import dezero.layers as L
import numpy as np
from dezero import Variable
from dezero.models import Sequential
from dezero.utils import get_conv_outsize, get_deconv_outsize, pair

np.random.seed(1)
x = Variable(np.random.randn(2, 3, 7, 6))
print(F.im2col(x, 3, 2, 1).shape, F.im2col(x, (2, 3), to_matrix=False).shape)
col = F.im2col(x, 3, 1, 1)
back = F.col2im(col * col, x.shape, 3, 1, 1)
F.sum(back * back).backward()
print(F.sum(back), F.sum(x.grad), x.grad[1, 2, 3])
x.cleargrad()

layers = [L.Conv2d(4, 3, pad=1), L.Conv2d(2, (3, 2), stride=2, nobias=True), L.Deconv2d(3, 4, 2, 1)]
for layer in layers:
    layer.dtype = np.float64
    y = layer(x)
    F.sum(y**3).backward()
    print(y.shape, F.sum(y), F.sum(layer.W.grad), F.sum(F.sin(x.grad)))
    x.cleargrad()

for pool in F.pooling, F.average_pooling:
    y = pool(x, 3, 2, 1)
    if pool is F.pooling:
        F.sum(y * y).backward()
        print(F.sum(x.grad))
        x.cleargrad()
    print(y.shape, y[0, 0])

model = Sequential(L.Conv2d(4, 3, 1, 1), F.relu, lambda x: F.pooling(x, 2, 2), F.flatten, L.Linear(3))
y = model(x.data.astype(np.float32))
loss = F.softmax_cross_entropy(y, np.array([2, 0]))
loss.backward()
print(y.shape, loss, [p.grad.shape for p in (model.l0.W, model.l4.W)], model.l0.b.grad)
print(get_conv_outsize(7, 3, 2, 1), get_deconv_outsize(4, 3, 2, 1), pair(3))
