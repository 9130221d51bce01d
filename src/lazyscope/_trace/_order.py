"""In which order does a network use its parameter arrays?"""

from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from lazyscope._trace._equations import Example


def order_of_use(example: Example) -> list[int]:
    """Numbers of the leaves by the equation that uses them first; unused ones at the end.

    Trees of parameters are sorted by name, which need not be the order of the layers.
    """
    jaxpr = example.closed.jaxpr
    leaves = jaxpr.invars[example.num_context : -1]
    uses = [_first_use(jaxpr, leaf) for leaf in leaves]
    return sorted(range(len(leaves)), key=lambda k: (not uses[k], uses[k]))


def _first_use(jaxpr: Jaxpr, variable: Any) -> tuple[int, ...]:
    """Where a variable meets something else: renamings and changes of shape are followed."""
    for number, eqn in enumerate(jaxpr.eqns):
        places = [
            k for k, v in enumerate(eqn.invars) if not isinstance(v, Literal) and v is variable
        ]
        if not places:
            continue
        inner = _inside(eqn)
        if len(inner) == 1 and len(inner[0].invars) == len(eqn.invars):
            deeper = _first_use(inner[0], inner[0].invars[places[0]])
            return (number, *deeper)
        others = [v for v in eqn.invars if not isinstance(v, Literal) and v is not variable]
        if not others and len(eqn.outvars) == 1:
            return _first_use(jaxpr, eqn.outvars[0]) or (number,)
        return (number,)
    return ()


def _inside(eqn: JaxprEqn) -> list[Jaxpr]:
    """The equations inside a call or a loop."""
    inner = [v for v in eqn.params.values() if isinstance(v, ClosedJaxpr | Jaxpr)]
    return [one.jaxpr if isinstance(one, ClosedJaxpr) else one for one in inner]
