"""Which role has each array of a JAX function?"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from lazyscope._trace._equations import Example
from lazyscope._trace._uses import SCALE, SHIFT, entry_numbers, find_uses
from lazyscope._trace.roles._dataflow import Feed, Feeds, Ledger, Meeting, together, with_axes
from lazyscope._trace.roles._products import product_places
from lazyscope._trace.roles._record import ArrayRoles, Place, array_roles, place_of

_CONTRACTIONS = frozenset(
    {"dot_general", "conv_general_dilated", "ragged_dot", "ragged_dot_general"}
)
_PRODUCTS = frozenset({"mul", "div", "gather", "dynamic_slice", "atan2", "pow"})
_SUMS = frozenset(
    {
        "add", "add_any", "sub", "concatenate", "stack", "select_n", "max", "min", "pad", "clamp",
        "dynamic_update_slice", "scatter", "scatter-add", "scatter_add", "stop_gradient",
    }
)  # fmt: skip
_ROUNDS = 64
"""Turns of a loop until what is known no longer grows; each adds at least one array."""


_KINDS = {SHIFT: "shift", SCALE: "scale"}


def roles_in(
    example: Example, names: Sequence[str], growing: Mapping[int, Sequence[int]]
) -> ArrayRoles:
    """The roles of the arrays of a traced network; `growing` has axes by numbers of arrays."""
    usage, shapes = find_uses(example), example.leaf_shapes
    places: dict[int, list[Place]] = {}
    with_others = {use.view.parameter for use in usage.uses if use.without_data}
    found = product_places(example) if with_others else {}
    for k in with_others:
        places[k] = [*found.get(k, [Place("other")])]
    for use in usage.uses:
        k = use.view.parameter
        if use.without_data:
            continue
        place = place_of(use.product.kind, entry_numbers(use, shapes[k]), shapes[k])
        places.setdefault(k, []).append(place)
    for k, reasons in usage.others.items():
        kinds = [_KINDS.get(reason, "other") for reason in reasons.elements()]
        places.setdefault(k, []).extend(map(Place, kinds))
    return array_roles(names, shapes, growing, places, feeds_of(example, growing))


def feeds_of(example: Example, growing: Mapping[int, Sequence[int]]) -> Feeds:
    """Follow a traced network from its data to its output; `growing` has axes by numbers of arrays."""
    shapes = example.leaf_shapes
    ledger = Ledger(shapes, growing)
    args = [Feed()] * example.num_context
    args += [Feed(own=frozenset({(k, len(shape))})) for k, shape in enumerate(shapes)]
    outs = _walk(example.closed.jaxpr, [*args, Feed(data=True)], ledger)
    return ledger.close(outs[0])


def _walk(jaxpr: Jaxpr, args: Sequence[Feed], ledger: Ledger) -> list[Feed]:
    env: dict[Any, Feed] = dict(zip(jaxpr.invars, args, strict=True))

    def read(v: Any) -> Feed:
        return Feed() if isinstance(v, Literal) else env.get(v, Feed())

    for eqn in jaxpr.eqns:
        outs = _outputs(eqn, [read(v) for v in eqn.invars], ledger)
        for v, feed in zip(eqn.outvars, outs, strict=True):
            aval: Any = v.aval
            kind = np.dtype(getattr(aval, "dtype", np.float32)).kind if _plain(aval) else "O"
            whole = kind in "biu"  # nothing is differentiated through whole numbers
            env[v] = Feed(feed.data) if whole else with_axes(feed, len(getattr(aval, "shape", ())))
    return [read(v) for v in jaxpr.outvars]


def _plain(aval: Any) -> bool:
    """Whether a type is one of NumPy's rather than a key's or a token's."""
    return isinstance(getattr(aval, "dtype", None), np.dtype)


def _outputs(eqn: JaxprEqn, feeds: Sequence[Feed], ledger: Ledger) -> list[Feed]:
    name, count = eqn.primitive.name, len(eqn.outvars)
    if name == "scan":
        return _scan(eqn, feeds, ledger)
    if name == "while":
        return _while(eqn, feeds, ledger)
    if name == "cond":
        branches = [_walk(_jaxpr(each), feeds[1:], ledger) for each in eqn.params["branches"]]
        return [together(each) for each in zip(*branches, strict=True)]
    inner = [v for v in eqn.params.values() if isinstance(v, ClosedJaxpr | Jaxpr)]
    if len(inner) == 1 and len(_jaxpr(inner[0]).invars) == len(feeds):
        return _walk(_jaxpr(inner[0]), feeds, ledger)
    if name in ("reduce_sum", "cumsum"):
        shape = _shape(eqn.invars[0])
        found = ledger.summed(feeds[0], [shape[k] for k in eqn.params.get("axes", ())])
        return [_pooled(eqn, feeds, found, ledger)]
    if name == "custom_lin" or inner:
        return [ledger.meet(feeds, "other")] * count
    found = ledger.meet(feeds, _meeting(name, feeds))
    if name == "dot_general":
        (contracted, _), _ = eqn.params["dimension_numbers"]
        found = _contracted(eqn, feeds, found, contracted, ledger)
    return [_pooled(eqn, feeds, found, ledger)] * count


def _pooled(eqn: JaxprEqn, feeds: Sequence[Feed], found: Feed, ledger: Ledger) -> Feed:
    before = [getattr(v.aval, "shape", ()) for v in eqn.invars]
    after: Any = max((getattr(v.aval, "shape", ()) for v in eqn.outvars), key=math.prod, default=())
    return ledger.pool(feeds, found, before, after)


def _contracted(
    eqn: JaxprEqn, feeds: Sequence[Feed], found: Feed, axes: Sequence[int], ledger: Ledger
) -> Feed:
    """A contraction of data with numbers that are no parameters is a sum over the axis."""
    if any(feed.own for feed in feeds) or all(feed.data for feed in feeds):
        return found
    place = next((k for k, feed in enumerate(feeds) if feed.data), None)
    if place is None:
        return found
    sides = eqn.params["dimension_numbers"][0]
    shape = _shape(eqn.invars[place])
    return ledger.summed(found, [shape[k] for k in (sides[place] if place else axes)])


def _meeting(name: str, feeds: Sequence[Feed]) -> Meeting:
    if name in _CONTRACTIONS:
        return "contraction"
    if name in _PRODUCTS:
        return "product"
    one = sum(feed.data or bool(feed.own) for feed in feeds) <= 1
    return "sum" if name in _SUMS or one else "other"


def _scan(eqn: JaxprEqn, feeds: Sequence[Feed], ledger: Ledger) -> list[Feed]:
    body = _jaxpr(eqn.params["jaxpr"])
    first, count = eqn.params["num_consts"], eqn.params["num_carry"]
    shared, carry, rows = feeds[:first], feeds[first : first + count], feeds[first + count :]
    # A row of a stack of arrays has one axis less than the stack.
    sliced = [f._replace(own=frozenset((k, axes - 1) for k, axes in f.own)) for f in rows]
    carry, outs = list(carry), []
    for _ in range(_ROUNDS):
        outs = _walk(body, [*shared, *carry, *sliced], ledger)
        grown = [together(pair) for pair in zip(carry, outs[:count], strict=True)]
        # Depth would grow for ever in a loop.
        grown = [g._replace(depth=c.depth) for g, c in zip(grown, carry, strict=True)]
        if grown == carry:
            break
        carry = grown
    return outs


def _while(eqn: JaxprEqn, feeds: Sequence[Feed], ledger: Ledger) -> list[Feed]:
    body = _jaxpr(eqn.params["body_jaxpr"])
    skip, count = eqn.params["cond_nconsts"], eqn.params["body_nconsts"]
    shared, carry = feeds[skip : skip + count], list(feeds[skip + count :])
    for _ in range(_ROUNDS):
        outs = _walk(body, [*shared, *carry], ledger)
        grown = [together(pair) for pair in zip(carry, outs, strict=True)]
        grown = [g._replace(depth=c.depth) for g, c in zip(grown, carry, strict=True)]
        if grown == carry:
            break
        carry = grown
    return carry


def _jaxpr(value: Any) -> Jaxpr:
    return value.jaxpr if isinstance(value, ClosedJaxpr) else value


def _shape(v: Any) -> tuple[int, ...]:
    return v.aval.shape
