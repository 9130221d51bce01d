"""What do parameters do that are multiplied with each other before they meet data, as A B in x (A B)?

The same as in (x A) B: the factor that holds the axis over which data are summed takes them in and hands them
on along the axis that it shares with the next factor.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jax.extend.core import Jaxpr, JaxprEqn, Literal

from lazyscope._trace._equations import CALLS, Example, inner_jaxpr
from lazyscope._trace.roles._record import Place

Axis = tuple[int, int]
"""Number of an array, and which of its axes; arrays that are no parameters have numbers below zero."""


class Product(NamedTuple):
    """A product of arrays that are the same for every example: whose axis each of its axes is, and which
    axes of its factors were summed over together.
    """

    axes: tuple[Axis, ...]
    links: frozenset[tuple[Axis, Axis]] = frozenset()

    def places(self, summed: Sequence[int]) -> dict[int, Place]:
        """The place of every factor where data are summed over these axes of the product."""
        taken = {self.axes[k] for k in summed}
        given = set(self.axes) - taken
        shared = {axis for pair in self.links for axis in pair}
        found: dict[int, Place] = {}
        for array in {array for array, _ in (*self.axes, *shared) if array >= 0}:
            first, last, between = (
                frozenset(axis for owner, axis in each if owner == array)
                for each in (taken, given, shared)
            )
            found[array] = Place("dense", frozenset(), first or between, last or between)
        return found


def product_places(example: Example) -> Mapping[int, Sequence[Place]]:
    """Places of the factors of matrix products of parameters, where these meet data in another one."""
    first, places = example.num_context, dict[int, list[Place]]()
    args: list[Product | None] = [
        Product(tuple((k - first, axis) for axis in range(len(v.aval.shape))))  # pyright: ignore[reportAttributeAccessIssue]
        for k, v in enumerate(example.closed.jaxpr.invars[: first + example.num_leaves])
    ]
    _walk(example.closed.jaxpr, [*args, None], places)
    return places


def _walk(
    jaxpr: Jaxpr, args: Sequence[Product | None], places: dict[int, list[Place]]
) -> list[Product | None]:
    env: dict[Any, Product | None] = dict(zip(jaxpr.invars, args, strict=True))

    def read(v: Any) -> Product | None:
        return None if isinstance(v, Literal) else env.get(v)

    for eqn in jaxpr.eqns:
        given = [read(v) for v in eqn.invars]
        if eqn.primitive.name in CALLS:
            outs = _walk(inner_jaxpr(eqn)[0], given, places)
        else:
            outs = [_product(eqn, given, places)] * len(eqn.outvars)
        env.update(zip(eqn.outvars, outs, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _product(
    eqn: JaxprEqn, given: Sequence[Product | None], places: dict[int, list[Place]]
) -> Product | None:
    """The product that an equation makes; a place is noted where one meets data."""
    name, known = eqn.primitive.name, [each for each in given if each is not None]
    if name == "dot_general":
        return _contracted(eqn, given, places)
    if len(known) != 1:
        return None
    if name == "transpose":
        return known[0]._replace(axes=tuple(known[0].axes[k] for k in eqn.params["permutation"]))
    shapes: list[Any] = [getattr(v.aval, "shape", ()) for v in (*eqn.invars, *eqn.outvars)]
    same = shapes[given.index(known[0])] == shapes[-1]
    return known[0] if name in _SCALINGS and same and len(eqn.outvars) == 1 else None


_SCALINGS = frozenset({"mul", "div", "neg", "convert_element_type", "copy", "reduce_precision"})


def _contracted(
    eqn: JaxprEqn, given: Sequence[Product | None], places: dict[int, list[Place]]
) -> Product | None:
    sums, batches = eqn.params["dimension_numbers"]
    left, right = given
    if any(batches):
        return None
    if left is not None and right is not None:
        pairs = zip(*sums, strict=True)
        links = {(left.axes[i], right.axes[j]) for i, j in pairs}
        free = [
            axis
            for each, over in zip((left, right), sums, strict=True)
            for k, axis in enumerate(each.axes)
            if k not in over
        ]
        return Product(tuple(free), left.links | right.links | links)
    for each, over in zip(given, sums, strict=True):
        if each is not None and each.links:
            for array, place in each.places(over).items():
                places.setdefault(array, []).append(place)
    return None
