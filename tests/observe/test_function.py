"""Modules of libraries as functions of their parameters, and of nothing else."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import InputError, tangent_kernel
from lazyscope.observe import Observer, as_function, call_build

linen = pytest.importorskip("flax.linen")
nnx = pytest.importorskip("flax.nnx")

X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


class Normed(linen.Module):
    @linen.compact
    def __call__(self, x, train=True):
        x = linen.BatchNorm(use_running_average=not train, epsilon=0.0, use_bias=False)(x)
        return linen.Dense(2, use_bias=False)(linen.Dropout(0.5, deterministic=not train)(x))


def drawn():
    """A module with running statistics that are not those of a new one."""
    variables = Normed().init(jax.random.key(0), X, train=False)
    mean, variance = jnp.array([0.5, -1.0, 2.0]), jnp.array([0.25, 1.0, 4.0])
    return variables["params"], {"BatchNorm_0": {"mean": mean, "var": variance}}


@pytest.mark.slow
def test_the_kernel_of_a_linen_module_is_that_of_its_parameters_alone():
    params, stats = drawn()
    apply, found = as_function(Normed(), {"params": params, "batch_stats": stats}, train=False)
    kernel = tangent_kernel(apply, found, X)
    # f = (z * gain) w with z = (x - mean) / sd, by hand
    z = (X.astype(float) - [0.5, -1.0, 2.0]) / [0.5, 1.0, 2.0]
    gain = np.asarray(params["BatchNorm_0"]["scale"], float)
    w = np.asarray(params["Dense_0"]["kernel"], float)
    of_readout = np.einsum("ia,ja,cd->ijcd", z * gain, z * gain, np.eye(2))
    of_gain = np.einsum("ia,ac,ja,ad->ijcd", z, w, z, w)
    np.testing.assert_allclose(kernel, of_readout + of_gain, rtol=1e-5)


def test_variables_of_a_linen_module_are_not_all_parameters():
    params, stats = drawn()
    variables = {"params": params, "batch_stats": stats}

    def apply(variables, x):
        return Normed().apply(variables, x, train=False)

    for ask in (tangent_kernel, Observer):
        with pytest.raises(InputError, match=r"params and batch_stats.*as_function"):
            ask(apply, variables, X)


def test_buffers_of_a_linen_module_are_those_of_the_start():
    params, stats = drawn()
    variables = {"params": params, "batch_stats": jax.tree.map(np.array, stats)}
    observer = Observer(*as_function(Normed(), variables, train=False), X)
    for array in jax.tree.leaves(variables["batch_stats"]):
        array += 7
    assert observer.observe(params, step=1).measurement.kernel_change == 0


def test_linen_modules_need_their_variables_and_evaluation_mode():
    params, stats = drawn()
    with pytest.raises(InputError, match="must come with its variables"):
        as_function(Normed())
    with pytest.raises(InputError, match="dict without 'params'"):
        as_function(Normed(), params)
    with pytest.raises(InputError, match=r"Linen module must be in evaluation mode.*train=False"):
        Observer(*as_function(Normed(), {"params": params, "batch_stats": stats}), X)


def test_a_build_may_return_a_linen_module_with_its_variables():
    def build(width, seed):
        module = linen.Dense(width)
        return module, module.init(jax.random.key(seed), X), None, {"kernel": 1.0}

    described = call_build(build, 4, 0)
    assert set(described.params) == {"kernel", "bias"}
    assert described.apply(described.params, X).shape == (5, 4)
    assert described.rates == {"kernel": 1.0}


def test_modules_that_hold_their_parameters_take_no_variables():
    module = eqx.nn.Linear(3, 2, key=jax.random.key(0))
    with pytest.raises(InputError, match="belong to Flax Linen modules"):
        as_function(module, {"params": {}})
    with pytest.raises(InputError, match="train beside Linear"):
        as_function(module, train=False)


def test_dropout_of_an_equinox_module_is_refused_in_training_mode_and_off_in_evaluation():
    module = eqx.nn.Sequential([eqx.nn.Linear(3, 2, key=jax.random.key(0)), eqx.nn.Dropout(0.5)])
    with pytest.raises(InputError, match=r"evaluation mode.*inference_mode"):
        Observer(*as_function(module), X)
    apply, params = as_function(eqx.nn.inference_mode(module))
    np.testing.assert_allclose(apply(params, X), jax.vmap(module[0])(X), rtol=1e-6)


class Counted(nnx.Module):
    """Counts its calls, and switches its norm and its dropout itself."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.norm = nnx.BatchNorm(3, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.readout = nnx.Linear(3, 2, rngs=rngs)
        self.calls = nnx.Variable(jnp.zeros(()))

    def __call__(self, x):
        self.calls[...] += 1
        x = self.drop(self.norm(x, use_running_average=True), deterministic=True)
        return self.readout(x)


def test_nnx_modules_may_count_their_calls_and_are_not_changed():
    module = Counted()
    look = Observer(*as_function(module), X).observe(nnx.state(module, nnx.Param), step=1)
    assert look.measurement.total == 0
    assert float(module.calls[...]) == 0
