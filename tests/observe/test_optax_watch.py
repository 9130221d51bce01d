"""Does a loop of Optax with one line more have its record, its steps and its numbers logged?"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lazyscope import InputError
from lazyscope.observe import Cadence, Observer, OptaxWatch

X = jnp.asarray(np.random.default_rng(0).normal(size=(6, 3)), jnp.float32)
Y = jnp.ones((6, 1), jnp.float32)
START = jnp.zeros((3, 1), jnp.float32)


def train(optimizer, watch, params, state, steps):
    @jax.jit
    def step(params, state):
        loss, gradient = jax.value_and_grad(lambda w: jnp.mean((X @ w - Y) ** 2) / 2)(params)
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state, loss

    with jax.numpy_dtype_promotion("standard"):  # Optax mixes types
        for _ in range(steps):
            params, state, loss = step(params, state)
            watch(params, state, loss)
    return params, state


def test_a_loop_has_its_record_and_its_logger_what_was_seen():
    logged, optimizer = {}, optax.adam(1e-2)
    observer = Observer(lambda w, x: x @ w, START + 1, X, Y, cadence=Cadence(steps=20))
    watch = OptaxWatch(observer, lambda scalars, step: logged.__setitem__(step, scalars))
    params, _ = train(optimizer, watch, START + 1, optimizer.init(START + 1), 20)
    record = watch.observer.record
    assert len(record.looks) >= 8
    assert list(logged) == record.steps[1:].tolist()
    assert logged[20]["lazyscope/total"] == pytest.approx(record.looks[-1].measurement.total)
    assert np.isfinite(record.loss[1:]).all()
    assert not watch.finish(params)


@pytest.mark.slow
def test_a_training_that_goes_on_keeps_the_steps_of_its_optimiser():
    optimizer = optax.adam(1e-2)
    quiet = OptaxWatch(
        Observer(lambda w, x: x @ w, START, X, cadence=Cadence(at_least=1, share=1e-9))
    )
    params, state = train(optimizer, quiet, START, optimizer.init(START), 10)
    watch = OptaxWatch(Observer(lambda w, x: x @ w, params, X))
    train(optimizer, watch, params, state, 6)
    steps = watch.observer.record.steps.tolist()
    assert steps[:2] == [0, 11]
    assert steps[-1] == 16  # the next that is owed


@pytest.mark.slow
def test_updates_that_gather_gradients_count_once():
    optimizer = optax.MultiSteps(optax.sgd(1e-2), every_k_schedule=4)
    watch = OptaxWatch(Observer(lambda w, x: x @ w, START, X, cadence=Cadence(per_decade=60)))
    train(optimizer, watch, START, optimizer.init(START), 8)
    assert watch.observer.record.steps.tolist()[-1] == 2


def test_the_end_is_at_the_updates_that_were_made_not_at_the_calls():
    optimizer = optax.MultiSteps(optax.sgd(1e-2), every_k_schedule=4)
    quiet = Cadence(at_least=2, share=1e-9)  # one look, at the first update
    watch = OptaxWatch(Observer(lambda w, x: x @ w, START, X, cadence=quiet))
    params, _ = train(optimizer, watch, START, optimizer.init(START), 40)
    assert watch.finish(params)
    assert watch.observer.record.steps.tolist()[-1] == 10


def test_an_observer_of_another_kind_is_refused():
    with pytest.raises(InputError, match="watched by an Observer of a JAX function"):
        OptaxWatch(START)
