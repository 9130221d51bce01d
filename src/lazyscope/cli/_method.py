"""Which way of training do the options of a command mean?"""

from typing import TYPE_CHECKING, Any, NamedTuple

from lazyscope._checks import METHODS, OPTIMISERS, WITH_EPSILON, InputError, check_choice
from lazyscope.cli._values import read_number

if TYPE_CHECKING:
    from lazyscope.flow import AbstractMethod


class MethodNumbers(NamedTuple):
    """Numbers of methods as they were written."""

    tolerance: str | None = None
    stability_fraction: str | None = None
    step_size: str | None = None
    share: str | None = None
    epsilon: str | None = None
    weight_decay: str | None = None


_READERS = {
    "tolerance": ("flow",),
    "stability_fraction": ("descent",),
    "step_size": ("descent", *OPTIMISERS),
    "share": OPTIMISERS,
    "epsilon": WITH_EPSILON,
    "weight_decay": OPTIMISERS,
}
"""Methods that read a number."""


def method_of(name: str, numbers: MethodNumbers) -> "AbstractMethod":
    """The method that the options mean; options of another one are refused."""
    from lazyscope._checks import check_positive
    from lazyscope.experiment import run_method

    check_choice("method", name, METHODS)
    for which, value in numbers._asdict().items():
        if value is not None and name not in (readers := _READERS[which]):
            option = f"--{which.replace('_', '-')}"
            raise InputError(
                f"{option} belongs to --method {' or '.join(readers)}",
                received=f"{option} {value} with --method {name}",
                cause="the method was left at its default"
                if name == "flow"
                else "two methods mixed",
                fix=f"leave out {option}, or change --method",
            )
    given = {n: read_number(v) for n, v in numbers._asdict().items() if v is not None}
    if name in OPTIMISERS:
        return run_method({"method": name, **given})
    read: Any = {n: check_positive(n.replace("_", " "), value) for n, value in given.items()}
    from lazyscope.flow import ExponentialFlow, GradientDescent

    if name == "flow":
        return ExponentialFlow(**read)
    return GradientDescent(**(read or {"stability_fraction": 0.5}))
