"""Which optimisers and ways of training have a name?"""

from typing import Any, Literal, TypeAlias, get_args

from lazyscope._checks._error import InputError
from lazyscope._checks._kinds import check_choice, check_sequence

OptimiserName: TypeAlias = Literal["sgd", "momentum", "adam", "adamw", "sign", "lion", "muon"]
"""Optimisers whose rates are known to carry over between widths."""

OPTIMISERS: tuple[str, ...] = get_args(OptimiserName)
"""As settings, schemes and commands write them."""

WITH_EPSILON = ("adam", "adamw", "muon")
"""Those that add an epsilon to a norm."""

FLOW = "flow"
"""Gradient flow, the way to train unless another one is named."""

METHODS = (FLOW, "descent", *OPTIMISERS)
"""Ways to train, as sweep files and commands write them."""

OF_KNOWN_LAW = (FLOW, *(name for name in OPTIMISERS if name != "adamw"))
"""Ways to train without a decay, which the displacement law does not contain."""


def optimiser_of(method: str) -> str:
    """The optimiser whose rates the speeds of a run by `method` are: of flow and descent those of SGD.

    Example:
        >>> optimiser_of("adam"), optimiser_of("flow")
        ('adam', 'sgd')
    """
    return method if method in OPTIMISERS else "sgd"


def check_known_law(method: Any) -> str:
    """Return a way to train of which the displacement law speaks, or refuse it."""
    if method == "adamw":
        raise InputError(
            "a method must be one of which the displacement law speaks",
            received="adamw",
            cause="the decay of its weights, which the law does not contain",
            fix="use 'adam', which is the same without decay",
        )
    return check_choice("method", method, OF_KNOWN_LAW)


def check_optimisers(given: Any) -> tuple[str, ...]:
    """Return a name, or one for each layer or group of parameters, as a tuple, or refuse it.

    Example:
        >>> check_optimisers("adam"), check_optimisers(["muon", "adam"])
        (('adam',), ('muon', 'adam'))
    """
    several = (given,) if isinstance(given, str) else check_sequence("optimiser", given)
    return tuple(check_choice("optimiser", name, OPTIMISERS) for name in several)
