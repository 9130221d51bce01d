"""How far does a network move under cross-entropy, whose loss never reaches zero?"""

from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._jax import random_key
from lazyscope.claims._finding import Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import SLOPE_ACCURACY
from lazyscope.data import sphere_teacher
from lazyscope.measure import displacement, estimate_exponent, mean_estimate
from lazyscope.model import Dense
from lazyscope.scaling import Scheme, displacement_exponents

_SCALES = (0.125, 0.125)
_WIDTHS, _SEEDS = (64, 256, 1024, 4096, 16384), 6
FRACTIONS = (1e-1, 1e-2, 1e-3)
_MAX_STEPS = 100_000
_SAFETY = 0.25
SETTLED = 0.1
"""Largest log ratio of two displacements that count as equal."""


def entropy_rows() -> Iterator[Row]:
    """What `entropy_findings` claims."""
    design = {
        "data": "sphere-teacher, signs of the targets",
        "num_points": 4,
        "loss": "logistic",
        "centred": True,
        "scale_exponents": _SCALES,
        "widths": _WIDTHS,
        "seeds": _SEEDS,
    }
    exponent = design | {"fraction": FRACTIONS[1], "estimator": "exponent"}
    predicted = displacement_exponents(_SCALES)[0]
    rule = Rule.number(accuracy=SLOPE_ACCURACY)
    yield Row("entropy-exponent", predicted, rule, exponent, "disagrees")
    settled = design | {"widths": _WIDTHS[-1:], "fractions": FRACTIONS[1:]}
    yield Row("entropy-goes-on", 0.0, Rule.at_most(SETTLED), settled, "disagrees")


def entropy_findings() -> Iterator[Finding]:
    """Exponent at a fixed loss, and growth of the displacement as the loss falls further."""
    moved = np.array(
        [[_moved(width, seed) for seed in range(_SEEDS)] for width in _WIDTHS]
    )  # width, seed, fraction
    predicted = displacement_exponents(_SCALES)[0]
    found = estimate_exponent(np.array(_WIDTHS, float), moved[..., 1])
    basis = (
        f"{moved[..., 0].size} runs, two layers, ReLU, centred, rho = 1/4, widths {_WIDTHS[0]} to "
        f"{_WIDTHS[-1]}, signs of the targets of four points, logistic loss, descent with steps that "
        "grow as the loss falls"
    )
    yield Finding(
        name="entropy-exponent",
        claim=f"cross-entropy, to {FRACTIONS[1]:g} of the initial loss: layer 1 has the law's exponent "
        f"{predicted:g}",
        prediction=predicted,
        measured=found.estimate,
        verdict=found.estimate.agreement(predicted, accuracy=SLOPE_ACCURACY),
        expected="disagrees",
        basis=basis,
    )
    growth = np.log(moved[-1, :, 2] / moved[-1, :, 1])
    grown = mean_estimate(growth)
    yield Finding(
        name="entropy-goes-on",
        claim="cross-entropy: displacement is settled, as it is for squares; from 1e-2 to 1e-3 of the "
        f"initial loss its log grows by ≤ {SETTLED:g}",
        prediction=0.0,
        measured=grown,
        verdict=grown.at_most(SETTLED),
        expected="disagrees",
        basis=f"{basis}; width {_WIDTHS[-1]}",
        note="Outputs have to grow like the log of the inverse loss; the time at which training ends is "
        "part of the law's gap.",
        details={"moved": moved.tolist()},
    )


def _moved(width: int, seed: int) -> list[float]:
    """Relative displacement of the first layer when the loss first is below each fraction."""
    data = sphere_teacher(num_points=4, input_dim=4, seed=2)
    scheme = Scheme.from_exponents(_SCALES)
    with jax.enable_x64(True):
        model = Dense(4, 1, width, 1)
        params = model.init(random_key(seed), scheme)
        x, sign = jnp.asarray(data.x_train), jnp.sign(jnp.asarray(data.y_train[:, 0]))
        found = _train(model, params, x, sign, jnp.asarray(_step(model, params, x)))
        return np.asarray(found).tolist()


def _step(model: Dense, params, x: Float[Array, "n d"]) -> float:
    """A quarter of the stability limit at the loss log 2, where the second derivative is 1/4."""
    jacobian = jax.jacrev(lambda p: model.apply(p, x)[:, 0])(params)
    rows = jnp.concatenate([leaf.reshape(len(x), -1) for leaf in jax.tree.leaves(jacobian)], axis=1)
    largest = jnp.linalg.eigvalsh(rows @ rows.T)[-1]
    return float(_SAFETY * 2 * len(x) * 4 / largest)


@eqx.filter_jit
def _train(model: Dense, params, x, sign, step) -> Float[Array, " fractions"]:
    start = model.apply(params, x)[:, 0]

    def loss(p):
        return jnp.mean(jax.nn.softplus(-sign * (model.apply(p, x)[:, 0] - start)))

    first = loss(params)

    def go_on(state):
        return (state[1] > FRACTIONS[-1] * first) & (state[2] < _MAX_STEPS)

    def descend(state):
        p, now, count, moved = state
        # The curvature of the loss falls with the loss: the same path in fewer steps.
        eta = step * jnp.maximum(1.0, np.log(2.0) / now)
        p = jax.tree.map(lambda w, g: w - eta * g, p, jax.grad(loss)(p))
        now = loss(p)
        far = displacement(params, p).operator[0]
        passed = now <= jnp.asarray(FRACTIONS) * first
        moved = jnp.where(passed & jnp.isnan(moved), far, moved)
        return p, now, count + 1, moved

    begin = (params, first, jnp.zeros((), jnp.int32), jnp.full(len(FRACTIONS), jnp.nan))
    return jax.lax.while_loop(go_on, descend, begin)[3]
