"""Three arms of a spiral told apart."""

import dezero
import dezero.functions as F
import numpy as np
from dezero import DataLoader, optimizers
from dezero.datasets import Spiral
from dezero.models import MLP

train, test = Spiral(train=True), Spiral(train=False)
print(*train[0], len(train))
loader, test_loader = DataLoader(train, 30), DataLoader(test, 30, shuffle=False)
model = MLP((10, 3))
optimizer = optimizers.SGD(1.0).setup(model)
for epoch in range(3):
    total, right = 0.0, 0.0
    for x, t in loader:
        y = model(x)
        loss = F.softmax_cross_entropy(y, t)
        accuracy = F.accuracy(y, t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        total += float(loss.data) * len(t)
        right += float(accuracy.data) * len(t)
    print(epoch, total / len(train), right / len(train))
    with dezero.no_grad():
        print(sum(float(F.accuracy(model(x), t).data) * len(t) for x, t in test_loader) / len(test))
print(model(np.zeros((1, 2), np.float32)).dtype)
