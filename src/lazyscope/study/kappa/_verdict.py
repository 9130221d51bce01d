"""Do the runs of a kappa study agree with the law, and how sure is that?"""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from lazyscope.experiment import spread
from lazyscope.measure import LEVEL, MIN_GROUPS, Estimate, mean_estimate
from lazyscope.scaling import displacement_exponents, layer_regimes, network_regime
from lazyscope.study._protocol import stated

PREDICTED_SLOPE = -1.0
LAZY_FORECAST = 0.5
"""A slope is judged only where the forecast displacement is below this: elsewhere nothing is lazy."""

NUM_KAPPAS = 4
"""How many of the largest kappas a slope is fitted to: the law is a limit, so they count."""


CORRECTION = 5.0
"""Size b of the first correction b phi of a log displacement at forecast phi that is granted beforehand."""

SAME_SLOPE = 1e-6
"""Slopes by scales this near to the predicted one are the predicted one."""


class Quantity(NamedTuple):
    """What of a run is judged: keys of its value measured, forecast and by the law, and its name."""

    measured: str
    forecast: str
    by_law: str
    words: str


DISPLACEMENT = Quantity(
    "largest_displacement",
    "largest_forecast",
    "largest_by_law",
    "the largest relative displacement",
)
WEIGHED = Quantity(
    "largest_weighed",
    "largest_weighed_forecast",
    "largest_weighed_by_law",
    "the largest displacement times leverage",
)


def judge(
    runs: list[dict[str, Any]],
    spreads: Sequence[str],
    depth: int,
    *,
    accuracy: float,
    homogeneous: bool = True,
    outside: Mapping[str, str] = MappingProxyType({}),
    optimiser: str = "sgd",
) -> dict[str, Any]:
    """Fits, collapse, schemes and verdict of a kappa study, from its run records.

    The law says: largest relative displacement D ~ 1/kappa once training is lazy. It is a limit. Its
    first correction is proportional to the forecast displacement phi, which is itself proportional to
    1/kappa, so that every (width, seed) gets a slope s of its own from::

        log D = const + s log kappa + b phi,      the largest four kappas

    with b known beforehand to be of order one, about `CORRECTION` at most, against an error of log D of
    `accuracy`: where phi is tiny, b phi cannot stand for a bend that has another cause.

    Beside it stands the slope of the law of scales, (1/kappa) max_g (s phi/alpha^2) / sum_g (s phi^2 /
    alpha^2): -1 where kappa is the product of all scales, another one where the shares of the groups in
    the kernel change on the way.

    The interval of a spread is Student's t over these slopes, widened by what the solver's accuracy
    could do, 2 accuracy / log(kappa_max / kappa_min), and by how far the slope of the law of scales is
    from -1 over these kappas: so much is known to be left of the way to the limit. One spread that
    disagrees contradicts the law, so that the k intervals judged hold together at 95 %: each has the
    level 1 - 0.05/k (Bonferroni).

    Args:
        runs: run records.
        spreads: names of the ways to spread kappa.
        depth: drawn layers less one.
        accuracy: relative accuracy of a measured displacement.
        homogeneous: whether kappa is the product of all scales, so that there are regimes.
        outside: why the law does not speak of a spread, by its name; such spreads are fitted, and count
            nowhere.
        optimiser: whose rates the speeds are.

    Returns:
        ``fits``, ``collapse``, ``schemes`` and ``verdict``; and the first two and the last again under
        ``weighed``, for displacements times leverage, None where every leverage is one.
    """
    record = partial(_scheme_record, optimiser=optimiser) if homogeneous else _spread_record
    differ = any(value != 1.0 for r in runs for value in r.get("leverage", ()))
    how = (runs, spreads, outside, accuracy)
    return _judged(*how, DISPLACEMENT) | {
        "schemes": [record(name, depth) for name in spreads],
        "weighed": _judged(*how, WEIGHED) if differ else None,
    }


def _judged(
    runs: list[dict[str, Any]],
    spreads: Sequence[str],
    outside: Mapping[str, str],
    accuracy: float,
    quantity: Quantity,
) -> dict[str, Any]:
    level = joint_level(sum(not outside.get(name) for name in spreads))
    fits = [
        _fit(name, [r for r in runs if r["spread"] == name], accuracy, quantity, level)
        | ({"verdict": "outside", "note": outside[name]} if outside.get(name) else {})
        for name in spreads
    ]
    collapse = _collapse(runs, quantity)
    return {
        "fits": fits,
        "collapse": collapse,
        "verdict": _verdict(runs, fits, collapse, quantity),
    }


def joint_level(count: int) -> float:
    """The level of each of `count` intervals that all hold with probability `LEVEL` (Bonferroni)."""
    return 1.0 - (1.0 - LEVEL) / max(count, 1)


def _fit(
    name: str,
    runs: list[dict[str, Any]],
    accuracy: float,
    quantity: Quantity,
    level: float,
) -> dict[str, Any]:
    """The slope of one spread with its interval and verdict."""
    kappas = sorted({r["kappa"] for r in runs})[-NUM_KAPPAS:]
    inside = [r for r in runs if r["kappa"] in kappas]
    failed = sum(r[quantity.measured] is None for r in inside)
    record: dict[str, Any] = {
        "spread": name,
        "level": level,
        "predicted": PREDICTED_SLOPE,
        "num_runs": len(inside) - failed,
        "num_failed": failed,
        "kappa_range": [kappas[0], kappas[-1]],
        "slope": None,
        "interval": [None, None],
        "estimate": Estimate(None, basis="no slope").as_json(),
        "uncorrected_slope": None,
        "forecast_slope": None,
        "law_slope": None,
        "law_verdict": "undecided",
        "verdict": "undecided",
        "note": _reason_against(inside, kappas, quantity),
    }
    if record["note"]:
        return record
    groups = _complete_groups(inside, kappas, quantity)
    slopes = np.array([_slopes(group, quantity, accuracy) for group in groups])
    slope, uncorrected, foreseen, by_law = (float(v) for v in slopes.mean(axis=0))
    solver = 2.0 * accuracy / np.log(kappas[-1] / kappas[0])
    left = abs(by_law - PREDICTED_SLOPE)
    mean = mean_estimate(slopes[:, 0], level=level)
    basis = (
        f"Student's t over {len(groups)} pairs of width and seed, widened by the solver's accuracy and by "
        f"what the scales know to be left of the way to the limit"
    )
    low, high = mean.low - solver, mean.high + solver  # pyright: ignore[reportOptionalOperand]
    found = Estimate(slope, low - left, high + left, level, basis=basis)
    note = f"{failed} failed runs are left out with their width and seed." if failed else ""
    return record | {
        "slope": slope,
        "interval": list(found.interval),
        "estimate": found.as_json(),
        "uncorrected_slope": uncorrected,
        "forecast_slope": foreseen,
        "law_slope": by_law,
        # Which is at these kappas, with nothing left of a way.
        "law_verdict": Estimate(slope, low, high, level, basis=basis).agreement(by_law),
        "verdict": found.agreement(PREDICTED_SLOPE),
        "note": note,
    }


def _reason_against(runs: list[dict[str, Any]], kappas: list[float], quantity: Quantity) -> str:
    """Why these runs give no slope; empty if they do."""
    if len(kappas) < NUM_KAPPAS:
        return f"{len(kappas)} values of kappa; a slope needs {NUM_KAPPAS}"
    first = [r[quantity.forecast] for r in runs if r["kappa"] == kappas[0]]
    first = [value for value in first if value is not None]
    if first and np.median(first) >= LAZY_FORECAST:
        return (
            f"the slope of {runs[0]['spread']} is fitted to kappas {kappas[0]:g} to {kappas[-1]:g}, and at "
            f"the smallest of them the forecast displacement is {np.median(first):.2g}, not below "
            f"{LAZY_FORECAST}: it is not lazy there; give {NUM_KAPPAS} kappas or more from some "
            f"{kappas[0] * np.median(first) / LAZY_FORECAST:.2g} on"
        )
    complete = len(_complete_groups(runs, kappas, quantity))
    if complete < MIN_GROUPS:
        return f"{complete} pairs of width and seed without a failed run; {MIN_GROUPS} are needed"
    return ""


def _complete_groups(
    runs: list[dict[str, Any]], kappas: list[float], quantity: Quantity
) -> list[list[dict[str, Any]]]:
    """The runs of every (width, seed) in which no run failed."""
    groups: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for r in runs:
        if r[quantity.measured] is not None:
            groups.setdefault((r["width"], r["seed"]), []).append(r)
    return [group for group in groups.values() if len(group) == len(kappas)]


def corrected_terms(
    log_kappa: Float[np.ndarray, " k"], forecast: Float[np.ndarray, " k"], accuracy: float
) -> Float[np.ndarray, "k+1 3"]:
    """Terms of log D: a constant, log kappa and the forecast; in the last row what is known of its factor."""
    terms = np.column_stack([np.ones(len(log_kappa)), log_kappa, forecast])
    return np.vstack([terms, [0.0, 0.0, accuracy / CORRECTION]])


def _slopes(group: list[dict[str, Any]], quantity: Quantity, accuracy: float) -> tuple[float, ...]:
    """Slopes in log kappa: of log D with and without the correction, of the forecast, by the law."""
    log_kappa = np.log([r["kappa"] for r in group])
    log_moved = np.log([r[quantity.measured] for r in group])
    forecast = np.array([r[quantity.forecast] for r in group])
    by_law = np.log([r[quantity.by_law] for r in group])
    plain = np.column_stack([np.ones(len(group)), log_kappa])
    corrected = corrected_terms(log_kappa, forecast, accuracy)
    pairs = (
        (corrected, np.append(log_moved, 0.0)),
        (plain, log_moved),
        (plain, np.log(forecast)),
        (plain, by_law),
    )
    return tuple(float(np.linalg.lstsq(design, v, rcond=None)[0][1]) for design, v in pairs)


def _collapse(runs: list[dict[str, Any]], quantity: Quantity) -> list[dict[str, Any]]:
    """Difference between widths at one spread and kappa: largest over smallest geometric mean, minus one."""
    records = []
    for name, kappa in sorted({(r["spread"], r["kappa"]) for r in runs}):
        here = [r for r in runs if (r["spread"], r["kappa"]) == (name, kappa)]
        means = []
        for width in sorted({r["width"] for r in here}):
            values = [r[quantity.measured] for r in here if r["width"] == width]
            known = [v for v in values if v is not None]
            if known:
                means.append(float(np.exp(np.mean(np.log(known)))))
        apart = max(means) / min(means) - 1.0 if len(means) > 1 else None
        records.append({"spread": name, "kappa": kappa, "width_spread": apart})
    return records


def _scheme_record(name: str, depth: int, *, optimiser: str) -> dict[str, Any]:
    """The spread's exponents and regimes where kappa grows like sqrt(m), as in NTK scaling."""
    chosen = spread(name)
    scheme = chosen.growing(0.5, depth)
    given = scheme.scale_exponents, scheme.speed_exponents
    exponents = displacement_exponents(*given, optimiser=optimiser)
    return {
        "spread": name,
        "description": chosen.description,
        "alpha": _formula(name, depth),
        "scale_exponents": [float(a) for a in scheme.scale_exponents],
        "displacement_exponents": [float(e) for e in exponents],
        "layer_regimes": list(layer_regimes(*given, optimiser=optimiser)),
        "regime": str(network_regime(*given, optimiser=optimiser)),
        "source": "exponents for kappa = sqrt(m)",
    }


def _spread_record(name: str, depth: int) -> dict[str, Any]:
    """The spread of a network whose kappa is no product: there are no exponents and no regime yet."""
    return {
        "spread": name,
        "description": spread(name).description,
        "alpha": _formula(name, depth).replace(
            "product kappa", "c such that kappa is as asked for"
        ),
        "scale_exponents": [],
        "displacement_exponents": [],
        "layer_regimes": [],
        "regime": "not derived",
        "source": "",
    }


def _formula(name: str, depth: int) -> str:
    powers, factors = spread(name).powers(depth), spread(name).factors(depth)
    parts = []
    for power, factor in zip(powers, factors, strict=True):
        text = "1" if factor == 1.0 else f"{factor:.2f}"
        parts.append(
            text if power == 0 else f"m^{power:g}" if factor == 1.0 else f"{text} m^{power:g}"
        )
    if spread(name).at_readout:
        return f"({', '.join(parts[:-1])}, c), product kappa"
    return f"c ({', '.join(parts)}), product kappa"


def _by_scales(fits: list[dict[str, Any]]) -> str:
    """How the slopes compare with those of the scales alone, where these are not all -1."""
    known = [f for f in fits if f["law_slope"] is not None and f["verdict"] != "outside"]
    slopes = [f["law_slope"] for f in known]
    if max(abs(slope - PREDICTED_SLOPE) for slope in slopes) < SAME_SLOPE:
        return ""
    agreeing = sum(f["law_verdict"] == "agrees" for f in known)
    return (
        f"the scales alone predict {min(slopes):.2f} to {max(slopes):.2f} spread by spread, with which "
        f"{agreeing} agree, "
    )


def _outside_words(fits: list[dict[str, Any]]) -> str:
    """Which spreads count nowhere, and why."""
    by_reason: dict[str, list[str]] = {}
    for fit in fits:
        if fit["verdict"] == "outside":
            by_reason.setdefault(fit["note"], []).append(fit["spread"])
    told = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())
    return f" Outside the assumptions, and not counted: {told}." if told else ""


def _verdict(
    runs: list[dict[str, Any]],
    fits: list[dict[str, Any]],
    collapse: list[dict[str, Any]],
    quantity: Quantity,
) -> dict[str, Any]:
    counted = [f for f in fits if f["verdict"] != "outside"]
    agreeing = [f for f in fits if f["verdict"] == "agrees"]
    refuting = [f for f in fits if f["verdict"] == "disagrees"]
    failed = sum(r["outcome"] != "converged" for r in runs)
    fitted = [f for f in counted if f["slope"] is not None]
    slopes, judged = [f["slope"] for f in fitted], {f["spread"]: f["kappa_range"] for f in fitted}
    apart = [
        c["width_spread"]
        for c in collapse
        if c["spread"] in judged
        and judged[c["spread"]][0] <= c["kappa"] <= judged[c["spread"]][1]
        and c["width_spread"] is not None
    ]
    all_agree = bool(counted) and len(agreeing) == len(counted)
    open_answer = "undecided" if counted else "outside"
    answer = "supported" if all_agree else "contradicted" if refuting else open_answer
    ending = f"{failed} of {len(runs)} runs did not reach the asked loss.{_outside_words(fits)}"
    if slopes:
        low, high = fitted[0]["kappa_range"]
        differ = f"by at most {max(apart):.0%}" if apart else "by an unknown amount"
        named = ", ".join(f["spread"] for f in refuting) or "none"
        sentence = (
            f"For kappa from {low:g} to {high:g}, {quantity.words} falls "
            f"with slopes {min(slopes):.2f} to {max(slopes):.2f} against the predicted -1; "
            f"{len(agreeing)} of {len(counted)} spreads agree, all intervals together at {LEVEL:.0%} "
            f"(disagreeing: {named}), "
            f"displacements at one kappa and spread differ {differ} between widths, "
            f"{_by_scales(fits)}and {ending}"
        )
    elif counted:
        reasons = "; ".join(dict.fromkeys(f["note"] for f in counted))
        sentence = f"No slope could be fitted ({reasons}), and {ending}"
    else:
        sentence = f"Nothing was judged, since the law speaks of none of the spreads, and {ending}"
    return stated(
        answer,
        sentence,
        num_agreeing=len(agreeing),
        num_disagreeing=len(refuting),
        num_spreads=len(counted),
        num_failed=failed,
        largest_width_spread=max(apart) if apart else None,
    )
