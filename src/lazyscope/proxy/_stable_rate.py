"""From which learning rate on does a wide network diverge, as narrow ones say?"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope._estimate import Estimate
from lazyscope.observe import Build
from lazyscope.proxy._answer import basis_of, estimates_of
from lazyscope.proxy._extrapolation import extrapolate
from lazyscope.proxy._narrow_proxy import proxies_of
from lazyscope.proxy._stability import diverged
from lazyscope.proxy._training import Training
from lazyscope.proxy.library._network import AbstractNetwork, Numbers

RESOLUTION = 1.05
"""Factor to which the rate is found."""
DOUBLINGS = 20


@checked(own=("data", "build"))
def largest_stable_rate(
    build: Build,
    data: Any,
    *,
    width: int,
    proxy_widths: Sequence[int] = (64, 128),
    seeds: int = 4,
    **training: Any,
) -> Estimate:
    """The learning rate from which on the wide network diverges within its steps, found on narrow ones.

    Every narrow network is trained at rates between one that diverges and one that does not, which are
    brought together by halving; logarithms of the rates are read at 1/M on a line in 1/m'. A training
    diverges where its loss is not finite, above 10^4 times that of the start at any step, or at the end
    still above it.

    Args:
        build: as for `narrow_proxy`.
        data: as for `narrow_proxy`.
        width: M.
        proxy_widths: at least two, at most M.
        seeds: networks of every proxy width, at least 3.
        **training: fields of `Training`; ``rate`` is where the search begins. A schedule is multiplied
            as a whole, and the factor is what is found.

    Returns:
        The rate, or the factor of the schedule, with an interval from seeds, order and the search.

    Raises:
        InputError: as `narrow_proxy`; no rate diverges, or all do, within a factor of 2^20.

    Cost: about ten trainings of every narrow network; the wide one is drawn, not trained.
    Trust: the edge is the wide network's where instability begins in few directions at the start; rates that
    diverge late, after many steps, depend on the number of steps. Edges scatter from seed to seed, by a
    factor of 1.2 to 2 for ReLU networks: the interval says what so few seeds leave open.

    Example:
        >>> import jax.numpy as jnp, numpy as np
        >>> def build(width, seed):
        ...     rng = np.random.default_rng(seed)
        ...     w, v = rng.normal(size=(2, width)), rng.normal(size=(width, 1)) / width
        ...     return lambda p, x: jnp.tanh(x @ p[0]) @ p[1], (w, v)
        >>> x = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> found = largest_stable_rate(build, (x, x[:, :1]), width=64, proxy_widths=(16, 32), seeds=3,
        ...                             steps=40, optimizer="sgd", rate=0.01)
        >>> 0.01 < found.value < 10
        True
    """
    asked = proxies_of(build, data, width, proxy_widths, seeds, training)
    family, _, widths, seeds, _ = asked
    family.check(widths[0], seeds)
    edges = [
        np.log([rate_edge(family.training, *family.drawn(each, seed)) for seed in range(seeds)])
        for each in widths
    ]
    found = extrapolate(edges, widths, width)
    half = np.hypot(found.half_width, np.log(RESOLUTION))
    rate = family.training.rate
    unit = 1.0 if callable(rate) else float(rate)
    basis = basis_of(seeds, widths, width)
    moved = found._replace(value=found.value + np.log(unit), half_width=half)
    return estimates_of(moved, basis)[0]


def rate_edge(training: Training, network: AbstractNetwork, numbers: Numbers) -> float:
    """The factor of the rate from which on one network diverges."""
    given: Any = training.rate

    def diverges(factor: float) -> bool:
        rate = (lambda t: factor * given(t)) if callable(given) else factor * given
        return diverged(network.train(replace(training, rate=rate), numbers).loss)

    return _edge(diverges)


def _edge(diverges: Callable[[float], bool]) -> float:
    """The factor at which a trial begins to diverge, to within `RESOLUTION`."""
    began = diverges(1.0)
    step = 0.5 if began else 2.0
    factor = 1.0
    for _ in range(DOUBLINGS):
        factor *= step
        if diverges(factor) != began:
            break
    else:
        raise InputError(
            "the largest stable rate must be near the given one",
            received=f"{'divergence' if began else 'none'} at every factor up to {factor:.3g} of it",
            cause="a rate of another unit, or steps of bounded size that never leave the start",
            fix="give another rate to begin with, or more steps",
        )
    low, high = sorted((factor, factor / step))
    while high / low > RESOLUTION:
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if diverges(middle) else (middle, high)
    return float(np.sqrt(low * high))
