"""Where in a network are rectifiers, and which of their units are on?

Three ways of writing one are known: ``max(x, 0)`` (jax.numpy.maximum, jax.nn.relu, Flax, Equinox), a
choice between x and zero by the sign of x, and a choice between two multiples of x (leaky).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import Jaxpr, JaxprEqn, Literal

from lazyscope._trace._equations import CALLS, Example, Junction, Path, inner_jaxpr

_RULED = ("custom_jvp_call", "custom_vjp_call")
"""Functions with a derivative rule of their own, looked into if they take one array: softplus, which is
computed by way of a maximum with zero, takes two."""
_UNCHANGED = ("broadcast_in_dim", "convert_element_type", "copy", "reshape", "squeeze")
_COMPARISONS = ("gt", "ge", "lt", "le")


class _Seen(NamedTuple):
    """What is known of a value: which it is, and what it is to another one."""

    token: object
    active: bool = False
    """Depends on the parameters, so that its sign can change in training."""
    zero: bool = False
    sign_of: object = None
    positive: bool = False
    """For a comparison: whether it is true where the value is above zero."""
    multiple_of: object = None


def find_rectifiers(example: Example) -> dict[Path, Junction]:
    """The equations that decide whether a unit is on, with what to record there: a pattern of booleans."""
    jaxpr = example.closed.jaxpr
    first, last = example.num_context, len(jaxpr.invars) - 1
    args = [_Seen(object(), active=first <= k < last) for k in range(len(jaxpr.invars))]
    found: dict[Path, Junction] = {}
    _walk(jaxpr, [_constant(c) for c in example.closed.consts], args, found, (), ())
    return found


def pattern_taps(junctions: Mapping[Path, Junction]) -> dict[Path, jax.Array]:
    """Zeros to be added at the rectifiers, which changes nothing."""
    return {path: jnp.zeros(j.loops, j.dtype) for path, j in junctions.items()}


def share_flipped(
    before: Mapping[Path, jax.Array], after: Mapping[Path, jax.Array]
) -> jax.Array | None:
    """Share of units, over all rectifiers and examples, that are on in one and off in the other."""
    if not before:
        return None
    flips = [jnp.sum(before[path] != after[path]).astype(jnp.float32) for path in before]
    return jnp.stack(flips).sum() / np.float32(sum(math.prod(p.shape) for p in before.values()))


def _walk(
    jaxpr: Jaxpr,
    consts: Sequence[_Seen],
    args: Sequence[_Seen],
    found: dict[Path, Junction],
    path: Path,
    loops: tuple[int, ...],
) -> list[_Seen]:
    env: dict[Any, _Seen] = dict(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, args, strict=True))

    def read(v: Any) -> _Seen:
        return _constant(v.val) if isinstance(v, Literal) else env[v]

    for number, eqn in enumerate(jaxpr.eqns):
        seen, here, name = [read(v) for v in eqn.invars], (*path, number), eqn.primitive.name
        active = any(s.active for s in seen)
        outs = [_Seen(object(), active) for _ in eqn.outvars]
        if name in CALLS or (name in _RULED and len(seen) == 1):
            inner, inner_consts = inner_jaxpr(eqn)
            outs = _walk(inner, [_constant(c) for c in inner_consts], seen, found, here, loops)
        elif name == "scan":
            inner, inner_consts = inner_jaxpr(eqn)
            fresh = [_Seen(object(), active) for _ in seen]
            turns = (*loops, eqn.params["length"])
            _walk(inner, [_constant(c) for c in inner_consts], fresh, found, here, turns)
        elif outs:
            outs[0] = _followed(eqn, seen, outs[0])
            place = _deciding(name, seen)
            if place is not None:
                found[here] = _junction(eqn, place, loops)
        env.update(zip(eqn.outvars, outs, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _followed(eqn: JaxprEqn, seen: Sequence[_Seen], out: _Seen) -> _Seen:
    """What an output is to the inputs of its equation."""
    name = eqn.primitive.name
    if name in _UNCHANGED:
        return out._replace(zero=seen[0].zero)
    if name in _COMPARISONS and any(s.zero for s in seen):
        above = name in (("lt", "le") if seen[0].zero else ("gt", "ge"))
        return out._replace(sign_of=next((s.token for s in seen if s.active), None), positive=above)
    if name in ("mul", "div", "neg"):
        return out._replace(multiple_of=next((s.token for s in seen if s.active), None))
    return out


def _deciding(name: str, seen: Sequence[_Seen]) -> int | None:
    """Which input of an equation says whether a unit is on; None if it is no rectifier."""
    if name == "max" and any(s.zero for s in seen):
        return next((k for k, s in enumerate(seen) if s.active and not s.zero), None)
    if name == "select_n" and len(seen) == 3 and seen[0].sign_of is not None:
        x, (above, below) = seen[0].sign_of, seen[1:] if not seen[0].positive else seen[:0:-1]
        if _is(above, x) and (below.zero or _is(below, x)):
            return 0
    return None


def _is(seen: _Seen, token: object) -> bool:
    """Whether a value is another one or a multiple of it."""
    return seen.token is token or seen.multiple_of is token


def _junction(eqn: JaxprEqn, place: int, loops: tuple[int, ...]) -> Junction:
    aval: Any = eqn.outvars[0].aval

    def record(values: Sequence[Any]) -> Any:
        value = values[place]
        on = value if value.dtype == np.bool_ else value > 0
        return jnp.broadcast_to(on, aval.shape)

    return Junction(record, aval.shape, aval.dtype, loops)


def _constant(value: Any) -> _Seen:
    known = not isinstance(value, Tracer) and np.size(value) == 1
    known = known and jnp.issubdtype(getattr(value, "dtype", np.float64), np.number)
    return _Seen(object(), zero=bool(known and np.all(np.asarray(value) == 0)))
