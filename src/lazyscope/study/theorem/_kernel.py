"""How does the tangent kernel of a drawn network approach the limit that the theorem speaks of?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope._jax import own_settings, random_key
from lazyscope.kernel import FunctionKernel, LayerwiseKernel, smallest_eigenvalue
from lazyscope.measure import Estimate, ExponentEstimate, estimate_exponent
from lazyscope.model import AbstractNetwork, Dense, FunctionModel, parameter_groups
from lazyscope.scaling import Scheme
from lazyscope.study.theorem._start import LowestMode, Share, start_rows

PREDICTED = {"frobenius": -0.5, "smallest": None, "weyl": -0.5}
"""Exponents by the central limit theorem; none for lambda_min, whose second-order shift, of order 1/m
over the gaps between eigenvalues, outweighs the first-order one at widths one can afford."""

_GROUP = 4  # seeds behind one root mean square


class Start(NamedTuple):
    """What a scheme starts with at one width.

    Attributes:
        limit: its normalised limit kernels Kbar_l.
        weights: s_l (kappa phi_l / alpha_l)^2, by which they enter the kernel.
        draw: from a seed to the normalised kernels of a network that is drawn.
    """

    limit: Float[np.ndarray, "layers n n"]
    weights: Float[np.ndarray, " layers"]
    draw: Callable[[int], Float[np.ndarray, "layers n n"]]


def kernel_convergence(
    starts: Mapping[str, Sequence[Start]], *, widths: Sequence[int], seeds: int
) -> dict[str, Any]:
    """Distance of normalised kernels at the start from their limits, over widths; nothing is trained.

    Args:
        starts: of every scheme by name, at every width; the first stands for all where normalised kernels
            are compared, layer by layer of the same weight.
        widths: of the hidden layers.
        seeds: networks per width.

    Returns:
        Per width and seed, of the first scheme: ``frobenius`` |sum_l (K_l - Kbar_l)|_F / |sum_l Kbar_l|_F,
        ``smallest`` lambda_min(K) / lambda_min(sum_l Kbar_l), and ``weyl``, the operator norm of the
        difference over lambda_min: below 1/4 it proves that lambda_min is kept. Their ``exponents`` in the
        width (for ``smallest``, of the root mean square of its log over four networks), and
        ``weyl_width``, where ``weyl`` would be 1/4. ``starts``: lambda_min(K(0)) over its limit for every
        scheme, see `start_rows`.

    Raises:
        InputError: a limit kernel whose smallest eigenvalue is zero to rounding.

    Cost: a forward and a backward pass of n points per network.
    """
    found = {name: np.empty((len(widths), seeds)) for name in ("frobenius", "smallest", "weyl")}
    shares: dict[str, list[list[Share]]] = {name: [] for name in starts}
    first = next(iter(starts))
    for row, _ in enumerate(widths):
        here = {name: each[row] for name, each in starts.items()}
        modes = {name: _lowest(start) for name, start in here.items()}
        summed = here[first].limit.sum(axis=0)
        floor = float(smallest_eigenvalue(summed))
        for rows in shares.values():
            rows.append([])
        for seed in range(seeds):
            drawn = {name: start.draw(seed) for name, start in here.items()}
            for name, mode in modes.items():
                whole = np.tensordot(here[name].weights, drawn[name], 1)
                shares[name][-1].append(mode.share(whole))
            apart = drawn[first].sum(axis=0) - summed
            found["frobenius"][row, seed] = np.linalg.norm(apart) / np.linalg.norm(summed)
            found["smallest"][row, seed] = smallest_eigenvalue(summed + apart) / floor
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
    network: AbstractNetwork, x: Float[np.ndarray, "n d"], scheme: Scheme, seed: int
) -> Float[np.ndarray, "layers n n"]:
    """K_l (alpha_l / (kappa phi_l))^2 of every layer of one network of one output at its start."""
    alpha = scheme.alpha(network.width)
    own = alpha / (network.kappa(alpha) * network.leverage(alpha))
    with own_settings():
        params = network.init(random_key(seed), scheme)
        by_layer = _by_layer(network, params, jnp.asarray(x))
    return np.asarray(by_layer)[..., 0, 0] * own[:, None, None] ** 2


@eqx.filter_jit
def _by_layer(network: AbstractNetwork, params: Any, x: Any):
    if isinstance(network, Dense):
        return LayerwiseKernel(network).by_group(params, x)
    model = FunctionModel(network.apply, parameter_groups(params, network.group_names))
    return FunctionKernel(model).by_group(model.groups_of(params), x)


def _lowest(start: Start) -> LowestMode:
    """The lowest mode of the limit kernel of a scheme."""
    summed = np.tensordot(start.weights, start.limit, 1)
    if smallest_eigenvalue(summed) == 0.0:
        raise InputError(
            "the convergence of lambda_min needs a limit kernel whose lambda_min is above zero",
            received="a smallest eigenvalue that is rounding",
            cause="points that repeat, or that lie too close for the kernel to tell them apart",
            fix="use fewer points, and each of them once",
        )
    return LowestMode(summed)
