"""What is a network without what it tells the world while it is evaluated?"""

from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from lazyscope._trace._equations import Example


def without_effects(example: Example) -> Example:
    """The network without its prints and callbacks whose results nothing uses.

    They tell the caller of training, and a look is none of it; in batches some are not possible.
    """
    closed = example.closed
    return example._replace(closed=closed.replace(jaxpr=_silent(closed.jaxpr)))


def _silent(jaxpr: Jaxpr) -> Jaxpr:
    """Equations without those whose only purpose is an effect outside, in loops and calls too."""
    if not jaxpr.effects:
        return jaxpr
    used = {v for v in jaxpr.outvars if not isinstance(v, Literal)}
    kept_eqns = []
    for eqn in reversed(jaxpr.eqns):
        if "callback" in eqn.primitive.name and not used.intersection(eqn.outvars):
            continue
        kept_eqns.append(_silent_inside(eqn))
        used.update(v for v in eqn.invars if not isinstance(v, Literal))
    eqns = kept_eqns[::-1]
    effects = frozenset().union(*(eqn.effects for eqn in eqns))
    return jaxpr.replace(eqns=eqns, effects=effects)


def _silent_inside(eqn: JaxprEqn) -> JaxprEqn:
    """The equation with silent equations inside, where they can be put back as they came."""
    if not eqn.effects:
        return eqn
    params = {name: _silent_value(value) for name, value in eqn.params.items()}
    inner = [v for value in params.values() for v in _jaxprs(value)]
    effects = frozenset().union(*(v.effects for v in inner)) if inner else eqn.effects
    return eqn.replace(params=params, effects=effects)


def _silent_value(value: Any) -> Any:
    if isinstance(value, ClosedJaxpr):
        return value.replace(jaxpr=_silent(value.jaxpr))
    if isinstance(value, Jaxpr):
        return _silent(value)
    if isinstance(value, tuple) and any(isinstance(v, ClosedJaxpr | Jaxpr) for v in value):
        return tuple(map(_silent_value, value))
    return value


def _jaxprs(value: Any) -> list[Any]:
    each = value if isinstance(value, tuple) else (value,)
    return [v for v in each if isinstance(v, ClosedJaxpr | Jaxpr)]
