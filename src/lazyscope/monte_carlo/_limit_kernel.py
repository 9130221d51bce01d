"""What is the kernel of infinite width of any build, from draws at several widths?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Real
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lazyscope._checks import InputError, check_array, check_count, check_fraction, check_positive
from lazyscope._entry import checked
from lazyscope._estimate import LEVEL
from lazyscope.kernel.any_function import MEMORY
from lazyscope.measure import MIN_WIDTHS, ExponentEstimate, estimate_exponent, student_reach
from lazyscope.monte_carlo._draws import Draws, KernelName, check_draws, digest_of
from lazyscope.monte_carlo._extrapolation import Orders, entries_of, fit_corrections
from lazyscope.monte_carlo._record import Bounds, Convergence, LimitKernelEstimate
from lazyscope.monte_carlo._store import KeptKernels
from lazyscope.observe import Build

_GROUPS = 32
_MIN_DRAWS = 8
_STEEP = 0.1
"""Power of the width beyond which a kernel is said to grow or to vanish."""
_FLAT = 0.4
"""Power of the width within which that between the two largest widths must lie for it to converge."""

Say = Callable[[int, int], None]


@checked(own=("build", "x", "memory", "widths"))
def limit_kernel_estimate(
    build: Build,
    x: Real[Any, "n ..."],
    *,
    widths: Sequence[int] = (64, 128, 256, 512),
    draws: int = 64,
    kernel: KernelName = "tangent",
    orders: Orders = "any",
    level: float = LEVEL,
    seed: int = 0,
    folder: str | Path | None = None,
    memory: float = MEMORY,
    show_progress: bool = False,
    progress: Say = lambda done, total: None,
) -> LimitKernelEstimate:
    """Kernel of infinite width of any build, from draws at several widths, with intervals.

    Means over draws are extrapolated in the width by generalised least squares, averaged over the orders of
    their corrections (none, 1/m, 1/m and 1/m^2, m^-1/2, m^-1/2 and 1/m) by what the draws say about each.

    Args:
        build: ``build(width, seed)`` as for `coordinate_check` and `narrow_proxy`: (apply, params), an
            Equinox or Flax module, or a PyTorch module. Seeds differ from width to width.
        x: the points, training points first where predictions are wanted.
        widths: at least 3, increasing; a factor of 8 between the ends tells corrections apart.
        draws: at every width, at least 8.
        kernel: ``tangent``, in the mean over outputs; ``covariance``, the products of outputs in the mean
            over them, whose scatter does not fall with the width unless there are more outputs.
        orders: of corrections: ``any``, m^-1/2 among them, or ``whole``, powers of 1/m alone, which networks
            have whose other sides are fixed numbers; intervals are narrower by a third.
        level: probability that an interval covers, of each entry on its own.
        seed: others are other draws.
        folder: where finished draws are kept, so that the same call goes on where it was killed; with more
            draws or other widths it adds to them.
        memory: as for `tangent_kernel`.
        show_progress: draw a progress bar on standard error.
        progress: called with (draws done, draws in all).

    Returns:
        A `LimitKernelEstimate`: entries with intervals, `functional`, `lambda_min`, `trace`, `prediction`,
        and whether there is a limit at all.

    Raises:
        InputError: whatever `tangent_kernel` refuses; widths that are too few or not increasing; a folder of
            another question; kernels that are not finite.

    Cost: a kernel for each draw; a program is compiled once for a width where draws differ in arrays only.
    Trust: coverage of intervals is measured in ``docs/limit-estimate.md``. Corrections of another order than
    those above are not known to it, and those below the noise of the draws are not seen.
    Reference: corrections of order 1/m in Hanin & Nica 2020 (arXiv 1909.05989), Dyer & Gur-Ari 2020 (arXiv
    1909.11304); Monte Carlo for the limit as in Novak et al. 2019 (arXiv 1810.05148, section 5).

    Example:
        >>> import jax.numpy as jnp, numpy as np
        >>> def build(width, seed):
        ...     rng = np.random.default_rng(seed)
        ...     w, v = rng.normal(size=(2, width)), rng.normal(size=(width, 1))
        ...     return lambda p, x: (x @ p[0]) @ p[1] / p[1].shape[0] ** 0.5, (w, v)
        >>> x = np.array([[1.0, 0.0], [0.6, 0.8]])
        >>> found = limit_kernel_estimate(build, x, widths=(8, 16, 32), draws=64)
        >>> found.convergence, found.entry(0, 1).contains(2 * 0.6)
        ('converges', True)
    """
    widths = _checked_widths(widths)
    draws = check_count("draws", draws, minimum=_MIN_DRAWS)
    level = check_fraction("level", level)
    points: Any = x if hasattr(x, "detach") else check_array("x", x)
    drawn = Draws(build, points, kernel, seed, check_positive("memory", memory))
    plain = points.detach().cpu().numpy() if hasattr(points, "detach") else points
    kept = KeptKernels(None if folder is None else Path(folder), plain, kernel, seed)
    say = {"show_progress": show_progress, "progress": progress}
    groups = _groups(drawn, kept, widths, draws, len(points), **say)
    return estimate_of(groups, widths, draws, kernel, level, orders)


def estimate_of(
    groups: np.ndarray,
    widths: Sequence[int],
    draws: int,
    kernel: str,
    level: float,
    orders: Orders = "any",
) -> LimitKernelEstimate:
    """What means (widths, groups, n, n) of equally many draws say."""
    scale = np.asarray(widths, float)
    flat = groups.reshape(*groups.shape[:2], -1)
    sizes = np.linalg.norm(flat, axis=2)
    if not sizes.all():
        raise InputError(
            "kernels of draws must not be zero",
            received=f"{int((sizes == 0).sum())} that are zero",
            cause="an output that starts at zero (covariance), or parameters without an effect",
            fix="draw the readout at random, or ask for the tangent kernel",
        )
    power = estimate_exponent(scale, sizes, level=level)
    convergence = _convergence(power, _last_power(scale, sizes, level))
    fit = fit_corrections(flat, scale, draws, orders)
    shape = groups.shape[2:]
    value, low, high = (a.reshape(shape) for a in entries_of(flat, fit, level))
    if convergence in ("grows", "vanishes"):
        value = low = high = np.full(shape, np.nan)
    return LimitKernelEstimate(
        entries=Bounds(value, low, high, level),
        convergence=convergence,
        exponent=power.estimate,
        corrections=dict(zip(fit.names, map(float, fit.weights), strict=True)),
        widths=tuple(widths),
        draws=draws,
        kernel=kernel,
        groups=groups,
        combinations=fit.combinations,
    )


def _last_power(
    widths: Float[np.ndarray, " w"], sizes: Float[np.ndarray, "w groups"], level: float
) -> tuple[float, float]:
    """Between the two largest widths, whatever bend may come later, by Student's interval."""
    order = np.argsort(widths)[-2:]
    logs, ratio = np.log(sizes[order]), np.log(widths[order[1]] / widths[order[0]])
    step = (logs[1].mean() - logs[0].mean()) / ratio
    groups = sizes.shape[1]
    error = np.sqrt(logs.var(axis=1, ddof=1).sum() / groups) / ratio
    reach = student_reach(level, 2 * (groups - 1)) * error
    return float(step - reach), float(step + reach)


def _convergence(power: ExponentEstimate, last: tuple[float, float]) -> Convergence:
    low, high = power.estimate.interval
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    if low > _STEEP:
        return "grows"
    if high < -_STEEP:
        return "vanishes"
    flat = low <= 0.0 <= high and max(-last[0], last[1]) <= _FLAT
    return "converges" if flat else "undecided"


def _groups(
    drawn: Draws,
    kept: KeptKernels,
    widths: Sequence[int],
    draws: int,
    num_points: int,
    *,
    show_progress: bool,
    progress: Say,
) -> np.ndarray:
    """Means of equally many draws, (widths, groups, n, n); draws beyond whole groups go round again."""
    count = next(g for g in range(min(_GROUPS, draws), 0, -1) if draws % g == 0)
    count = count if count >= _MIN_DRAWS else min(_GROUPS, draws)
    total = np.zeros((len(widths), count, num_points, num_points))
    held = np.zeros((len(widths), count, 1, 1))
    check_draws(drawn, widths)
    with _bar(len(widths) * draws, show_progress, progress) as advance:
        for k, width in enumerate(widths):
            first = drawn.network(width, 0)
            kept.check_build(width, digest_of(first))
            if not k and kept.holds(width, 0):
                kept.check_kernel(width, drawn.kernel(first))
            for number in range(draws):
                found = kept.read(width, number, num_points)
                if found is None:
                    found = drawn.kernel(drawn.network(width, number))
                    kept.write(width, number, found)
                total[k, number % count] += found
                held[k, number % count] += 1
                advance()
    return total / held


@contextmanager
def _bar(total: int, show: bool, progress: Say) -> Iterator[Callable[[], None]]:
    columns = (
        TextColumn("draws"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    done = 0
    with Progress(*columns, console=Console(stderr=True), disable=not show) as bar:
        task = bar.add_task("draws", total=total)

        def advance() -> None:
            nonlocal done
            done += 1
            bar.update(task, completed=done)
            progress(done, total)

        yield advance


def _checked_widths(widths: Any) -> tuple[int, ...]:
    if not isinstance(widths, Iterable):
        raise InputError(
            "widths must be several",
            received=repr(widths),
            cause="one width, which cannot tell where larger ones go",
            fix="give for instance widths=(64, 128, 256, 512)",
        )
    found = tuple(check_count("a width", each, minimum=2) for each in widths)
    if len(found) < MIN_WIDTHS or any(b <= a for a, b in pairwise(found)):
        raise InputError(
            f"widths must be at least {MIN_WIDTHS}, and increasing",
            received=str(found),
            cause="too few widths to tell corrections apart, or an order from wide to narrow",
            fix="give for instance widths=(64, 128, 256, 512)",
        )
    return found
