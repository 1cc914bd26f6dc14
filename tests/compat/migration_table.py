"""autograd's public names and what to write instead: the table that docs/migration.md is made from.

``python -m tests.compat.migration_table`` writes the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"


class Row(NamedTuple):
    """A name of autograd's, whence's, and what differs."""

    autograd: str
    whence: str
    note: str = ""


TABLE: dict[str, list[Row]] = {
    "Operators": [
        Row(
            "autograd.grad",
            "whence.grad",
            "`argnum=` is called `argnums=`; for complex arguments the conjugate",
        ),
        Row("autograd.value_and_grad", "whence.value_and_grad", ""),
        Row("autograd.elementwise_grad", "whence.elementwise_grad", ""),
        Row("autograd.deriv", "whence.deriv", ""),
        Row("autograd.jacobian", "whence.jacobian", "also of containers"),
        Row("autograd.holomorphic_grad", "whence.holomorphic_grad", ""),
        Row("autograd.hessian", "whence.hessian", "of scalar functions; of others `jacobian(jacobian(f))`"),
        Row("autograd.grad_named", "whence.grad", "`argnums` by position"),
        Row("autograd.grad_and_aux", "whence.grad", "`has_aux=True`"),
        Row("autograd.multigrad_dict", "whence.grad", "`argnums=(0, 1, ...)`, or one dict as the argument"),
        Row("autograd.make_vjp", "whence.vjp", "`y, pull = vjp(f, *x)`: the other way round"),
        Row("autograd.make_jvp", "whence.jvp", "`y, dy = jvp(f, (x,), (v,))`"),
        Row("autograd.differential_operators.make_jvp_reversemode", "whence.jvp", ""),
        Row("autograd.make_hvp", "whence.hvp", "`hvp(f)(x, v)`"),
        Row("autograd.hessian_tensor_product", "whence.hvp", ""),
        Row("autograd.hessian_vector_product", "whence.hvp", ""),
        Row("autograd.tensor_jacobian_product", "whence.vjp", ""),
        Row("autograd.vector_jacobian_product", "whence.vjp", ""),
        Row("autograd.make_ggnvp", "whence.ggnvp", ""),
        Row("autograd.checkpoint", "whence.checkpoint", ""),
        Row(
            "autograd.test_util.check_grads",
            "whence.testing.check_gradient",
            "tries complex steps too and names the op that is wrong",
        ),
    ],
    "Arrays": [
        Row(
            "autograd.numpy",
            "whence.numpy",
            "or plain `import numpy as np`: NumPy's functions take Variables themselves",
        ),
        Row("autograd.numpy.linalg", "whence.numpy.linalg", ""),
        Row("autograd.numpy.fft", "whence.numpy.fft", "any length, also odd"),
        Row("autograd.numpy.random", "whence.numpy.random", "Variables as parameters are refused"),
        Row(
            "autograd.numpy.array",
            "whence.numpy.array",
            "plain NumPy refuses lists of Variables; `np.stack` works in both",
        ),
        Row("autograd.numpy.numpy_boxes.ArrayBox", "whence.Variable", ""),
        Row(
            "autograd.tracer.getval",
            "whence.Variable.data",
            "`v.data`; what is computed from it is a constant",
        ),
        Row("autograd.tracer.isbox", "whence.Variable", "`isinstance(x, Variable)`"),
    ],
    "SciPy": [
        Row(
            "autograd.scipy.special",
            "whence.scipy.special",
            "SciPy's ufuncs (`scipy.special.gammaln(v)`) are called plainly",
        ),
        Row("autograd.scipy.linalg", "whence.scipy.linalg"),
        Row(
            "autograd.scipy.signal.convolve",
            "whence.scipy.signal.convolve",
            "without `axes`, `dot_axes`",
        ),
        Row("autograd.scipy.stats", "whence.scipy.stats", ""),
        Row("autograd.scipy.integrate.odeint", "whence.scipy.integrate.odeint", ""),
        Row("autograd.scipy.misc.logsumexp", "whence.scipy.special.logsumexp", ""),
    ],
    "Functions of your own": [
        Row(
            "autograd.extend.primitive",
            "whence.primitive",
            "the rules stand in the declaration: `@primitive(vjp=[lambda g, y, x: ...])`",
        ),
        Row(
            "autograd.extend.defvjp",
            "whence.primitive",
            "`lambda ans, x: lambda g: ...` becomes `lambda g, y, x: ...`; broadcasting is undone for you",
        ),
        Row("autograd.extend.defvjp_argnum", "whence.primitive", ""),
        Row(
            "autograd.extend.defvjp_argnums",
            "whence.Function",
            "a class with `forward` and `backward` gives all gradients at once",
        ),
        Row(
            "autograd.extend.defjvp", "whence.primitive", "not needed: forward mode follows from the gradient"
        ),
        Row("autograd.extend.notrace_primitive", "whence.stop_gradient", ""),
        Row("autograd.extend.vspace", "whence.tree.flatten", ""),
    ],
    "Containers and the rest": [
        Row(
            "autograd.builtins.list",
            "whence.tree.flatten",
            "Python's own lists, tuples and dicts are looked into",
        ),
        Row("autograd.builtins.isinstance", "whence.Variable", "Python's own; a Variable is not an ndarray"),
        Row(
            "autograd.misc.flatten",
            "whence.tree.flatten",
            "leaves and structure; or `whence.compat.autograd.misc.flatten`",
        ),
        Row("autograd.misc.fixed_points.fixed_point", "whence.fixed_point_of", ""),
        Row("autograd.misc.const_graph", "whence.compat.autograd.misc.const_graph", "a plain call"),
        Row("autograd.misc.optimizers.adam", "whence.compat.autograd.misc.optimizers.adam", ""),
        Row("autograd.misc.optimizers.sgd", "whence.compat.autograd.misc.optimizers.sgd", ""),
        Row("autograd.misc.optimizers.rmsprop", "whence.compat.autograd.misc.optimizers.rmsprop", ""),
    ],
}

TOP = """# From autograd to whence

Change the imports and go on:

| before | after |
| --- | --- |
| `import autograd.numpy as np` | `import whence.numpy as np`, or `import numpy as np` |
| `from autograd import grad, jacobian` | `from whence import grad, jacobian` |

Or change nothing: `python -m whence.compat autograd script.py` runs a script (`-m pytest` runs its tests)
with `autograd` mapped to whence, and `import whence.compat.autograd as autograd` gives the same in code.
"""

BOTTOM = """
## What differs, and why

`whence.compat.autograd` converts the first four; the rest is so in both.

* **Complex arguments.** autograd's gradient of a real `L` is `dL/dRe z - i dL/dIm z`; `whence.grad` gives
  the direction of steepest ascent, `dL/dRe z + i dL/dIm z`, so that `z - rate * g` goes down. Rules of
  primitives are the same in both: `g` times the derivative, without conjugates.
* **`argnum` is `argnums`**, as it may be a tuple. All other arguments keep their places.
* **A result that does not depend on the argument** raises in `whence.grad` (it is nearly always a
  `float(v)` or `v.data` too many); autograd warns and returns zeros. Write `0 * x + c` for a constant.
* **A gradient that would be NaN raises** in whence, naming the place, and where there is a limit that is
  taken: `prod` with a zero, `sinc(0)`, `norm(0)`. autograd's operators hand the NaN out.
* **Numbers read out of a function that is being differentiated**, `float(v)`, `math.exp(v)`, raise.
* **Integers are accepted** as arguments and count as float64.
* **Writing into arrays works**: `v[i] = x` and `v += x` are recorded.
* **`const_graph`** calls its function anew each time.
* **Internals** (`primitive_vjps`, nodes, traces, `VSpace.register`) have no counterpart.
* **The old spellings** `f.defgrad`, `f.defvjp`, `f.defvjp_is_zero`, `quick_grad_check` work in
  `whence.compat.autograd` only.
"""


def page() -> str:
    """The text of docs/migration.md."""
    lines = [TOP]
    for section, rows in TABLE.items():
        lines += [f"## {section}", "", "| autograd | whence | |", "| --- | --- | --- |"]
        lines += [f"| `{row.autograd}` | `{row.whence}` | {row.note} |" for row in rows]
        lines.append("")
    return "\n".join(lines) + "\n" + BOTTOM[1:]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
