"""A sine continued by recurrent networks."""

import dezero.functions as F
import dezero.layers as L
import numpy as np
from dezero import Config, Model, SeqDataLoader, no_grad, optimizers, test_mode, using_config
from dezero.datasets import SinCurve


class Next(Model):
    def __init__(self, cell):
        super().__init__()
        self.cell = cell
        self.fc = L.Linear(1)

    def forward(self, x):
        return self.fc(self.cell(x))


for kind in L.RNN, L.LSTM:
    np.random.seed(0)
    series = SinCurve(train=True)
    cell = kind(8)
    batches = SeqDataLoader(series, 20)
    model = Next(cell)
    optimizer = optimizers.Adam(0.01).setup(model)
    for epoch in range(2):
        cell.reset_state()
        loss, count = 0, 0
        for x, t in batches:
            loss += F.mean_squared_error(model(x), t)
            count += 1
            if count % 25 == 0:
                model.cleargrads()
                loss.backward()
                loss.unchain_backward()
                optimizer.update()
        print(type(cell).__name__, epoch, count, float(loss.data) / count)
    cell.reset_state()
    with no_grad():
        for x in np.cos(np.arange(0, 3, 0.5)):
            y = model(np.array([[x]]))
        print(y, y.creator)

with test_mode():
    print(Config.train)
with using_config("enable_backprop", False):
    print(Config.enable_backprop)
print(Config.train, Config.enable_backprop)
