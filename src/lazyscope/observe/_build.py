"""What did `build(width, seed)` return, and do its networks depend on the width?"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from lazyscope._checks import InputError
from lazyscope._types import Apply, Params
from lazyscope.model import Grouping
from lazyscope.observe._function import as_function

UNEVEN = 0.15
"""Power of the width by which a size may be off from one step to the next."""
Build = Callable[[int, int], Any]
"""``build(width, seed)``: a network of that width, drawn with that seed."""


class Described(NamedTuple):
    """A network drawn at one width, with what its parameters are called and how fast they learn.

    Attributes:
        apply: ``apply(params, x) -> (n, C)``.
        params: its initial parameters.
        groups: which arrays form a layer, as for `Observer`; None: those whose names differ in the last
            part only.
        rates: learning rate of every group, up to a factor common to all widths; 1 for groups that are
            not mentioned, and for all if None. A parametrisation that scales learning rates with the
            width says so here.
    """

    apply: Apply
    params: Params
    groups: Grouping = None
    rates: Mapping[str, float] | None = None


class DescribedModule(NamedTuple):
    """A PyTorch module drawn at one width; `groups` and `rates` as in `Described`.

    Groups go by the names of ``named_parameters()``.
    """

    module: Any
    groups: Any = None
    rates: Mapping[str, float] | None = None


def call_build(build: Any, width: int, seed: int) -> Described | DescribedModule:
    """Call a user's build and take what it returns, or refuse it."""
    if not callable(build):
        raise InputError(
            "build must be a function of width and seed",
            received=f"{build!r:.80}",
            cause="the name of a constant, or a model that is built already",
            fix="give a function build(width, seed)",
        )
    _check_signature(build)
    try:
        made = build(width, seed)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            "build(width, seed) must return a network",
            received=f"build({width}, {seed}) raised {type(error).__name__}: {error}",
            cause="an error in build, or a width it cannot build (heads that do not divide it)",
            fix="call it on its own, or choose other widths",
        ) from error
    if isinstance(made, Described):
        return made
    parts: Any = made if isinstance(made, tuple) else (made,)
    if 1 <= len(parts) <= 3 and _comes_from(parts[0], "torch.nn"):
        return DescribedModule(*parts)
    if len(parts) >= 2 and _comes_from(parts[0], "flax.linen"):
        made = parts = (*as_function(*parts[:2]), *parts[2:])
    if isinstance(made, tuple) and 2 <= len(made) <= 4 and callable(made[0]):
        return Described(*parts)
    if isinstance(made, eqx.Module) or _comes_from(made, "flax.nnx"):
        return Described(*as_function(made))
    raise InputError(
        "build(width, seed) must return (apply, params), with groups and rates if wanted, or a module",
        received=type(made).__name__,
        cause="a model of another library, or parameters alone",
        fix="return a tuple (apply, params), (apply, params, groups) or (apply, params, groups, rates), "
        "an Equinox or a Flax NNX module, a Flax Linen module as (module, variables), or a PyTorch module, "
        "alone or as (module, groups, rates)",
    )


def _comes_from(made: Any, package: str) -> bool:
    """Whether a class of the package is among the ancestors; nothing is imported to find out."""
    return any(kind.__module__.startswith(package) for kind in type(made).__mro__)


def check_shapes(shapes: Sequence[Sequence[tuple[int, ...]]], widths: Sequence[int]) -> None:
    """Refuse networks of other arrays at other widths, and such that ignore the width."""
    first = shapes[0]
    if any(len(each) != len(first) for each in shapes) or any(
        len(a) != len(b) for each in shapes for a, b in zip(each, first, strict=False)
    ):
        raise InputError(
            "networks of all widths must have the same arrays",
            received=f"{' and '.join(str(len(each)) for each in shapes)} arrays at widths "
            f"{', '.join(map(str, widths))}",
            cause="a depth or a number of heads that depends on the width",
            fix="let the width change the shapes of arrays only",
        )
    check_width_matters(shapes, widths)


def check_width_matters(shapes: Sequence[Sequence[tuple[int, ...]]], widths: Sequence[int]) -> None:
    """Refuse networks that ignore the width."""
    if any(a == b for a, b in pairwise(shapes)):
        raise InputError(
            "build must depend on the width",
            received=f"the same shapes at widths {', '.join(map(str, widths))}",
            cause="a width that build ignores, or a constant in its place",
            fix="use the argument width for the size of the hidden layers",
        )


def uneven_sizes(
    names: Sequence[str], shapes: Sequence[Sequence[tuple[int, ...]]], widths: Sequence[int]
) -> tuple[str, ...]:
    """A sentence on arrays that grow in steps, or have a part that does not grow, if there are any.

    Args:
        names: of the arrays.
        shapes: of them, for every width.
        widths: increasing.
    """
    ratios = np.diff(np.log(np.array(widths, float)))
    told = []
    for k, name in enumerate(names):
        for lengths in zip(*(each[k] for each in shapes), strict=True):
            powers = np.diff(np.log(lengths)) / ratios
            if np.abs(powers - round(float(powers.mean()))).max() > UNEVEN:
                told.append(f"{name} has {', '.join(map(str, lengths))}")
                break
    if not told:
        return ()
    at = ", ".join(map(str, widths))
    some = "; ".join(told[:3]) + (" and more" if len(told) > 3 else "")
    note = (
        f"Sizes that do not go with the widths {at}: {some}. Exponents are powers of the widths, and take "
        "such steps for a part of the law."
    )
    return (note,)


def _check_signature(build: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(build)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(64, 0)
    except TypeError as error:
        raise InputError(
            "build must take a width and a seed",
            received=f"a function with arguments {signature}",
            cause="a build without seed, or with further arguments that have no default",
            fix="define it as build(width, seed)",
        ) from error
