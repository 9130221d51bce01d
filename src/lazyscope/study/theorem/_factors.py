"""Which of three factors decides whether the loss falls at the rate of the theorem?

    rate / bound = (limit / bound) (K(0) / limit) (rate / K(0)),

each a rate 2 lambda_min / n over the one before. The first comes from closed forms and is at least one. The
second needs networks that are drawn and not trained, and lies below one by c/m (see `_start`). Only the
third needs training, and tends to one as kappa grows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lazyscope.measure import Estimate

FACTORS = {
    "limit": "the limit kernel over the bound",
    "start": "the drawn kernel over its limit",
    "training": "the measured rate over that of the drawn kernel",
}
FORMS = ("published", "derived")


def decided_ratios(
    runs: Sequence[Mapping[str, Any]],
    limits: Mapping[str, Mapping[str, Any]],
    starts: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The measured rate over both forms of the bound at infinite width, of one scheme.

    Args:
        runs: run records of the scheme.
        limits: its extrapolated ratios, ``training_ratio`` and ``rate_ratio``.
        starts: its rows of `start_rows`; where there are none, ``rate_ratio`` itself decides.

    Returns:
        ``factors``: ``limit`` over the derived bound at the largest width, ``start`` with the known second
        order taken off at the largest width drawn, and ``training`` extrapolated; None without `starts`.
        ``derived`` and ``published``: the product, whose interval is that of the products of ends.
    """
    widest = max((run for run in runs if run["bound"]), key=lambda r: r["width"], default=None)
    if widest is None or not widest["bound_published"]:
        nothing = Estimate(None).as_json()
        return {"factors": None, "derived": nothing, "published": nothing}
    over_published = widest["bound"] / widest["bound_published"]
    if not starts or not widest["limit"]:
        found, factors = Estimate.from_json(limits["rate_ratio"]), None
    else:
        limit = widest["limit"] / widest["bound"]
        start = Estimate.from_json(max(starts, key=lambda row: row["width"])["start_limit"])
        training = Estimate.from_json(limits["training_ratio"])
        factors = {"limit": limit, "start": start.as_json(), "training": training.as_json()}
        found = product([Estimate(limit, limit, limit), start, training])
    published = product([found, Estimate(over_published, over_published, over_published)])
    return {"factors": factors, "derived": found.as_json(), "published": published.as_json()}


def product(factors: Sequence[Estimate]) -> Estimate:
    """The product of positive numbers, with the products of the ends of their intervals as its own.

    Ends below zero, where seeds are few, count as zero: two of them would make an end that is too high.

    Example:
        >>> product([Estimate(2.0, 1.0, 4.0), Estimate(3.0, 2.0, 5.0)]).interval
        (2.0, 20.0)
    """
    parts = [(each.value, each.low, each.high) for each in factors]
    value, low, high = (
        None if None in column else float(np.prod(np.maximum(np.array(column, float), 0.0)))
        for column in zip(*parts, strict=True)
    )
    return Estimate(value, low, high, basis="product of " + str(len(parts)) + " factors")


def short_factor(row: Mapping[str, Any]) -> str | None:
    """The factor that lies lowest where a scheme falls below the derived bound at one width.

    Args:
        row: of `bound_table`, with ``limit_ratio``, ``kernel_ratio``, ``training_ratio``, ``rate_ratio``.

    Returns:
        A key of `FACTORS`; None where the rate is at least the bound, or is not known.
    """
    rate, kernel = row["rate_ratio"]["value"], row["kernel_ratio"]["value"]
    if rate is None or kernel is None or rate >= 1.0:
        return None
    limit = row["limit_ratio"] or 1.0
    found = {"limit": limit, "start": kernel / limit, "training": row["training_ratio"]["value"]}
    return min(found, key=lambda name: found[name])
