"""What moves in a small transformer? One attention block on digits, the rows of an image as tokens.

    python examples/transformer.py

The tangent kernel sees inside attention: each weight's own share of it, before and after training with
Adam (Optax) in plain JAX.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lazyscope import Observer, explain_tangent_kernel, load_dataset, tangent_kernel_by_parameter

TOKENS, SIZE, WIDTH, HEADS, STEPS, PROBE = 8, 8, 32, 4, 300, 12

data = load_dataset("digits", num_points=512, num_test=0)
x = jnp.asarray(data.x_train, jnp.float32).reshape(-1, TOKENS, SIZE) * 8
y = jnp.asarray(data.y_train, jnp.float32)


def draw(key):
    """Weights of standard deviation 1 / sqrt(fan_in)."""

    def normal(fan_in, *shape):
        nonlocal key
        key, here = jax.random.split(key)
        return jax.random.normal(here, shape) / fan_in**0.5

    return {
        "embed": {"w": normal(SIZE, SIZE, WIDTH), "place": normal(4, TOKENS, WIDTH)},
        "attention": {name: normal(WIDTH, WIDTH, WIDTH) for name in ("q", "k", "v", "o")},
        "mlp": {"up": normal(WIDTH, WIDTH, 2 * WIDTH), "down": normal(2 * WIDTH, 2 * WIDTH, WIDTH)},
        "readout": {"w": normal(WIDTH, WIDTH, 10)},
    }


def norm(h):
    """Layer norm without scale and shift."""
    h = h - h.mean(-1, keepdims=True)
    return h / jnp.sqrt((h**2).mean(-1, keepdims=True) + 1e-5)


def apply(params, x):
    """Outputs (n, 10) of images (n, tokens, size)."""
    h = x @ params["embed"]["w"] + params["embed"]["place"]
    a, z = params["attention"], norm(h)
    q, k, v = (
        (z @ a[name]).reshape(*z.shape[:2], HEADS, -1).transpose(0, 2, 1, 3) for name in "qkv"
    )
    weights = jax.nn.softmax(q @ k.swapaxes(-1, -2) / np.sqrt(WIDTH / HEADS), axis=-1)
    h = h + (weights @ v).transpose(0, 2, 1, 3).reshape(h.shape) @ a["o"]
    h = h + jax.nn.relu(norm(h) @ params["mlp"]["up"]) @ params["mlp"]["down"]
    return norm(h).mean(1) @ params["readout"]["w"]


def shares(params):
    """The share of every array in the trace of the tangent kernel on the probe points."""
    kernels = tangent_kernel_by_parameter(apply, params, x[:PROBE])
    traces = jax.tree.map(lambda kernel: float(jnp.einsum("iicc->", kernel)), kernels)
    total = sum(jax.tree.leaves(traces))
    return jax.tree.map(lambda trace: trace / total, traces)


start = draw(jax.random.key(0))
print("How the kernel is computed:")
print(explain_tangent_kernel(apply, start, x[:PROBE]))

observer = Observer(
    apply,
    start,
    x[:PROBE],
    y[:PROBE],
    groups=lambda name: name.split("'")[1],  # embed, attention, mlp, readout
)
optimizer = optax.adam(1e-3)


@jax.jit
def step(params, state, x, y):
    """One step of Adam; returns the loss."""

    def loss(params):
        return jnp.mean(jnp.sum((apply(params, x) - y) ** 2, axis=1)) / 2

    value, gradients = jax.value_and_grad(loss)(params)
    updates, state = optimizer.update(gradients, state)
    return optax.apply_updates(params, updates), state, value


params, state, rng = start, optimizer.init(start), np.random.default_rng(0)
for count in range(1, STEPS + 1):
    rows = rng.integers(0, len(x), 64)
    params, state, loss = step(params, state, x[rows], y[rows])
    if observer.due(count) or count == STEPS:
        observer.observe(params, step=count, loss=loss)

summary = observer.record.summary()
print(f"\nAfter {STEPS} steps of Adam, training loss {summary['loss']['final']:.3f}:")
for name, moved in zip(summary["groups"], summary["displacement"]["operator"], strict=True):
    print(f"  {name:10} moved by {moved:.2f} of its size (operator norm)")
print(f"  kernel changed by {summary['kernel_change']:.2f} of its size")
print(f"  alignment with the targets {summary['target_alignment']:.2f}, at the start", end=" ")
print(f"{observer.record.series('target_alignment')[0]:.2f}")
print(f"Verdict: {summary['verdict']}")

print("\nShare of every array in the kernel, at the start and at the end:")
pairs = zip(
    jax.tree_util.tree_leaves_with_path(shares(start)), jax.tree.leaves(shares(params)), strict=True
)
for (path, before), after in pairs:
    print(
        f"  {jax.tree_util.keystr(path, simple=True, separator='.'):14} {before:6.1%} {after:6.1%}"
    )
