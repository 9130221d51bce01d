"""What an observer was told stays, whatever the owner of the arrays does with them next."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import InputError
from lazyscope._jax._kept import kept_params
from lazyscope.observe import Observer

POINTS, WIDTH = 5, 64
X = np.random.default_rng(0).normal(size=(POINTS, WIDTH)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(POINTS, 2)).astype(np.float32)


def network(params, x):
    return jnp.tanh(x @ params["w"]) @ params["v"]


def drawn():
    """Parameters at addresses that JAX would share rather than copy."""
    return {"w": _aligned((WIDTH, WIDTH), 2), "v": _aligned((WIDTH, 2), 3)}


def _aligned(shape, seed):
    size = 4 * int(np.prod(shape))
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    array = memory[start : start + size].view(np.float32).reshape(shape)
    array[:] = np.random.default_rng(seed).normal(size=shape) / 8
    return array


def loss(params, x=X, y=Y):
    outputs = np.tanh(x.astype(float) @ params["w"]) @ params["v"]
    return np.sum((outputs - y) ** 2) / (2 * len(x))


def test_numpy_parameters_that_are_updated_in_place_are_displaced():
    params = drawn()
    observer = Observer(network, params, X)
    for array in params.values():
        array *= 1.1
    look = observer.observe(params, step=1).measurement
    np.testing.assert_allclose(look.parameter_frobenius, 0.1, rtol=1e-5)


def test_probe_points_and_targets_are_those_of_the_start_when_a_loader_fills_its_batch_again():
    params, x, y = drawn(), _aligned(X.shape, 4), _aligned(Y.shape, 5)
    expected = loss(params, x, y)
    observer = Observer(network, params, x, y)
    x[:], y[:] = 0.0, 100.0
    look = observer.observe(params, step=1).measurement
    assert look.probe_loss == pytest.approx(expected, rel=1e-5)
    assert look.kernel_change == 0


def test_the_start_outlasts_a_step_that_donates_it():
    params = jax.tree.map(jnp.array, drawn())
    observer = Observer(network, params, X, Y)
    step = jax.jit(lambda p: jax.tree.map(lambda a: 1.1 * a, p), donate_argnums=0)
    moved = step(params)
    assert observer.observe(moved, step=1).measurement.total == pytest.approx(0.1, rel=1e-5)
    step(moved)
    with pytest.raises(InputError, match=r"must still be there.*donate_argnums"):
        observer.observe(moved, step=2)


def test_arrays_that_a_network_closes_over_are_those_of_the_start():
    table, w = _aligned((POINTS, WIDTH), 6), _aligned((WIDTH, 2), 3)
    scale = _aligned((WIDTH,), 7)
    observer = Observer(lambda w, x: (x * scale) @ w, w, table, Y)
    expected = np.sum(((table.astype(float) * scale) @ w - Y) ** 2) / (2 * POINTS)
    scale *= 3
    assert observer.observe(w, step=1).measurement.probe_loss == pytest.approx(expected, rel=1e-5)


def test_parameters_may_become_other_objects_but_not_of_another_type_or_width():
    params = drawn()
    observer = Observer(network, params, X)
    replaced = {name: jnp.array(array) for name, array in params.items()}
    assert observer.observe(replaced, step=1).measurement.total == 0
    with pytest.raises(InputError, match=r"keep the precision.*float16 for float32"):
        observer.observe(dict(params, w=params["w"].astype(np.float16)), step=2)
    with pytest.raises(InputError, match=r"v of shape \(64, 3\) for \(64, 2\)"):
        observer.observe(dict(params, v=np.ones((WIDTH, 3), np.float32)), step=2)


def test_tensors_of_another_library_are_refused_by_name():
    tensor = SimpleNamespace(dtype="torch.float32")
    with pytest.raises(InputError, match=r"arrays of JAX or NumPy.*layer of type SimpleNamespace"):
        kept_params({"layer": tensor})
