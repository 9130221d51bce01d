"""Do the runs of a theorem study agree with the theorem, and where do they not?"""

from collections.abc import Mapping, Sequence
from typing import Any

from lazyscope.measure import Estimate
from lazyscope.study._protocol import answer_of, stated
from lazyscope.study.theorem._factors import FACTORS
from lazyscope.study.theorem._settings import TheoremSettings

LEAST_RATIO = 0.8
"""A ratio known to be above this, whose interval reaches 1, counts as one that tends to at least 1."""


def judge(
    settings: TheoremSettings, estimates: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The verdict of a theorem study.

    Three conclusions are judged, each True, False or None: ``loss``, that it reaches zero for every
    spread from some kappa on; ``rate``, that the measured rate over the bound tends to at least one
    with the width for every theta-lazy scheme; ``threshold``, that the kappa above which the rate of
    K(0) is kept does not grow as a power of the width, which is what lets every rho > 0 be lazy. ``rate`` is
    about the published bound; ``rate_derived`` is the same for the stronger one, with lambda_min layer by
    layer, which the theorem does not claim and the answer does not rest on.

    Returns:
        The four, ``answer`` (contradicted where one is refuted, supported where none is open),
        ``supported`` for the same, ``sentence``, and ``remarks`` on where the bound does not hold.
    """
    parts = {
        "loss": _loss(estimates["thresholds"]),
        "rate": _rate(estimates["limits"], "published"),
        "threshold": _threshold(estimates["thresholds"]),
    }
    supported = None if None in parts.values() else True
    if False in parts.values():
        supported = False
    derived = _rate(estimates["limits"], "derived")
    sentence = " ".join(
        [
            _loss_words(settings, estimates["thresholds"], runs),
            _rate_words(settings, estimates),
            _threshold_words(settings, estimates["thresholds"]),
        ]
    )
    remarks = _remarks(settings, estimates)
    parts = {**parts, "rate_derived": derived}
    return stated(answer_of(supported), sentence[:1].upper() + sentence[1:], remarks, **parts)


def _of(thresholds: Sequence[Mapping[str, Any]], criterion: str) -> Mapping[str, Any]:
    return next(record for record in thresholds if record["criterion"] == criterion)


def _loss(thresholds: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every run converged from some kappa on, at the largest width."""
    return _of(thresholds, "loss")["widths"][-1]["all"]["all_converged_from"] is not None


def _rate(limits: Sequence[Mapping[str, Any]], form: str) -> bool | None:
    """Whether the ratio to one form of the bound tends to at least one for every theta-lazy scheme."""
    lazy = [
        Estimate.from_json(row["decided"][form]) for row in limits if row["regime"] == "theta-lazy"
    ]
    if any(found.low is None or found.high is None for found in lazy) or not lazy:
        return None
    if any(not found.contains(1.0) and found.at_most(1.0) == "agrees" for found in lazy):
        return False
    return True if all(found.at_least(LEAST_RATIO) == "agrees" for found in lazy) else None


def _threshold(thresholds: Sequence[Mapping[str, Any]]) -> bool | None:
    """Whether the threshold is known not to grow as a power of the width."""
    limit = _of(thresholds, "kernel")["limit"]
    if limit["verdict"] == "none":
        return True
    if "exponent_interval" not in limit:
        return None
    low, high = limit["exponent_interval"]
    if limit["verdict"] == "drifts":
        return False if low > 0 else True if high < 0 else None
    return True if limit["verdict"] == "finite" else None


def _loss_words(
    settings: TheoremSettings,
    thresholds: Sequence[Mapping[str, Any]],
    runs: Sequence[Mapping[str, Any]],
) -> str:
    failed = sum(run["outcome"] != "converged" for run in runs)
    last = _of(thresholds, "loss")["widths"][-1]
    if not failed:
        return (
            f"all {len(runs)} runs brought the loss to {settings.stop:g} of its start, also at kappa "
            f"{min(settings.kappas):g}, so a threshold of the loss, if there is one, lies below the "
            "kappas tried."
        )
    start = last["all"]["all_converged_from"]
    from_where = "at no kappa" if start is None else f"from kappa {start:g} on"
    return (
        f"{failed} of {len(runs)} runs did not bring the loss to {settings.stop:g} of its start; at "
        f"width {last['width']} all spreads did {from_where}."
    )


def _rate_words(settings: TheoremSettings, estimates: Mapping[str, Any]) -> str:
    lazy = {row["name"] for row in estimates["limits"] if row["regime"] == "theta-lazy"}
    width = max(settings.widths)
    here = [
        row
        for row in estimates["bounds"]
        if row["name"] in lazy and row["width"] == width and row["rate_ratio"]["value"]
    ]
    if not here:
        return "No theta-lazy scheme has a bound."
    worst = min(here, key=lambda row: row["rate_ratio"]["value"])
    total, held = sum(row["num"] for row in here), sum(row["holds_recorded"] for row in here)
    low, high = worst["rate_ratio"]["interval"]
    published, short = worst["published_ratio"]["value"], worst["short"]
    why = "" if short is None else f"; what is short is {FACTORS[short]}"
    return (
        f"At width {width} the rate of theta-lazy schemes is at least {published:.2f} of the published bound "
        f"and {worst['rate_ratio']['value']:.2f} [{low:.2f}, {high:.2f}] of the derived one, with lambda_min "
        f"layer by layer ({worst['name']}){why}. The loss stayed below the exponential of the derived bound "
        f"in {held} of {total} runs while it was recorded."
    )


def _threshold_words(settings: TheoremSettings, thresholds: Sequence[Mapping[str, Any]]) -> str:
    record = _of(thresholds, "kernel")
    share = f"{settings.kept:g} of the rate of K(0)"
    limit, last = record["limit"], record["widths"][-1]
    if limit["verdict"] == "none":
        return f"Training kept {share} in every run."
    low, high = (_end(value) for value in last["all"]["interval"])
    place = last["all"]["place"]
    words = (
        f"The kappa above which training keeps {share} lies {place} at width {last['width']}"
        if place != "inside"
        else f"Training keeps {share} above kappa {_end(last['all']['threshold'])} [{low}, {high}] at "
        f"width {last['width']}"
    )
    if "exponent_interval" not in limit:
        return f"{words}; this cannot be extrapolated: {limit['reason']}"
    ends = limit["exponent_interval"]
    return (
        f"{words}; as a power of the width this threshold has the exponent {limit['exponent']:.2f} "
        f"[{ends[0]:.2f}, {ends[1]:.2f}], and the verdict is {limit['verdict']}."
    )


def _end(value: float) -> str:
    return "infinity" if value == float("inf") else f"{value:.3g}"


def _remarks(settings: TheoremSettings, estimates: Mapping[str, Any]) -> list[str]:
    """Where the bound does not hold, in sentences made from the counts."""
    found = [
        f"{row['name']} at width {row['width']} falls at {row['rate_ratio']['value']:.2f} of the derived "
        f"bound: what is short is {FACTORS[row['short']]}."
        for row in estimates["bounds"]
        if row["short"] is not None
    ]
    for width in settings.threshold_widths:
        failures = {
            criterion: next(
                row["failures"]
                for row in _of(estimates["thresholds"], criterion)["widths"]
                if row["width"] == width
            )
            for criterion in ("kernel", "bound")
        }
        for criterion, of_what in (("kernel", "the rate of K(0)"), ("bound", "the bound")):
            places = [
                f"{name} at kappa {', '.join(kappa for kappa, count in row.items() if count)}"
                for name, row in failures[criterion].items()
                if any(row.values())
            ]
            if places:
                found.append(
                    f"Width {width}: runs lost more than {1 - settings.kept:g} of {of_what} in "
                    f"{'; '.join(places)}."
                )
    return found
