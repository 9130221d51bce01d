"""Does an Equinox CNN train lazily if its output is scaled up? The same network at two output scales.

    python examples/equinox_cnn.py

A factor alpha in front of a network that starts at zero (f - f_0), with learning rate 1/alpha^2, makes any
network lazy: displacement falls like 1/alpha.
"""

import equinox as eqx
import jax
import jax.numpy as jnp

from lazyscope import Observer, load_dataset

CHANNELS, STEPS, PROBE = 16, 150, 16


class Network(eqx.Module):
    """Two convolutions, a mean over the image, a readout."""

    first: eqx.nn.Conv2d
    second: eqx.nn.Conv2d
    readout: eqx.nn.Linear

    def __init__(self, key):
        keys = jax.random.split(key, 3)
        self.first = eqx.nn.Conv2d(1, CHANNELS, 3, padding=1, key=keys[0])
        self.second = eqx.nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, key=keys[1])
        self.readout = eqx.nn.Linear(CHANNELS, 10, key=keys[2])

    def __call__(self, x):
        """Outputs (10,) of one image."""
        hidden = jax.nn.relu(self.second(jax.nn.relu(self.first(x.reshape(1, 8, 8)))))
        return self.readout(hidden.mean((1, 2)))


data = load_dataset("digits", num_points=128, num_test=0)
x, y = jnp.asarray(data.x_train, jnp.float32) * 8, jnp.asarray(data.y_train, jnp.float32)
network = Network(jax.random.key(0))
start, static = eqx.partition(network, eqx.is_inexact_array)


def outputs(params, x):
    """Outputs (n, 10) of the network without scale."""
    return jax.vmap(eqx.combine(params, static))(x)


def train(alpha):
    """Full-batch descent on the scaled, centred network, under an observer."""

    def apply(params, x):
        return alpha * (outputs(params, x) - outputs(start, x))

    observer = Observer(apply, start, x[:PROBE], y[:PROBE])

    @jax.jit
    def step(params, x, y):
        def loss(params):
            return jnp.mean(jnp.sum((apply(params, x) - y) ** 2, axis=1)) / 2

        value, gradients = jax.value_and_grad(loss)(params)
        return jax.tree.map(lambda p, g: p - 0.2 / alpha**2 * g, params, gradients), value

    params = start
    for count in range(1, STEPS + 1):
        params, loss = step(params, x, y)
        if observer.due(count) or count == STEPS:
            observer.observe(params, step=count, loss=loss)
    return observer.record


for alpha in (1.0, 100.0):
    summary = train(alpha).summary()
    print(f"\nOutput scale {alpha:g}: training loss {summary['loss']['final']:.3f}")
    for name, moved in zip(summary["groups"], summary["displacement"]["frobenius"], strict=True):
        print(f"  {name:8} moved by {moved:.4f} of its size (Frobenius norm)")
    print(f"  kernel change {summary['kernel_change']:.4f}")
    print(
        f"  distance from the linearised network, of the motion {summary['linearisation_share']:.4f}"
    )
    print(f"  {summary['flipped']:.2%} of the ReLU units switched on or off")
    print(f"  Verdict: {summary['verdict']}")
