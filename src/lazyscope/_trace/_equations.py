"""Which equations does a network evaluate on one example, and how are they run with taps added?

A tap is a zero added to the output of an equation: the derivative with respect to it is the backward
signal there. Working on one example (a batch of one) makes every later question about the batch axis
disappear: batches come back by `jax.vmap`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

Path = tuple[int, ...]
"""Where an equation stands: its number in the outermost list, then inside calls and loops."""

CALLS = frozenset({"jit", "pjit", "closed_call", "core_call", "remat", "remat2", "checkpoint"})
"""Equations that only wrap others, with the same inputs and outputs."""


class Example(NamedTuple):
    """A network on one example: ``closed(context leaves, parameter leaves, x) -> (1, C)``.

    The constants it closes over are arguments of every computation, never part of a program: a
    network that closes over another array tomorrow is not answered with the one of today.
    """

    closed: ClosedJaxpr
    num_context: int
    num_leaves: int

    @property
    def num_outputs(self) -> int:
        """C, the number of outputs."""
        return self.closed.out_avals[0].shape[1]

    @property
    def dtype(self) -> Any:
        """Precision of the outputs."""
        return self.closed.out_avals[0].dtype

    @property
    def leaf_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the parameters."""
        return [aval.shape for aval in self.closed.in_avals[self.num_context : -1]]


def trace_example(
    call: Callable[..., Any], context: Sequence[Any], leaves: Sequence[Any], x: Any
) -> tuple[Example, Any]:
    """Trace ``call(context, leaves, x[None])`` for x of the shape and type of a single example.

    Returns the trace and the structure of the output, with shapes for arrays.
    """

    def single(context: Sequence[Any], leaves: Sequence[Any], x: Any) -> Any:
        return call(context, leaves, x[None])

    closed, out = trace_call(single, context, leaves, x)
    return Example(closed, len(context), len(leaves)), out


def trace_call(call: Callable[..., Any], context: Any, leaves: Any, x: Any) -> Any:
    """The equations of ``call(context, leaves, x)`` for arrays of these shapes, and its output's shape."""
    with jax.default_matmul_precision("highest"):
        closed, out = jax.make_jaxpr(call, return_shape=True)(list(context), list(leaves), x)
    return closed.replace(jaxpr=_mapped(closed.jaxpr)), out


def _mapped(jaxpr: Jaxpr) -> Jaxpr:
    """The same equations, with callbacks made one example after the other where nothing is said."""
    changed, eqns = False, []
    for eqn in jaxpr.eqns:
        params = {name: _mapped_inside(value) for name, value in eqn.params.items()}
        if eqn.primitive.name == "pure_callback" and params["vmap_method"] is None:
            params["vmap_method"] = "sequential"
        same = all(params[name] is value for name, value in eqn.params.items())
        changed |= not same
        eqns.append(eqn if same else eqn.replace(params=params))
    return jaxpr.replace(eqns=eqns) if changed else jaxpr


def _mapped_inside(value: Any) -> Any:
    """`_mapped` of the equations among an equation's parameters."""
    if isinstance(value, ClosedJaxpr):
        inner = _mapped(value.jaxpr)
        return value if inner is value.jaxpr else value.replace(jaxpr=inner)
    if isinstance(value, Jaxpr):
        return _mapped(value)
    if type(value) in (tuple, list) and any(isinstance(v, ClosedJaxpr | Jaxpr) for v in value):
        inner = type(value)(_mapped_inside(one) for one in value)
        return value if all(a is b for a, b in zip(inner, value, strict=True)) else inner
    return value


def inner_constants(jaxpr: Jaxpr) -> list[Any]:
    """All arrays that calls and loops inside close over, which are part of the equations."""
    found = []
    for eqn in jaxpr.eqns:
        for inner in inside(eqn):
            if isinstance(inner, ClosedJaxpr):
                found += [*inner.consts, *inner_constants(inner.jaxpr)]
            else:
                found += inner_constants(inner)
    return found


def reverse_only(jaxpr: Jaxpr) -> bool:
    """Whether a custom reverse rule rules out forward derivatives."""
    return any(
        eqn.primitive.name.startswith("custom_vjp")
        or any(reverse_only(getattr(inner, "jaxpr", inner)) for inner in inside(eqn))
        for eqn in jaxpr.eqns
    )


def inside(eqn: JaxprEqn) -> list[Any]:
    """The equations inside an equation, of calls, loops, branches and custom rules."""
    values = eqn.params.values()
    flat = [one for v in values for one in (v if isinstance(v, tuple | list) else [v])]
    return [one for one in flat if isinstance(one, ClosedJaxpr | Jaxpr)]


def primitives(jaxpr: Jaxpr) -> set[str]:
    """Names of all equations, inside calls and loops as well."""
    found = {eqn.primitive.name for eqn in jaxpr.eqns}
    for eqn in jaxpr.eqns:
        for inner in inside(eqn):
            found |= primitives(getattr(inner, "jaxpr", inner))
    return found


def inner_jaxpr(eqn: JaxprEqn) -> tuple[Jaxpr, Sequence[Any]]:
    """Return the equations inside a call or loop, with the constants they close over."""
    inner = eqn.params["call_jaxpr"] if "call_jaxpr" in eqn.params else eqn.params["jaxpr"]
    return (inner.jaxpr, inner.consts) if isinstance(inner, ClosedJaxpr) else (inner, ())


def bind(eqn: JaxprEqn, values: Sequence[Any]) -> Sequence[Any]:
    """Evaluate one equation as it is; always returns a list of outputs."""
    bound = eqn.primitive.get_bind_params(eqn.params)
    functions, params = bound if isinstance(bound, tuple) else ((), bound)
    outs = eqn.primitive.bind(*functions, *values, **params)
    return outs if eqn.primitive.multiple_results else [outs]


def over_examples(single: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`single` for many examples at once, or one after the other where an equation has no batches."""

    def run(xs: Any) -> Any:
        try:
            return jax.vmap(single)(xs)
        except NotImplementedError:
            return lax.map(single, xs)

    return run


class Junction(NamedTuple):
    """An equation where parameters meet data: what to record there, and the shape of its tap.

    ``record(values of the equation's inputs)`` is whatever the caller wants to keep; ``loops`` are
    the lengths of the scans around the equation, outermost first.
    """

    record: Callable[[Sequence[Any]], Any]
    shape: tuple[int, ...]
    dtype: Any
    loops: tuple[int, ...]

    def zero_tap(self) -> jax.Array:
        """The tap, one for each turn of the loops around the equation."""
        return jax.numpy.zeros((*self.loops, *self.shape), self.dtype)


def run_tapped(
    jaxpr: Jaxpr,
    consts: Sequence[Any],
    args: Sequence[Any],
    junctions: Mapping[Path, Junction],
    taps: Mapping[Path, Any],
    path: Path = (),
) -> tuple[list[Any], dict[Path, Any]]:
    """Evaluate the equations, adding the taps; returns the outputs and what was recorded.

    Calls and scans are opened only where a junction lies inside; all else runs untouched, so custom
    derivative rules, checkpoints and inner compilations keep their meaning.
    """
    env = dict(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, args, strict=True))
    records: dict[Path, Any] = {}
    for number, eqn in enumerate(jaxpr.eqns):
        here = (*path, number)
        values = [v.val if isinstance(v, Literal) else env[v] for v in eqn.invars]
        inside = {at: j for at, j in junctions.items() if at[: len(here)] == here}
        if here in inside:
            junction = inside[here]
            records[here] = junction.record(values)
            outs = [out + taps[here] for out in bind(eqn, values)]
        elif inside and eqn.primitive.name == "scan":
            outs, found = _scan_tapped(eqn, values, inside, taps, here)
            records.update(found)
        elif inside:
            inner, inner_consts = inner_jaxpr(eqn)
            outs, found = run_tapped(inner, inner_consts, values, inside, taps, here)
            records.update(found)
        else:
            outs = bind(eqn, values)
        env.update(zip(eqn.outvars, outs, strict=True))
    return [v.val if isinstance(v, Literal) else env[v] for v in jaxpr.outvars], records


def _scan_tapped(
    eqn: JaxprEqn,
    values: Sequence[Any],
    inside: Mapping[Path, Junction],
    taps: Mapping[Path, Any],
    path: Path,
) -> tuple[list[Any], dict[Path, Any]]:
    """Run a scan whose body holds junctions: taps enter, and records leave, one per turn."""
    body, consts = inner_jaxpr(eqn)
    num_consts, num_carry = eqn.params["num_consts"], eqn.params["num_carry"]
    shared, carry = values[:num_consts], values[num_consts : num_consts + num_carry]
    # Paths are tuples of numbers; as keys of a tree they only need an order, which tuples have.
    mine = {at: taps[at] for at in inside}

    def turn(carry: list[Any], slices: tuple[list[Any], dict[Path, Any]]) -> Any:
        xs, tap = slices
        outs, found = run_tapped(body, consts, [*shared, *carry, *xs], inside, tap, path)
        return outs[:num_carry], (outs[num_carry:], found)

    last, (ys, found) = lax.scan(
        turn,
        list(carry),
        (list(values[num_consts + num_carry :]), mine),
        length=eqn.params["length"],
        reverse=eqn.params["reverse"],
        unroll=eqn.params["unroll"],
    )
    return [*last, *ys], found
