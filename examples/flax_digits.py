"""Is a Flax NNX network on digits trained lazily? Forecast, minibatch Adam under an observer, report.

    python examples/flax_digits.py

Needs flax and optax. Writes flax_digits.json, from which ``lazyscope report`` draws a page.
"""

import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from lazyscope import (
    Observer,
    as_function,
    forecast_problem,
    function_problem,
    load_dataset,
    save_observations,
)

WIDTH, STEPS, BATCH, PROBE = 128, 400, 64, 24


class Network(nnx.Module):
    """Two hidden layers."""

    def __init__(self, rngs: nnx.Rngs):
        self.first = nnx.Linear(64, WIDTH, rngs=rngs)
        self.second = nnx.Linear(WIDTH, WIDTH, rngs=rngs)
        self.readout = nnx.Linear(WIDTH, 10, rngs=rngs)

    def __call__(self, x):
        """Outputs (n, 10) of a batch of images."""
        return self.readout(nnx.relu(self.second(nnx.relu(self.first(x)))))


data = load_dataset("digits", num_points=1024, num_test=500)
x, y = jnp.asarray(data.x_train, jnp.float32), jnp.asarray(data.y_train, jnp.float32)
network = Network(nnx.Rngs(0))
apply, params = as_function(network)  # a function of its parameters, and the parameters
probe_x, probe_y = x[:PROBE], y[:PROBE]

# 1. Before training: what would gradient flow to zero loss do on the probe points?
problem = function_problem(
    apply,
    params,
    probe_x,
    probe_y,
    groups=lambda name: name.split("'")[1],  # first, second, readout
)
ahead = forecast_problem(problem)
print("Forecast on the probe points, relative displacement (Frobenius norm):")
for name, moved in zip(problem.model.group_names, ahead.displacement, strict=True):
    print(f"  {name:8} {float(moved):.3f}")

# 2. Training is yours; the observer is shown the parameters now and then.
observer = Observer(apply, params, probe_x, probe_y)
optimizer = nnx.Optimizer(network, optax.adam(1e-3), wrt=nnx.Param)


@nnx.jit
def train_step(network, optimizer, x, y):
    """One step of Adam; returns the loss."""

    def loss(network):
        return jnp.mean(jnp.sum((network(x) - y) ** 2, axis=1)) / 2

    value, gradients = nnx.value_and_grad(loss)(network)
    optimizer.update(network, gradients)
    return value


rng = np.random.default_rng(0)
for step in range(1, STEPS + 1):
    rows = rng.integers(0, len(x), BATCH)
    loss = train_step(network, optimizer, x[rows], y[rows])
    if observer.due(step) or step == STEPS:
        observer.observe(nnx.state(network, nnx.Param), step=step, loss=loss)

# 3. What happened?
record = observer.record
summary = record.summary()
right = jnp.argmax(network(jnp.asarray(data.x_test, jnp.float32)), 1) == jnp.argmax(
    jnp.asarray(data.y_test), 1
)
print(f"\nAfter {STEPS} steps of Adam, test accuracy {float(jnp.mean(right)):.3f}:")
for name, moved in zip(summary["groups"], summary["displacement"]["operator"], strict=True):
    print(f"  {name:10} moved by {moved:.2f} of its size (operator norm)")
print(f"  kernel changed by {summary['kernel_change']:.2f} of its size,")
print(f"  its alignment with the targets is {summary['target_alignment']:.2f}")
print(f"  {summary['flipped']:.1%} of the ReLU units switched on or off")
print(f"  the linearised network misses {summary['linearisation_share']:.0%} of the motion")
print(f"Verdict: {summary['verdict']}")
print(f"Looking took {observer.share:.1%} of the training time, {len(record.looks)} looks.")

out = Path(sys.argv[1] if len(sys.argv) > 1 else "flax_digits.json")
print(f"Page: lazyscope report {save_observations(record, out)} -o flax_digits.html")
