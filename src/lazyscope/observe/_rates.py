"""How fast does each group of a user's network learn, as its build says?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lazyscope._checks import InputError, check_finite
from lazyscope.observe._build import Described, DescribedModule


def rates_of(described: Described | DescribedModule, groups: Sequence[str]) -> np.ndarray:
    """The learning rate of every group.

    Raises:
        InputError: a rate for no group, or one that is not a positive number.
    """
    if not isinstance(described.rates, Mapping | None):
        raise InputError(
            "rates must be a mapping from names of groups to learning rates",
            received=f"{described.rates!r:.80}",
            cause="one learning rate for all layers, which says nothing",
            fix=f"give for instance {{{groups[0]!r}: 0.1}}",
        )
    rates = {} if described.rates is None else dict(described.rates)
    unknown = [name for name in rates if name not in groups]
    if unknown:
        raise InputError(
            "rates must be given for groups that exist",
            received=", ".join(map(repr, unknown)),
            cause="a misspelt name, or names of another grouping",
            fix=f"use names among {', '.join(groups)}",
        )
    values = [check_finite(f"the rate of {name}", _number(rates.get(name, 1.0))) for name in groups]
    if min(values) < 0 or max(values) == 0:
        raise InputError(
            "rates must be at least zero, and some above",
            received=str(rates),
            cause="a sign that was meant differently",
            fix="give learning rates",
        )
    return np.array(values)


def _number(value: Any) -> Any:
    """A number out of an array that holds a single one; anything else as it is."""
    return value.item() if getattr(value, "shape", None) == () else value
