"""Standard models: parameters as elsewhere, shapes, learning."""

import numpy as np
import pytest

from whence.nn import models
from whence.nn.models.resnet import BasicBlock, Bottleneck, ResNet
from whence.random import Stream


@pytest.mark.parametrize(
    "build, count",
    [
        (models.LeNet, 61_706),
        (models.resnet18, 11_689_512),
        (models.resnet50, 25_557_032),
    ],
)
def test_numbers_of_parameters(build, count):
    model = build()
    if build is models.LeNet:
        model(np.zeros((1, 1, 28, 28), np.float32))
    assert sum(p.data.size for p in model.parameters()) == count


def test_names_are_torchvisions():
    keys = list(models.resnet18().state_dict())
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert keys[:6] == ["conv1.weight", *(f"bn1.{name}" for name in norm)]
    assert {"layer1.0.conv1.weight", "layer2.0.downsample.0.weight", "layer2.0.downsample.1.bias"} <= set(
        keys
    )
    assert keys[-2:] == ["fc.weight", "fc.bias"]
    small = models.VGG([[4], [8, 8]], width=16)
    assert {"features.0.weight", "features.5.bias", "classifier.6.weight"} <= set(small.state_dict())


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_a_resnet_learns(block):
    x = np.random.default_rng(0).normal(size=(4, 3, 32, 32)).astype(np.float32)
    model = ResNet(block, [1, 2], num_classes=3, width=4, stream=Stream(0))
    first = None
    for _ in range(4):
        loss = np.mean((model(x) - np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]) ** 2)
        for p in model.parameters():
            p.grad = None
        loss.backward()
        for p in model.parameters():
            assert p.grad is not None and p.grad.dtype == np.float32
            p.assign(p.data - 0.1 * p.grad.data)
        first = loss.item() if first is None else first
    assert loss.item() < first


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_blocks_are_pytorchs(block):
    torch = pytest.importorskip("torch")
    model = ResNet(block, [1, 1], num_classes=3, width=4, dtype=np.float64, stream=Stream(0))
    state = {key: torch.tensor(value) for key, value in model.state_dict().items()}
    x = np.random.default_rng(0).normal(size=(2, 3, 32, 32))
    f = torch.nn.functional

    def norm(y, name):
        return f.batch_norm(y, None, None, state[name + ".weight"], state[name + ".bias"], training=True)

    def conv(y, name, stride=1):
        weight = state[name + ".weight"]
        return f.conv2d(y, weight, None, stride, weight.shape[-1] // 2)

    y = f.max_pool2d(f.relu(norm(conv(torch.tensor(x), "conv1", 2), "bn1")), 3, 2, 1)
    for name, stride in (("layer1.0.", 1), ("layer2.0.", 2)):
        shortcut, z = y, y
        if name + "downsample.0.weight" in state:
            shortcut = norm(conv(y, name + "downsample.0", stride), name + "downsample.1")
        strides = (stride, 1) if block is BasicBlock else (1, stride, 1)
        for i, s in enumerate(strides, 1):
            z = norm(conv(z, f"{name}conv{i}", s), f"{name}bn{i}")
            z = f.relu(z) if i < len(strides) else z
        y = f.relu(z + shortcut)
    expected = f.linear(y.mean((2, 3)), state["fc.weight"], state["fc.bias"])
    np.testing.assert_allclose(model(x).data, expected.numpy(), atol=1e-10)


def test_vgg16_has_sixteen_layers():
    layout = models.vgg.LAYOUTS[16]
    assert sum(len(stage) for stage in layout) + 3 == 16


@pytest.mark.parametrize("size", [28, 32])
def test_lenet_learns_its_size(size):
    model = models.LeNet(stream=Stream(0))
    assert model(np.zeros((2, 1, size, size), np.float32)).shape == (2, 10)
