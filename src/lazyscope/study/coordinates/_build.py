"""What did `build(width, seed)` return, and which of its arrays are the layers?"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from lazyscope._checks import InputError, check_finite
from lazyscope._trace import Feeds
from lazyscope._types import Apply, Params
from lazyscope.model import Grouping
from lazyscope.observe import as_function

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


class Layer(NamedTuple):
    """A group of parameters with a matrix: the largest array stands for it.

    Attributes:
        name: of the group.
        leaf: number of the array.
        growing: axes of the array whose length grows with the width.
        kind: ``readout`` for what alone writes the output, ``hidden`` if two axes or more grow, ``input``
            if one does, ``fixed`` if none does; ``outer`` for a layer that grows along one axis and writes
            the output without being the readout.
    """

    name: str
    leaf: int
    growing: tuple[int, ...]
    kind: str


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


def find_layers(
    groups: Sequence[str],
    leaf_group: Sequence[int],
    shapes: Sequence[Sequence[tuple[int, ...]]],
    widths: Sequence[int],
    readouts: Sequence[int] | None = None,
    feeds: Feeds | None = None,
) -> tuple[Layer, ...]:
    """The layers, from the data to the output and the readout last, from the shapes at every width.

    Args:
        groups: names of the groups, in order of use.
        leaf_group: number of the group of every array.
        shapes: of all arrays at every width.
        widths: the widths.
        readouts: numbers of the arrays that are the readout; None: the last matrix.
        feeds: how far every array is from the data; None: in order of the groups.

    Raises:
        InputError: shapes that are the same at two widths, or a network without two matrices.
    """
    check_shapes(shapes, widths)
    first, last = shapes[0], shapes[-1]
    found = []
    for number, name in enumerate(groups):
        members = [k for k, g in enumerate(leaf_group) if g == number]
        chosen = [k for k in members if k in (readouts or ())]
        chosen = chosen or [k for k in members if len(first[k]) >= 2]
        if not chosen:
            continue
        leaf = max(chosen, key=lambda k: int(np.prod(last[k])))
        pairs = zip(first[leaf], last[leaf], strict=True)
        growing = tuple(axis for axis, (small, large) in enumerate(pairs) if large > small)
        found.append(Layer(name, leaf, growing, _kind(leaf, growing, readouts, feeds)))
    if len(found) < 2:
        raise InputError(
            "a coordinate check needs a network of at least two layers with matrices",
            received=f"{len(found)} among the groups {', '.join(groups)}",
            cause="one group for all arrays, or a linear model",
            fix="group the arrays by layer",
        )
    if readouts is None:
        return (*found[:-1], found[-1]._replace(kind="readout"))
    depth = {} if feeds is None else feeds.depth
    end = max(depth.values(), default=0) + 1
    found.sort(key=lambda each: (each.kind == "readout", depth.get(each.leaf, end), each.leaf))
    return tuple(found)


def _kind(
    leaf: int, growing: Sequence[int], readouts: Sequence[int] | None, feeds: Feeds | None
) -> str:
    if readouts is not None and leaf in readouts:
        return "readout"
    if len(growing) > 1:
        return "hidden"
    if not growing:
        return "fixed"
    return "outer" if feeds is not None and leaf in feeds.last else "input"


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
    if any(a == b for a, b in pairwise(shapes)):
        raise InputError(
            "build must depend on the width",
            received=f"the same shapes at widths {', '.join(map(str, widths))}",
            cause="a width that build ignores, or a constant in its place",
            fix="use the argument width for the size of the hidden layers",
        )


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
