"""Will a wide network blow up at a learning rate, as narrow ones say?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from lazyscope._entry import checked
from lazyscope._estimate import Estimate
from lazyscope._plain import plain
from lazyscope._result import AbstractResult
from lazyscope.observe import Build
from lazyscope.proxy._answer import basis_of, estimates_of
from lazyscope.proxy._extrapolation import extrapolate
from lazyscope.proxy._family import ProxyFamily
from lazyscope.proxy._narrow_proxy import logarithms, proxies_of
from lazyscope.proxy._plan import transfers_of
from lazyscope.proxy._training import Training, blown_up
from lazyscope.proxy.library._network import AbstractNetwork, Numbers, Sharpness

StabilityAnswer = Literal["stable", "catapult", "diverges", "undecided"]
CATAPULT = 1.05
"""Loss over that of the start from which on its rise is a catapult."""


@final
@dataclass(frozen=True, repr=False)
class Stability(AbstractResult):
    """What becomes of a wide network at its learning rate.

    Attributes:
        answer: ``diverges`` where all narrow networks do, ``stable`` where none does and the loss does not
            rise above its start, ``catapult`` where it does and comes back; else ``undecided``.
        peak: largest loss on the way over that of the start, geometric mean over seeds.
        sharpness_first: largest eigenvalue of the kernel over n at the start, with rates in units of
            `rate`; of another loss than the squared one, of the kernel times the loss's second derivative.
        sharpness_last: the same after the training.
        limit: the sharpness above which plain descent or momentum leaves its direction, 2 / rate or
            2 (1 + momentum) / rate; None for other optimisers and for schedules.
        diverged: share of the networks of every proxy width that diverged.
        proxy_widths: m', increasing.
        width: M.
    """

    answer: StabilityAnswer
    peak: Estimate
    sharpness_first: Estimate
    sharpness_last: Estimate
    limit: float | None
    diverged: tuple[float, ...]
    proxy_widths: tuple[int, ...]
    width: int

    def to_json(self) -> dict[str, Any]:
        """A dict ready for JSON."""
        names = ("peak", "sharpness_first", "sharpness_last")
        rest = ("answer", "limit", "diverged", "proxy_widths", "width")
        return plain(
            {name: getattr(self, name) for name in rest}
            | {name: getattr(self, name).as_json() for name in names}
        )


@checked(own=("data", "build"))
def predict_stability(
    build: Build,
    data: Any,
    *,
    width: int,
    proxy_widths: Sequence[int] = (64, 128),
    seeds: int = 8,
    **training: Any,
) -> Stability:
    """Whether a wide network blows up at a learning rate, by how much its loss rises, and how sharp it ends.

    Narrow networks are trained as by `narrow_proxy`; the sharpness is measured before and after by the power
    method. Logarithms are read at 1/M on a line in 1/m'. A training diverges where its loss is not finite,
    above 10^4 times that of the start at any step, or at the end still above it: catapults come back from
    hundreds of times, and beyond that units die. `largest_stable_rate` looks for the rate instead.

    Args:
        build: as for `narrow_proxy`.
        data: as for `narrow_proxy`.
        width: M.
        proxy_widths: at least two, at most M.
        seeds: networks of every proxy width, at least 3.
        **training: fields of `Training`; ``rate`` is the one that is asked about.

    Returns:
        A `Stability`. Where a narrow network diverges, peak and last sharpness have no value.

    Raises:
        InputError: as `narrow_proxy`.

    Cost: the trainings of the narrow networks, and 120 products with the kernel of each.
    Trust: as `narrow_proxy`; sharpness to 1 %. Near the edge narrow networks and the wide one part by
    chance, which is ``undecided``.

    Example:
        >>> import jax.numpy as jnp, numpy as np
        >>> def build(width, seed):
        ...     rng = np.random.default_rng(seed)
        ...     w, v = rng.normal(size=(2, width)), rng.normal(size=(width, 1)) / width
        ...     return lambda p, x: jnp.tanh(x @ p[0]) @ p[1], (w, v)
        >>> x = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> found = predict_stability(build, (x, x[:, :1]), width=64, proxy_widths=(16, 32), seeds=3,
        ...                           steps=10, optimizer="sgd", rate=0.01)
        >>> found.answer, found.peak.value
        ('stable', 1.0)
    """
    asked = proxies_of(build, data, width, proxy_widths, seeds, training)
    family, _, widths, seeds, _ = asked
    family.check(widths[0], min(seeds, 4))
    runs = [
        [measured_stability(family, each, *family.drawn(each, seed)) for seed in range(seeds)]
        for each in widths
    ]
    basis = basis_of(seeds, widths, width)
    read = [
        estimates_of(
            extrapolate([logarithms([run[k] for run in each]) for each in runs], widths, width),
            basis,
        )[0]
        for k in range(3)
    ]
    diverged = tuple(float(np.mean([np.isnan(run[0]) for run in each])) for each in runs)
    return Stability(
        answer=_answer(diverged, read[0]),
        peak=read[0],
        sharpness_first=read[1],
        sharpness_last=read[2],
        limit=_limit(family.training),
        diverged=diverged,
        proxy_widths=widths,
        width=width,
    )


def measured_stability(
    family: ProxyFamily, width: int, network: AbstractNetwork, numbers: Numbers
) -> tuple[float, float, float]:
    """Peak, first and last sharpness of one network of a width; NaN where it diverged."""
    roles, training = family.library.roles, family.training
    speed = [each.rate for each in transfers_of(roles, "sgd", family.wide.width, width)]
    trained, found = network.train_sharp(training, numbers, speed)
    if diverged(trained.loss):
        return float("nan"), found.first, float("nan")
    return float(trained.loss.max() / trained.loss[0]), *_finite(found)


def diverged(loss: np.ndarray) -> bool:
    """Whether a training blew up, or did not come back to the loss that it started from."""
    return blown_up(loss) or bool(loss[-1] > loss[0])


def _finite(found: Sharpness) -> tuple[float, float]:
    return max(found.first, 0.0), max(found.last, 0.0)


def _answer(diverged: tuple[float, ...], peak: Estimate) -> StabilityAnswer:
    if min(diverged) == 1:
        return "diverges"
    low, high = peak.interval
    if max(diverged) > 0 or low is None or high is None:
        return "undecided"
    if high < CATAPULT:
        return "stable"
    return "catapult" if low > CATAPULT else "undecided"


def _limit(training: Training) -> float | None:
    memory = {"sgd": 0.0, "momentum": training.momentum}.get(training.optimizer)
    if memory is None or callable(training.rate):
        return None
    return 2 * (1 + memory) / float(training.rate)
