"""Where does the bound of the theorem hold, and how tight is it?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope.measure import CORRECTION_ORDERS, LEVEL, Estimate, mean_estimate, student_reach
from lazyscope.scaling import scheme_meaning
from lazyscope.study.theorem._factors import decided_ratios, short_factor
from lazyscope.study.theorem._settings import TheoremSettings

RATIOS = {
    "kernel_ratio": ("kernel", "bound"),
    "training_ratio": ("rate", "kernel"),
    "rate_ratio": ("rate", "bound"),
}
"""What initialization, training and both together do to the bound: one rate over another."""

_LEAST_SPARE = 3  # runs beyond the two coefficients of a line in m^-1/2


def bound_table(settings: TheoremSettings, runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per named scheme and width: the rates over the bound, with intervals over seeds.

    Args:
        settings: what was run.
        runs: run records of the named schemes.

    Returns:
        Rows with ``kappa``, ``bound``, ``limit_ratio`` (limit over bound, from closed forms), and as
        ``{"value", "interval"}`` the geometric means over seeds of ``kernel_ratio`` (K(0) over
        bound), ``training_ratio`` (measured over K(0)) and ``rate_ratio`` (measured over bound);
        ``holds``, the number of runs whose loss stays below ``exp(-bound t) R(0)`` for ever,
        ``holds_recorded``, the same while it was on record, and ``converged``. All over the derived bound;
        ``published_ratio`` is the measured rate over the published one, and ``short`` the factor that
        lies lowest where the rate falls below the derived bound, None where it does not.
    """
    rows = []
    for name in settings.schemes:
        for width in settings.widths:
            here = [r for r in runs if r["name"] == name and r["width"] == width]
            rows.append(_row(name, width, here))
    return rows


def bound_limits(
    settings: TheoremSettings,
    runs: Sequence[dict[str, Any]],
    starts: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """One row per named scheme: its exponents, and the ratios extrapolated to infinite width.

    See `extrapolated` for what an interval contains.

    Args:
        settings: what was run.
        runs: run records of the named schemes.
        starts: rows of `start_rows`; none where the limit kernels depend on the scheme.

    Returns:
        Rows with the three ratios of `RATIOS`, and in ``decided`` the measured rate over the bound in its
        ``derived`` and ``published`` form, see `decided_ratios`.
    """
    rows = []
    for name in settings.schemes:
        here = [r for r in runs if r["name"] == name]
        kappa_exponent, regime = settings.exponents(name)
        rows.append(
            {
                "name": name,
                "kappa_exponent": kappa_exponent,
                "regime": regime,
                **(found := {k: extrapolated(*_ratios(here, *pair)) for k, pair in RATIOS.items()}),
                "decided": decided_ratios(here, found, [s for s in starts if s["name"] == name]),
                "source": scheme_meaning(name)[1],
            }
        )
    return rows


def mean_ratio(values: Sequence[float], *, level: float = LEVEL) -> dict[str, Any]:
    """Geometric mean of positive values with Student's interval on the log.

    Example:
        >>> mean_ratio([1.0, 4.0])["value"]
        2.0
    """
    logs = np.log([v for v in values if v > 0])
    if len(logs) == 0:
        return _told(Estimate(None, level=level), 0)
    if len(logs) == 1:
        return _told(Estimate(float(np.exp(logs[0])), level=level, basis="one run"), 1)
    return _told(mean_estimate(logs, level=level).mapped(np.exp), len(logs))


def _told(found: Estimate, num: int) -> dict[str, Any]:
    """An estimate ready for JSON, with the number of runs."""
    return {**found.as_json(), "interval": list(found.interval), "num": num}


def extrapolated(
    widths: Float[np.ndarray, " n"], ratios: Float[np.ndarray, " n"], *, level: float = LEVEL
) -> dict[str, Any]:
    """Limit of a ratio at infinite width, from ``log ratio = a + b m^-delta`` by least squares.

    The value is exp(a) for delta = 1/2, the order of both corrections: K(0) against its limit, and
    1/kappa for kappa = sqrt(m). The interval is the hull of Student's intervals for delta = 1/4, 1/2
    and 1 and of that of the mean at the largest width: a rate that first falls to that of K(0) and
    then rises with it to the limit is not yet a straight line in any of these.

    Example:
        >>> m = np.repeat([64.0, 256.0, 1024.0], 2)
        >>> round(extrapolated(m, 2.0 * np.exp(-3.0 / np.sqrt(m)))["value"], 6)
        2.0
    """
    if len(ratios) - 2 < _LEAST_SPARE or len(set(widths.tolist())) < _LEAST_SPARE:
        return _told(Estimate(None, level=level), len(ratios))
    logs = np.log(ratios)
    fits = [_intercept(widths**-order, logs, level) for order in CORRECTION_ORDERS]
    last = mean_ratio(ratios[widths == widths.max()].tolist(), level=level)["interval"]
    ends = [end for _, low, high in fits for end in (low, high)] + [e for e in last if e]
    value = float(np.exp(fits[CORRECTION_ORDERS.index(0.5)][0]))
    basis = "hull of the fits of three orders and of the mean at the largest width"
    return _told(Estimate(value, min(ends), max(ends), level, basis=basis), len(ratios))


def _intercept(
    terms: Float[np.ndarray, " n"], logs: Float[np.ndarray, " n"], level: float
) -> tuple[float, float, float]:
    """Intercept of a line through logs, and the ends of its interval as ratios."""
    design = np.column_stack([np.ones(len(logs)), terms])
    found = np.linalg.lstsq(design, logs, rcond=None)[0]
    rest = logs - design @ found
    spare = len(logs) - 2
    variance = np.linalg.inv(design.T @ design)[0, 0] * (rest @ rest) / spare
    reach = student_reach(level, spare) * np.sqrt(variance)
    return float(found[0]), float(np.exp(found[0] - reach)), float(np.exp(found[0] + reach))


def _row(name: str, width: int, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = runs[0]
    bound, limit = first["bound"], first["limit"]
    row: dict[str, Any] = {
        "name": name,
        "width": width,
        "kappa": first["kappa"],
        "num": len(runs),
        "converged": sum(r["outcome"] == "converged" for r in runs),
        "bound": bound,
        "bound_published": first["bound_published"],
        "lambda_s": first["lambda_s"],
        "limit_ratio": limit / bound if bound and limit else None,
        "largest_displacement": mean_ratio(
            [r["largest_displacement"] for r in runs if r["largest_displacement"]]
        ),
    }
    for key, pair in RATIOS.items():
        row[key] = mean_ratio(_ratios(runs, *pair)[1].tolist())
    for key, rate in (("holds", "rate"), ("holds_recorded", "average")):
        row[key] = int((_ratios(runs, rate, "bound")[1] >= 1.0).sum())
    row["published_ratio"] = mean_ratio(_ratios(runs, "rate", "bound_published")[1].tolist())
    return row | {"short": short_factor(row)}


def _ratios(runs: Sequence[dict[str, Any]], rate: str, over: str) -> tuple[np.ndarray, np.ndarray]:
    """Widths, and one rate over another, of the runs that have both above zero."""
    known = [(r["width"], r[rate] / r[over]) for r in runs if r[rate] and r[over]]
    widths, ratios = np.array(known, float).reshape(-1, 2).T
    return widths, ratios
