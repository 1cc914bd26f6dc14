"""What scripts rely on besides numbers: conventions, files, errors."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

import whence
import whence.compat.dezero as dezero
import whence.compat.dezero.functions as F
import whence.compat.dezero.layers as L
from whence.compat.dezero import Config, Function, Parameter, Variable, datasets, models, transforms, utils
from whence.errors import DtypeError, GraphError, MissingExtraError, NoGradientError, ShapeError, StateError

MODULES = {
    "": """
        Config DataLoader Dataset Function Layer Model Parameter SeqDataLoader Variable as_array
        as_variable no_grad setup_variable test_mode using_config
    """,
    "core": """
        Config Function Parameter Variable add as_array as_variable div mul neg no_grad pow rdiv
        rsub setup_variable sub test_mode using_config
    """,
    "core_simple": """
        Config Function Variable add as_array as_variable div mul neg no_grad pow rdiv rsub
        setup_variable sub using_config
    """,
    "cuda": """
        as_cupy as_numpy get_array_module gpu_enable
    """,
    "dataloaders": """
        DataLoader SeqDataLoader
    """,
    "datasets": """
        CIFAR10 CIFAR100 Dataset ImageNet MNIST Shakespeare SinCurve Spiral get_spiral
    """,
    "functions": """
        accuracy add average average_pooling batch_norm batch_nrom binary_cross_entropy
        broadcast_to clip col2im conv2d conv2d_simple cos deconv2d div dropout embed_id exp
        expand_dims flatten get_item im2col leaky_relu linear linear_simple log log_softmax
        matmul max mean mean_squared_error min mul neg pooling pooling_simple pow relu reshape
        rsub sigmoid sigmoid_cross_entropy sigmoid_simple sin softmax softmax_cross_entropy
        softmax_cross_entropy_simple softmax_simple sub sum sum_to tanh transpose
    """,
    "functions_conv": """
        average_pooling col2im conv2d deconv2d im2col pooling
    """,
    "layers": """
        BatchNorm Conv2d Deconv2d EmbedID LSTM Layer Linear RNN
    """,
    "models": """
        MLP Model ResNet ResNet101 ResNet152 ResNet50 Sequential VGG16
    """,
    "optimizers": """
        AdaDelta AdaGrad Adam ClipGrad FreezeParam MomentumSGD Optimizer SGD WeightDecay
    """,
    "transforms": """
        AsType CenterCrop Compose Convert Flatten Normalize RandomHorizontalFlip Resize ToArray
        ToFloat ToInt ToPIL
    """,
    "utils": """
        array_allclose array_equal cache_dir get_conv_outsize get_deconv_outsize get_dot_graph
        get_file gradient_check logsumexp numerical_grad pair plot_dot_graph sum_to
    """,
}


def test_the_names_are_there_under_the_name_of_dezero(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(Path(whence.__file__).parents[1]))
    lines = [f"from dezero{'.' * bool(m)}{m} import {', '.join(n.split())}" for m, n in MODULES.items()]
    lines.append(
        "import dezero; print(dezero.__name__, dezero.functions.sin(dezero.Variable(dezero.as_array(0.0))))"
    )
    command = [sys.executable, "-m", "whence.compat", "dezero", "-c", "\n".join(lines)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout == "whence.compat.dezero variable(0.0)\n", done.stderr


def test_a_variable_is_one_of_whences():
    x = Variable(np.array([1.0, 2.0]), name="x")
    y = np.sin(x) * whence.Variable(3.0) + np.ones(2)
    assert isinstance(y, Variable) and isinstance(x, whence.Variable)
    assert str(y) == f"variable({y.data})" and f"{y}" == str(y) and f"{y[0]:.2f}" == "3.52"
    np.concatenate([x, y]).sum().backward()
    np.testing.assert_allclose(x.grad.data, 1 + 3 * np.cos([1.0, 2.0]))
    np.testing.assert_allclose(whence.grad(lambda x: F.sum(F.exp(x)))(np.zeros(2)), 1.0)


def test_data():
    x = Variable(np.array([1.0, 2.0]))
    held = x.data
    x.data -= 1
    assert x.data is held and list(held) == [0.0, 1.0]
    x.data = np.ones((2, 2))
    assert x.shape == (2, 2)
    x.data = x * 2
    assert x.creator is None and x.data[0, 0] == 2.0
    y = x * 3
    y.data = None
    assert y.data[0, 0] == 6.0
    with pytest.raises(GraphError, match="would not fit its history"):
        y.data = np.ones(2)
    y.unchain()
    y.data = np.ones(2)
    assert isinstance(x.sum().data, np.ndarray) and x.sum().data.shape == ()
    p = Parameter(None, name="W")
    assert p.data is None and Variable(None).data is None and repr(p) == "variable(None)"
    p.data = np.ones(3)
    assert p.shape == (3,) and p.name == "W"
    x = Variable(np.array(2.0))
    (x * x).backward()
    x.data -= 0.1 * x.grad  # the gradient itself, as the first core has it
    assert x.data == pytest.approx(1.6) and type(x.data) is np.ndarray


def test_what_is_no_array_is_refused():
    for value in (1.0, [1.0], Variable(np.ones(2))):
        with pytest.raises(TypeError, match=r"Variable\(np.array\(data\)\)"):
            Variable(value)
    with pytest.raises(DtypeError):
        Variable(np.array(["a"]))


def test_gradients_are_added_and_cleared():
    x = Variable(np.array([1, 2]))
    for _ in range(2):
        y = F.sum(x * 3)
        y.backward()
        assert y.grad is None
    assert x.grad.data.tolist() == [6, 6] and x.grad.dtype == x.dtype
    F.sum(x / 2).backward()
    assert x.grad.data.tolist() == [6.5, 6.5]
    x = Variable(np.array(2.0))
    y = x**3
    z = y * 2
    z.grad = Variable(np.array(10.0))
    z.backward(retain_grad=True)
    assert (x.grad.data, y.grad.data, z.grad.data) == (240.0, 20.0, 10.0)


def test_float32_stays():
    x = Variable(np.ones((2, 2), np.float32))
    y = F.sigmoid(2.5 * x / np.sqrt(2.0) + np.array(1.0)) ** 2
    F.softmax_cross_entropy(y, np.array([0, 1])).backward()
    assert y.dtype == x.grad.dtype == np.float32


class Scaled(Function):
    """Reads plain data in backward."""

    def forward(self, x):
        return np.sin(x)

    def backward(self, gy):
        assert isinstance(gy, Variable)
        return gy * np.cos(self.inputs[0].data)


class Stored(Function):
    """Keeps something computed from its input."""

    def forward(self, x):
        self.slope = np.cos(x)
        return np.sin(x)

    def backward(self, gy):
        return gy * self.slope


def test_second_derivatives_of_plain_data_are_right_or_refused():
    x = Variable(np.array(0.5))
    Scaled()(x).backward(create_graph=True)
    g = x.grad
    x.cleargrad()
    g.backward()
    assert x.grad.data == pytest.approx(-np.sin(0.5))
    x.cleargrad()
    y = Stored()(x)
    y.backward()
    assert x.grad.data == pytest.approx(np.cos(0.5))
    with pytest.raises(NoGradientError, match=r"Stored.forward stored self.slope"):
        y.backward(create_graph=True)


def test_a_backward_that_forgets_an_input():
    class Product(Function):
        def forward(self, a, b):
            return a * b

        def backward(self, gy):
            return gy * self.inputs[1]

    y = Product()(Variable(np.array(2.0)), np.array(3.0))
    assert [x.data for x in y.creator.inputs] == [2.0, 3.0] and y.creator.outputs[0]() is y
    with pytest.raises(GraphError, match="1 gradients for 2 inputs"):
        y.backward()


def test_settings():
    x = Variable(np.array(1.0))
    with dezero.no_grad():
        assert (x * 2).creator is None and not Config.enable_backprop
    Config.enable_backprop = False
    assert (x * 2).creator is None
    Config.enable_backprop = True
    with dezero.test_mode():
        assert not Config.train and F.dropout(x) is x
    assert Config.train
    with pytest.raises(StateError, match="Config has no 'gpu'"), dezero.using_config("gpu", True):
        pass


def test_the_gpu_is_refused_by_name():
    assert not dezero.cuda.gpu_enable and dezero.cuda.get_array_module(1) is np
    assert dezero.cuda.as_numpy(Variable(np.ones(2))).sum() == 2
    loader = dezero.DataLoader([(1, 2)], 1)
    for call in (Variable(np.ones(2)).to_gpu, L.Linear(2).to_gpu, loader.to_gpu):
        with pytest.raises(MissingExtraError, match="gpu_enable"):
            call()
    with pytest.raises(MissingExtraError):
        dezero.cuda.as_cupy(1)
    L.Linear(2).to_cpu()


# --- layers and models -----------------------------------------------------------------------------


def test_a_layer_is_a_module():
    model = models.MLP((4, 2))
    model(np.ones((3, 5), np.float32))
    assert sorted(model.state_dict()) == ["l0.W", "l0.b", "l1.W", "l1.b"]
    g = whence.grad(lambda m: F.sum(m(np.ones((3, 5), np.float32))))(model)
    assert np.shape(g.l0.W) == (5, 4)
    assert len(list(model.params())) == 4 == len(list(model.parameters()))


def test_weights_that_do_not_fit_leave_the_model_as_it_was(tmp_path):
    path = tmp_path / "w.npz"
    model = models.MLP((4, 2))
    with pytest.raises(StateError, match="without values: l0/W, l1/W"):
        model.save_weights(path)
    x = np.ones((3, 5), np.float32)
    before = model(x).data
    model.save_weights(path)
    fresh = models.MLP((4, 2))
    fresh.load_weights(path)
    np.testing.assert_array_equal(fresh(x).data, before)
    other = models.MLP((4, 3))
    other(x)
    kept = other(x).data
    with pytest.raises(StateError, match=r"l1/W \(4, 2\), here \(4, 3\)"):
        other.load_weights(path)
    with pytest.raises(StateError, match="missing: l2/W, l2/b"):
        models.MLP((4, 2, 1)).load_weights(path)
    np.testing.assert_array_equal(other(x).data, kept)


def test_frozen_parameters_stay():
    model = models.MLP((4, 2))
    optimizer = dezero.optimizers.SGD(0.1).setup(model)
    optimizer.add_hook(dezero.optimizers.FreezeParam(model.l0, model.l1.b))
    F.sum(model(np.ones((3, 5), np.float32))).backward()
    before = {name: value.copy() for name, value in model.state_dict().items()}
    optimizer.update()
    changed = [name for name, value in model.state_dict().items() if not np.array_equal(value, before[name])]
    assert changed == ["l1.W"]


def test_batch_norm_keeps_statistics_that_the_optimizer_leaves():
    layer = L.BatchNorm()
    x = np.random.default_rng(0).normal(3.0, 2.0, (50, 4))
    for _ in range(40):
        F.sum(layer(x) ** 2).backward()
    assert layer.avg_mean.grad is None
    np.testing.assert_allclose(layer.avg_mean.data, x.mean(0) * (1 - 0.9**40), rtol=1e-6)
    with dezero.test_mode():
        assert abs(F.mean(layer(x)).data) < 0.1


def test_large_models():
    x = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)
    with dezero.no_grad(), dezero.test_mode():
        assert models.ResNet50()(x).shape == models.VGG16()(x).shape == (1, 1000)
    assert len(list(models.ResNet101().params())) == 104 * 5 + 3
    with pytest.raises(ShapeError, match="50, 101 or 152"):
        models.ResNet(18)
    for build in (models.VGG16, models.ResNet152):
        with pytest.raises(
            StateError, match=r"nothing is downloaded unasked[\s\S]*https://github.com/koki0702"
        ):
            build(pretrained=True)


# --- data ------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(utils, "cache_dir", str(tmp_path))
    return tmp_path


def idx(array: np.ndarray) -> bytes:
    return gzip.compress(
        bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()
    )


def test_mnist(cache):
    with pytest.raises(StateError, match=r"train-images-idx3-ubyte.gz is not there[\s\S]*get it from https"):
        datasets.MNIST()
    images = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
    (cache / "t10k-images-idx3-ubyte.gz").write_bytes(idx(images))
    (cache / "t10k-labels-idx1-ubyte.gz").write_bytes(idx(np.array([7, 1], np.uint8)))
    digits = datasets.MNIST(train=False)
    x, t = digits[1]
    np.testing.assert_allclose(x, images[1].ravel() / np.float32(255))
    assert x.dtype == np.float32 and t == 1 and len(digits) == 2 and digits.labels()[7] == "7"
    for damaged in (idx(images)[:-20], gzip.compress(b"\0\0\x08\3ab"), gzip.compress(b"hello")):
        (cache / "t10k-images-idx3-ubyte.gz").write_bytes(damaged)
        with pytest.raises(StateError, match="get it anew"):
            datasets.MNIST(train=False)


def archive(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"folder/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def test_cifar(cache):
    row = np.arange(3072) % 256
    rows = np.stack([np.r_[3, row], np.r_[9, row[::-1]]]).astype(np.uint8).tobytes()
    archive(cache / "cifar-10-binary.tar.gz", {"test_batch.bin": rows})
    pictures = datasets.CIFAR10(train=False, transform=None)
    assert pictures[1][0].shape == (3, 32, 32) and [pictures[i][1] for i in range(2)] == [3, 9]
    assert pictures.labels()[3] == "cat"
    with pytest.raises(StateError, match=r"has no 'data_batch_1.bin'"):
        datasets.CIFAR10()
    coarse = b"".join(bytes([i, 50 + i]) + bytes(3072) for i in range(2))
    archive(cache / "cifar-100-binary.tar.gz", {"train.bin": coarse, "fine_label_names.txt": b"a\nb\n"})
    assert [t for _, t in datasets.CIFAR100()] == [50, 51]
    assert datasets.CIFAR100(label_type="coarse")[1][1] == 1
    assert datasets.CIFAR100.labels() == {0: "a", 1: "b"}
    with pytest.raises(StateError, match="fine"):
        datasets.CIFAR100(label_type="other")
    (cache / "cifar-100-binary.tar.gz").write_bytes(b"no archive")
    with pytest.raises(StateError, match="damaged"):
        datasets.CIFAR100()


def test_text_and_labels(cache):
    (cache / "shakespear.txt").write_text("abca")
    text = datasets.Shakespeare()
    assert text.data.tolist() == [0, 1, 2] and text.label.tolist() == [1, 2, 0] and text.id_to_char[2] == "c"
    (cache / "imagenet1000_clsidx_to_labels.txt").write_text("{0: 'fish', 1: 'bird'}")
    assert datasets.ImageNet.labels()[1] == "bird"
    with pytest.raises(StateError, match="labels"):
        datasets.ImageNet()
    with pytest.raises(StateError, match="only https"):
        utils.get_file("http://nowhere.invalid/file", download=True)


def test_batches():
    np.random.seed(0)
    data = datasets.Spiral()
    loader = dezero.DataLoader(data, 128)
    first, second = ([t for _, t in loader] for _ in range(2))
    assert [len(t) for t in first] == [128, 128, 44] and not np.array_equal(first[0], second[0])
    assert sorted(np.concatenate(first)) == sorted(data.label)
    series = dezero.SeqDataLoader(datasets.SinCurve(train=False), 3)
    x, t = next(series)
    np.testing.assert_allclose(x[:, 0], datasets.SinCurve(train=False).data[[0, 333, 666], 0])
    np.testing.assert_array_equal(next(series)[0], t)
    with pytest.raises(IndexError, match="one number"):
        data[[1, 2]]


def test_images():
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
    picture = image.fromarray(pixels)
    array = transforms.Compose([transforms.Convert("BGR"), transforms.ToArray()])(picture)
    np.testing.assert_array_equal(array, pixels.transpose(2, 0, 1)[::-1])
    assert transforms.Resize((4, 3))(picture).size == (4, 3)
    cut = transforms.ToArray(int)(transforms.CenterCrop(4)(picture))
    np.testing.assert_array_equal(cut, pixels[1:5, 2:6].transpose(2, 0, 1))
    assert transforms.ToPIL()(pixels.transpose(2, 0, 1)).size == (8, 6)
    assert transforms.ToArray()(transforms.Convert("L")(picture)).shape == (1, 6, 8)
    assert models.VGG16.preprocess(picture, (5, 4)).shape == (3, 4, 5)
    with pytest.raises(TypeError, match="PIL image"):
        transforms.ToArray()("picture")


def test_arrays():
    x = np.arange(6.0).reshape(1, 2, 3)
    assert transforms.ToInt()(x).dtype == int
    np.testing.assert_array_equal(transforms.RandomHorizontalFlip(1.0)(x), x[..., ::-1])
    np.testing.assert_array_equal(transforms.RandomHorizontalFlip(0.0)(x), x)
    assert utils.sum_to(x, (2, 1)).tolist() == [[3.0], [12.0]]
    np.testing.assert_allclose(utils.logsumexp(x[0])[:, 0], np.log(np.exp(x[0]).sum(1)))
    assert utils.max_backward_shape(x, (0, 2)) == [1, 2, 1] and utils.max_backward_shape(x, None) == [1, 1, 1]
    g = Variable(np.ones((1, 2)))
    assert utils.reshape_sum_backward(g, (1, 2, 3), 2, False).shape == (1, 2, 1)
    with pytest.raises(ShapeError, match="cannot be summed"):
        F.sum_to(x, (4,))
    with pytest.raises(ShapeError, match="a number or a pair"):
        utils.pair("3")


# --- pictures --------------------------------------------------------------------------------------


def test_graphs(tmp_path, monkeypatch):
    x = Variable(np.array([1.0, 2.0]), name="x")
    y = F.sum(F.tanh(x) * x) + Scaled()(x)[0]
    text = utils.get_dot_graph(y)
    for name in ("Tanh", "Mul", "Sum", "Add", "Scaled", "x: (2,) float64"):
        assert f'label="{name}"' in text
    monkeypatch.setattr(utils.shutil, "which", lambda name: None)
    with pytest.raises(MissingExtraError, match="apt install graphviz"):
        utils.plot_dot_graph(y)
    monkeypatch.undo()
    if utils.shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    utils.plot_dot_graph(y, to_file=str(tmp_path / "y.png"))
    assert (tmp_path / "y.png").read_bytes().startswith(b"\x89PNG")
    models.MLP((3, 1)).plot(np.ones((2, 2)), to_file=str(tmp_path / "m.svg"))
    assert b"MatMul" in (tmp_path / "m.svg").read_bytes()
    with pytest.raises(StateError, match="dot could not draw"):
        utils.plot_dot_graph(y, to_file=str(tmp_path / "y.nonsense"))
