"""How does the tangent kernel of a drawn network approach the limit that the theorem speaks of?"""

from collections.abc import Mapping, Sequence
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
from lazyscope.study.theorem._start import LowestMode, Share, start_rows

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
    weights: Mapping[str, Sequence[Float[np.ndarray, " layers"]]] | None = None,
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
        weights: for schemes by name s_l kappa^2 / alpha_l^2 at every width; None for no scheme.

    Returns:
        Per width and seed: ``frobenius`` |sum_l (K_l - Kbar_l)|_F / |sum_l Kbar_l|_F, ``smallest``
        lambda_min(K) / lambda_min(sum_l Kbar_l), and ``weyl``, the operator norm of the difference over
        lambda_min: below 1/4 it proves that lambda_min is kept. Their ``exponents`` in the width (for
        ``smallest``, of the root mean square of its log over four networks), and ``weyl_width``, where
        ``weyl`` would be 1/4. ``starts``: lambda_min(K(0)) over its limit for every scheme, see `start_rows`.

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
    weights = weights or {}
    shares: dict[str, list[list[Share]]] = {name: [] for name in weights}
    for row, width in enumerate(widths):
        here = {name: each[row] for name, each in weights.items()}
        modes = {name: LowestMode(np.tensordot(each, limit, 1)) for name, each in here.items()}
        for rows in shares.values():
            rows.append([])
        for seed in range(seeds):
            by_layer = normalised_kernels(x, width, len(limit) - 1, activation, seed)
            for name, mode in modes.items():
                shares[name][-1].append(mode.share(np.tensordot(here[name], by_layer, 1)))
            drawn = by_layer.sum(axis=0)
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
        "starts": start_rows(shares, widths),
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


def normalised_kernels(
    x: np.ndarray, width: int, depth: int, activation: str, seed: int
) -> Float[np.ndarray, "layers n n"]:
    """K_l alpha_l^2 / kappa^2 of every layer of one network at its start."""
    with own_settings():
        model = Dense(x.shape[1], 1, width, depth, activation)
        params = model.init_from_std(random_key(seed), np.full(depth + 1, width**-0.5))
        return np.asarray(_by_layer(LayerwiseKernel(model), params, jnp.asarray(x)))[..., 0, 0]


@eqx.filter_jit
def _by_layer(kernel: LayerwiseKernel, params: Any, x: Any):
    return kernel.by_group(params, x)
