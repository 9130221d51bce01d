"""What is the Gaussian average of a function of one variable with kinks?

Composite Gauss-Legendre rules whose panels end at the kinks, halved until two successive rules
agree; a product of Gauss-Hermite rules would see a kink only to the first power of its step.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from lazyscope._checks import InputError

FARTHEST = 26.0
"""Standard deviations within which a nonlinearity is looked at; the Gaussian there is 1e-147."""

_AGREEMENT = 1e-13
_HALVINGS = 6
_CHECK_PANELS, _CHECK_ORDER = 3001, 13
_CHECK_AGREEMENT = 1e-11


def split_panels(edges: np.ndarray, parts: int) -> np.ndarray:
    """Edges (..., E) with every panel cut into `parts` equal ones."""
    fractions = np.arange(parts) / parts
    inner = edges[..., :-1, None] + np.diff(edges)[..., None] * fractions
    return np.concatenate([inner.reshape(*edges.shape[:-1], -1), edges[..., -1:]], axis=-1)


def graded_panels(edges: np.ndarray, levels: int) -> np.ndarray:
    """Edges (..., E) with panels that shrink eightfold towards both ends of every panel, `levels` times."""
    if levels == 0:
        return edges
    shrinking = 8.0 ** -np.arange(levels, 0, -1)
    fractions = np.concatenate([[0.0], shrinking, 1 - shrinking[::-1]])
    inner = edges[..., :-1, None] + np.diff(edges)[..., None] * fractions
    return np.concatenate([inner.reshape(*edges.shape[:-1], -1), edges[..., -1:]], axis=-1)


def legendre(edges: np.ndarray, order: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights (..., (E-1)*order) of the composite rule on panels with edges (..., E)."""
    unit_nodes, unit_weights = _unit_rule(order)
    middle, half = (edges[..., 1:] + edges[..., :-1]) / 2, np.diff(edges) / 2
    nodes = middle[..., None] + half[..., None] * unit_nodes
    weights = half[..., None] * unit_weights
    shape = (*edges.shape[:-1], -1)
    return nodes.reshape(shape), weights.reshape(shape)


@cache
def _unit_rule(order: int) -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(order)


def gaussian_rule(
    deviations: np.ndarray, kinks: tuple[float, ...], radius: float, halvings: int
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes z (m, N) and weights including the density: E f(s z) = sum w f(s z) for each deviation s."""
    count = int(np.ceil(radius))
    edges = np.broadcast_to(
        np.linspace(-radius, radius, 2 * count + 1), (deviations.size, 2 * count + 1)
    )
    if kinks:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            places = np.asarray(kinks) / deviations[:, None]
        places = np.clip(np.nan_to_num(places, nan=radius), -radius, radius)
        edges = np.sort(np.concatenate([edges, places], axis=1), axis=1)
    z, weights = legendre(split_panels(edges, 1 << halvings))
    return z, weights * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)


def reach(square: Callable[[np.ndarray], np.ndarray], deviations: np.ndarray, name: str) -> float:
    """Standard deviations beyond which E f(s z) of a function f >= 0 has nothing left to rounding.

    Raises:
        InputError: f is not a number somewhere, or its average over the tail does not die out.
    """
    extremes = np.unique([deviations.min(), deviations.max()])
    z, weights = gaussian_rule(extremes, (), FARTHEST, 0)
    with np.errstate(over="ignore", invalid="ignore"):
        values = square(extremes[:, None] * z)
        if np.isnan(values[np.abs(z) < 9]).any():
            raise InputError(
                f"{name} must be a number for every real input",
                received="not a number within 9 standard deviations of zero",
                cause="a logarithm or a root of negative pre-activations",
                fix="use a function defined on the whole line",
            )
        mass = np.nan_to_num(values * weights, nan=np.inf)
        share = np.array(
            [np.sum(mass, axis=1, where=np.abs(z) > r) for r in (9.0, 12.0, 16.0, 20.0, 24.0)]
        )
        total = np.sum(mass, axis=1)
        settled = np.all(share <= 1e-17 * np.where(total > 0, total, 1.0), axis=1)
    if not settled.any() or not np.isfinite(total).all():
        raise InputError(
            f"{name} must have a finite second moment under the Gaussian of its inputs",
            received=f"an average that does not die out for standard deviation {extremes[-1]:.3g}",
            cause="a function that grows like exp(u^2 / 4) or faster, or very large weights",
            fix="use a function that grows more slowly, or smaller weight_std",
        )
    return (9.0, 12.0, 16.0, 20.0, 24.0)[int(np.argmax(settled))]


def gaussian_average(
    square: Callable[[np.ndarray], np.ndarray],
    deviations: np.ndarray,
    kinks: tuple[float, ...],
    radius: float,
    name: str,
) -> np.ndarray:
    """E f(s z) for each deviation s (m,), halving panels until the value stands."""
    previous = None
    for halvings in range(_HALVINGS):
        z, weights = gaussian_rule(deviations, kinks, radius, halvings)
        with np.errstate(over="ignore", invalid="ignore"):
            value = np.sum(square(deviations[:, None] * z) * weights, axis=1)
        if previous is not None and np.all(np.abs(value - previous) <= _AGREEMENT * np.abs(value)):
            _check_elsewhere(square, deviations, kinks, radius, value, name)
            return value
        previous = value
    raise not_settled(name)


def _check_elsewhere(
    square: Callable[[np.ndarray], np.ndarray],
    deviations: np.ndarray,
    kinks: tuple[float, ...],
    radius: float,
    value: np.ndarray,
    name: str,
) -> None:
    """Refuse averages that a second rule of other order, on many panels of other places, contradicts.

    It looks at the smallest and the largest deviation, three thousand panels in each.
    """
    agreed, second = True, 0.0
    chosen = np.unique([np.argmin(deviations), np.argmax(deviations)])
    edges = np.linspace(-radius, radius * 1.000371, _CHECK_PANELS)
    for i in chosen:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            places = np.nan_to_num(np.asarray(kinks) / deviations[i], nan=radius)
            own = np.sort(np.concatenate([edges, np.clip(places, -radius, radius)]))
            for parts in (
                1,
                4,
            ):  # the finer one where features were named that the first cuts short
                z, weights = legendre(split_panels(own, parts), _CHECK_ORDER)
                density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
                second = np.sum(square(deviations[i] * z) * weights * density)
                agreed = abs(second - value[i]) <= _CHECK_AGREEMENT * abs(second)
                if agreed:
                    break
        if not agreed:
            raise InputError(
                f"two quadratures at different places must agree on the averages of {name}",
                received=f"{value[i]:.10g} and {second:.10g} for standard deviation {deviations[i]:.3g}",
                cause="a feature much narrower than the inputs spread, such as a spike, a comb or a step",
                fix="name its ends (of a smooth one also its middle) by PiecewiseSmooth(function, "
                "kinks=(...)), together with all kinks",
            )


def not_settled(name: str) -> InputError:
    """The refusal for averages that keep changing as the rule is refined."""
    return InputError(
        f"the averages of {name} must settle as the quadrature is refined",
        received="values that still change in the 13th digit on the finest rule",
        cause="a kink that was not named or found, a feature or period much narrower than the inputs spread, "
        "a singularity, or very large weights",
        fix="wrap it as PiecewiseSmooth(function, kinks=(...)) with all its kinks and the ends of narrow "
        "features; a fast oscillation has no limit kernel here, unless as 'sine'",
    )
