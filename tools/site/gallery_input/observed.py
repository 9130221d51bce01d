"""A training loop with Adam and minibatches, watched."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lazyscope import Observer, load_dataset, save_observations


def apply(params, x):
    """Two layers."""
    return jax.nn.relu(x @ params["first"]["w"]) @ params["readout"]["w"]


data = load_dataset("digits", num_points=256, target="parity")
x, y = (jnp.asarray(each, jnp.float32) for each in (data.x_train, data.y_train))
rng = np.random.default_rng(0)
params = {
    "first": {"w": jnp.asarray(rng.normal(size=(x.shape[1], 256)), jnp.float32)},
    "readout": {"w": jnp.asarray(rng.normal(size=(256, 1)) / 16, jnp.float32)},
}
groups = {"first": "first", "readout": "readout"}
observer = Observer(apply, params, x[:32], y[:32], groups=groups)
optimizer = optax.adam(3e-3)
state = optimizer.init(params)


@jax.jit
def step(params, state, x, y):
    """One step of Adam."""
    value, gradients = jax.value_and_grad(lambda p: jnp.mean((apply(p, x) - y) ** 2) / 2)(params)
    updates, state = optimizer.update(gradients, state)
    return optax.apply_updates(params, updates), state, value


for count in range(1, 401):
    rows = rng.integers(0, len(x), 32)
    params, state, loss = step(params, state, x[rows], y[rows])
    if observer.due(count) or count == 400:
        observer.observe(params, step=count, loss=loss)
save_observations(observer.record, "record.json")
