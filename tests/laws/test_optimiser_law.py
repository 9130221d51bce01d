"""Do layers move as the law says under optimisers, with scales and rates of widths up to a million?

Numbers of a width M are run on networks of 64 units, where what follows from them is the same.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope._jax import random_key
from lazyscope._outcome import Outcome
from lazyscope.flow import OptimiserSteps, dense_problem, trace_flow
from lazyscope.measure import displacement
from lazyscope.model import Centred, Dense
from lazyscope.scaling import displacement_exponents, growth_power, update_exponents

WIDTH, VIRTUAL = 64, 10.0 ** np.array([3.0, 4.5, 6.0])
SCALES = {"lazy": (0.25, 0.1), "partially lazy": (-0.2, -0.2)}
APART = {"lazy": 0.5, "partially lazy": 0.9}
"""Relative speeds of the layers, first over second: no correction is slower than M^-0.4."""
NUMBERS = {
    "sgd": {},
    "sign": {},
    "muon": {"epsilon": 1e-300},
    # Averages over a few steps: over a thousand, of which training takes some hundred, they do not
    # forget what gradients were before a layer grew.
    "adam": {"epsilon": 1e-300, "betas": (0.5, 0.9)},
}


def moved(name, scales, rates):
    """log10 of every layer's displacement, mean over two draws, at every virtual width."""
    rng = np.random.default_rng(0)
    x = 0.9 * np.linalg.qr(rng.normal(size=(4, 4)))[0] + 0.3 * rng.normal(size=(4, 4)) / 2
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = jnp.asarray([[1.0], [-1.0], [1.0], [-1.0]])
    model, method = Dense(4, 1, WIDTH, 1), OptimiserSteps(name, share=0.02, **NUMBERS[name])
    sizes = np.array(update_exponents(name, 2))

    def train(seed, std, speeds):
        params = model.init_from_std(random_key(seed), std)
        problem = dense_problem(Centred(model, params), params, jnp.asarray(x), y, speeds=speeds)
        problem = jax.tree.map(jnp.asarray, problem)
        run = trace_flow(problem, method, 1e-2, jnp.inf, max_steps=20_000, num_records=4)
        return run.outcome_code, displacement(params, run.params).operator

    seeds = np.repeat([[0, 1]], len(VIRTUAL), axis=0).ravel()
    widths = np.repeat(VIRTUAL, 2)[:, None]
    std = widths ** np.array(scales) / np.sqrt(WIDTH)
    speeds = widths ** (np.array(rates) + sizes) / WIDTH**sizes
    speeds /= speeds.max(axis=1, keepdims=True)
    codes, found = jax.jit(jax.vmap(train))(
        jnp.asarray(seeds), jnp.asarray(std), jnp.asarray(speeds)
    )
    assert set(np.asarray(codes).tolist()) == {Outcome.CONVERGED.value}
    return np.log10(found).reshape(len(VIRTUAL), 2, -1).mean(axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("which", SCALES)
@pytest.mark.parametrize("name", NUMBERS)
def test_displacements_have_the_exponents_of_the_law(double, name, which):
    scales, p = SCALES[which], growth_power(name)
    # The second layer has rate 1; the first the one that sets them apart as much as asked, doubled for
    # descent, whose displacements of what grows are roots.
    rates = (
        APART[which] * (p if which == "partially lazy" else 1) + p * (scales[0] - scales[1]),
        0.0,
    )
    found = moved(name, scales, rates)
    slopes = (found[-1] - found[-2]) / np.log10(VIRTUAL[-1] / VIRTUAL[-2])
    law = displacement_exponents(scales, rates, optimiser=name)
    np.testing.assert_allclose(slopes, law, atol=0.03)
