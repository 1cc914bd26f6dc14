"""The same runs in PyTorch, recorded by ``python -m tests.optim.peer``."""

from pathlib import Path

import numpy as np

try:
    import torch
except ImportError:  # the recorded values are compared then
    torch = None

from . import problems
from .cases import OPTIMISERS, SCHEDULES, STEPS, first_values, label, slope

RECORDED = Path(__file__).parent / "recorded.npz"


def trained(case):
    """All parameters in a row after each of the steps."""
    name, keywords = case
    torch.set_default_dtype(torch.float64)  # NAdam's product is kept in it
    params = [torch.nn.Parameter(torch.tensor(value)) for value in first_values()]
    optimizer = getattr(torch.optim, name)(params, **keywords)
    rows = []
    for t in range(STEPS):
        for i, p in enumerate(params):
            p.grad = torch.tensor(slope(p.detach().numpy(), i, t))
        optimizer.step()
        rows.append(np.concatenate([p.detach().numpy().copy() for p in params], axis=None))
    return np.array(rows)


def rates(case, steps=20):
    """Rate and momentum of two groups after each step."""
    name, keywords = case
    groups = [{"params": [torch.nn.Parameter(torch.zeros(2))], "lr": lr} for lr in (0.5, 0.2)]
    optimizer = torch.optim.SGD(groups, momentum=0.9)
    schedule = getattr(torch.optim.lr_scheduler, name)(optimizer, **keywords)
    rows = []
    for t in range(steps):
        rows.append([value for group in optimizer.param_groups for value in (group["lr"], group["momentum"])])
        if t < steps - 1:
            optimizer.step()
            schedule.step()
    return np.array(rows, float)


def searched(keywords, steps=3):
    """All parameters in a row after each step of L-BFGS, and how often the loss was computed."""
    torch.set_default_dtype(torch.float64)
    params = [torch.nn.Parameter(torch.tensor(value)) for value in problems.starts()]
    optimizer = torch.optim.LBFGS(params, **keywords)

    def closure():
        optimizer.zero_grad()
        value = problems.loss(*params)
        value.backward()
        return value

    rows = []
    for _ in range(steps):
        optimizer.step(closure)
        count = optimizer.state_dict()["state"][0]["func_evals"]
        rows.append(np.concatenate([*(p.detach().numpy().copy() for p in params), count], axis=None))
    return np.array(rows)


def main():
    runs = {label(case): trained(case)[[0, 1, -1]] for case in OPTIMISERS}
    courses = {label(case): rates(case) for case in SCHEDULES}
    searches = {problems.label(case): searched(case) for case in problems.LBFGS}
    np.savez_compressed(RECORDED, **runs, **courses, **searches)


if __name__ == "__main__":
    main()
