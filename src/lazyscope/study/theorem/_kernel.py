"""How does the tangent kernel of a drawn network approach the limit that the theorem speaks of?"""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope._jax import own_settings, random_key
from lazyscope.kernel import LayerwiseKernel, smallest_eigenvalue
from lazyscope.measure import Estimate, ExponentEstimate, estimate_exponent
from lazyscope.model import Dense

PREDICTED = {"frobenius": -0.5, "smallest": None, "weyl": -0.5}
"""Exponents by the central limit theorem; none for lambda_min, whose second-order shift, of order 1/m
over the gaps between eigenvalues, outweighs the first-order one at widths one can afford."""

_GROUP = 4  # seeds behind one root mean square


def kernel_convergence(
    x: Float[np.ndarray, "n d"],
    limit: Float[np.ndarray, "layers n n"],
    *,
    widths: Sequence[int],
    seeds: int,
    activation: str,
) -> dict[str, Any]:
    """Distance of normalised kernels at the start from their limits, over widths; nothing is trained.

    For homogeneous activations K_l / (kappa^2 / alpha_l^2) does not depend on the scheme, so unit scales
    stand for all of them.

    Args:
        x: points.
        limit: normalised limit kernels Kbar_l.
        widths: of the hidden layers.
        seeds: networks per width.
        activation: a homogeneous nonlinearity.

    Returns:
        Per width and seed: ``frobenius`` |sum_l (K_l - Kbar_l)|_F / |sum_l Kbar_l|_F, ``smallest``
        lambda_min(K) / lambda_min(sum_l Kbar_l), and ``weyl``, the operator norm of the difference over
        lambda_min: below 1/4 it proves that lambda_min is kept. Their ``exponents`` in the width (for
        ``smallest``, of the root mean square of its log over four networks), and ``weyl_width``, where
        ``weyl`` would be 1/4.

    Raises:
        InputError: a limit kernel whose smallest eigenvalue is zero to rounding.

    Cost: a forward and a backward pass of n points per network.
    """
    summed = limit.sum(axis=0)
    floor = float(smallest_eigenvalue(summed))
    if floor == 0.0:
        raise InputError(
            "the convergence of lambda_min needs a limit kernel whose lambda_min is above zero",
            received="a smallest eigenvalue that is rounding",
            cause="points that repeat, or that lie too close for the kernel to tell them apart",
            fix="use fewer points, and each of them once",
        )
    found = {name: np.empty((len(widths), seeds)) for name in ("frobenius", "smallest", "weyl")}
    for row, width in enumerate(widths):
        for seed in range(seeds):
            drawn = _kernel(x, width, len(limit) - 1, activation, seed)
            apart = drawn - summed
            found["frobenius"][row, seed] = np.linalg.norm(apart) / np.linalg.norm(summed)
            found["smallest"][row, seed] = smallest_eigenvalue(drawn) / floor
            found["weyl"][row, seed] = np.linalg.norm(apart, 2) / floor
    groups = seeds // _GROUP if seeds >= 2 * _GROUP else 2
    logs = np.log(np.maximum(found["smallest"], 1e-12))
    parts = np.array_split(logs, groups, axis=1)
    spread = np.stack([np.sqrt((part**2).mean(axis=1)) for part in parts], axis=1)
    measured = {"frobenius": found["frobenius"], "smallest": spread, "weyl": found["weyl"]}
    exponents = {name: estimate_exponent(widths, values) for name, values in measured.items()}
    weyl = np.exp(np.log(found["weyl"]).mean(axis=1))
    return {
        "widths": list(widths),
        "seeds": seeds,
        **{name: values.tolist() for name, values in found.items()},
        "exponents": {name: _exponent_record(name, fit) for name, fit in exponents.items()},
        "weyl_width": float(widths[-1] * (weyl[-1] / 0.25) ** 2),
    }


def _exponent_record(name: str, found: ExponentEstimate) -> dict[str, Any]:
    """An exponent with its interval and verdict; its sign where no number is predicted."""
    predicted = PREDICTED[name]
    return {
        "exponent": found.exponent,
        "interval": list(found.interval),
        "estimate": Estimate(
            found.exponent,
            *found.interval,
            found.level,
            basis=f"{len(found.widths)} widths, model {found.model}",
        ).as_json(),
        "predicted": predicted,
        "verdict": found.sign_verdict() if predicted is None else found.agrees_with(predicted),
        "model": found.model,
        "note": found.note,
        **found.evidence(),
    }


def _kernel(
    x: np.ndarray, width: int, depth: int, activation: str, seed: int
) -> Float[np.ndarray, "n n"]:
    """sum_l K_l alpha_l^2 / kappa^2 of one network."""
    with own_settings():
        model = Dense(x.shape[1], 1, width, depth, activation)
        params = model.init_from_std(random_key(seed), np.full(depth + 1, width**-0.5))
        ones = jnp.ones(depth + 1, jnp.float64)
        return np.asarray(_summed(LayerwiseKernel(model), params, jnp.asarray(x), ones))[..., 0, 0]


@eqx.filter_jit
def _summed(kernel: LayerwiseKernel, params: Any, x: Any, speeds: Any):
    return kernel.summed(params, x, speeds=speeds)
