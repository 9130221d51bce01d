"""Where do parameters enter a network, and which of their uses are plain matrix products?

The equations are walked once. What is made of a parameter stays a *view* of it as long as only its entries
are picked, reordered or multiplied by numbers; where a view meets data in an equation that has a rule,
there is a recognised use. Any other makes the whole parameter *open*: its gradients are then taken by
differentiation.
"""

import enum
import functools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

import jax
import numpy as np
from jax.core import Tracer
from jax.extend.core import Jaxpr, JaxprEqn, Literal

from lazyscope._trace._equations import CALLS, Example, Path, bind, inner_jaxpr
from lazyscope._trace._rules import MatrixProduct, as_matrix_product


class Unknown(enum.Enum):
    """A value that is neither a view nor a known number."""

    DATA = "depends on the example"
    FIXED = "the same for every example"


class View(NamedTuple):
    """Entries of a parameter, each at most once unless `spread`, times a number.

    ``steps`` turn the parameter's array of entry numbers into the view's; ``sliced`` says of each loop
    around whether it walks along the view's leading axis.
    """

    parameter: int
    steps: tuple[Callable[[Any], Any], ...] = ()
    scale: float = 1.0
    sliced: tuple[bool, ...] = ()
    spread: bool = False


class Use(NamedTuple):
    """A place where a view of a parameter is multiplied with data, or with what all examples share."""

    view: View
    product: MatrixProduct
    path: Path
    operand: int
    loops: tuple[int, ...]
    without_data: bool = False

    @property
    def blocks(self) -> int:
        """Blocks of the product, counting the turns of loops that walk along the parameter."""
        turns = (n for n, cut in zip(self.loops, self.view.sliced, strict=True) if cut)
        return self.product.blocks * math.prod(turns)

    @property
    def positions(self) -> int:
        """Positions of the product, counting the turns of loops that use the same entries."""
        turns = (n for n, cut in zip(self.loops, self.view.sliced, strict=True) if not cut)
        return self.product.positions * math.prod(turns)


@final
@dataclass
class Usage:
    """What the walk found: recognised uses, and for each parameter the other ways in which it is used."""

    uses: list[Use] = field(default_factory=list)
    others: dict[int, Counter[str]] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)

    def open(self, parameter: int, reason: str) -> None:
        """Note a use that no rule covers."""
        self.others.setdefault(parameter, Counter())[reason] += 1


def find_uses(example: Example) -> Usage:
    """Walk the equations of a traced network and return how its parameters are used."""
    jaxpr = example.closed.jaxpr
    first = example.num_context
    known: list[Any] = [Unknown.FIXED] * first
    known += [View(parameter) for parameter in range(example.num_leaves)]
    known.append(Unknown.DATA)
    usage = Usage()
    outs = _walk(jaxpr, [_number(c) for c in example.closed.consts], known, usage, (), ())
    for out in outs:
        if isinstance(out, View):
            usage.touched.add(out.parameter)
            usage.open(out.parameter, "returned as it is")
    return usage


def _number(value: Any) -> np.ndarray | Unknown:
    """The value of a constant that is a single number known while tracing."""
    if isinstance(value, Tracer) or np.size(value) != 1:
        return Unknown.FIXED
    if not jax.numpy.issubdtype(getattr(value, "dtype", np.float64), np.number):
        return Unknown.FIXED
    return np.asarray(value)


def _aval(v: Any) -> Any:
    """Shape and type of a variable."""
    return v.aval


def _blend(known: Sequence[Any]) -> Unknown:
    """What an output is, of which no more is known than its inputs."""
    return Unknown.DATA if any(k is Unknown.DATA for k in known) else Unknown.FIXED


def _walk(
    jaxpr: Jaxpr,
    consts: Sequence[Any],
    args: Sequence[Any],
    usage: Usage,
    path: Path,
    loops: tuple[int, ...],
) -> list[Any]:
    """Follow views (`View`) and known numbers (arrays) through the equations."""
    env: dict[Any, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, args, strict=True))

    def read(v: Any) -> Any:
        return np.asarray(v.val) if isinstance(v, Literal) else env[v]

    for number, eqn in enumerate(jaxpr.eqns):
        known = [read(v) for v in eqn.invars]
        views = [k for k in known if isinstance(k, View)]
        usage.touched.update(v.parameter for v in views)
        name, here = eqn.primitive.name, (*path, number)
        if name in CALLS:
            inner, inner_consts = inner_jaxpr(eqn)
            outs = _walk(inner, [_number(c) for c in inner_consts], known, usage, here, loops)
        elif not views:
            outs = _fold(eqn, known)
        elif name == "scan":
            outs = _scan(eqn, known, usage, here, loops)
        else:
            outs = _use(eqn, known, usage, here, loops)
        env.update(zip(eqn.outvars, outs, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _fold(eqn: JaxprEqn, known: Sequence[Any]) -> Sequence[Any]:
    """Numbers stay known through arithmetic with numbers, so that W / sqrt(m) is understood."""
    single = all(math.prod(_aval(v).shape) == 1 for v in eqn.outvars)
    if eqn.effects or not single or any(isinstance(k, Unknown) for k in known):
        return [_blend(known)] * len(eqn.outvars)
    with jax.ensure_compile_time_eval():
        pairs = zip(known, eqn.invars, strict=True)
        values = [jax.numpy.asarray(k, _aval(v).dtype) for k, v in pairs]
        return [_number(out) for out in bind(eqn, values)]


def _scan(
    eqn: JaxprEqn, known: Sequence[Any], usage: Usage, path: Path, loops: tuple[int, ...]
) -> list[Any]:
    """Follow views into the body of a scan: as they are, or cut along their leading axis."""
    body, consts = inner_jaxpr(eqn)
    num_consts, num_carry = eqn.params["num_consts"], eqn.params["num_carry"]
    inner: list[Any] = []
    for place, value in enumerate(known):
        carried = num_consts <= place < num_consts + num_carry
        if isinstance(value, View) and carried:
            usage.open(value.parameter, "carried through a loop")
            inner.append(_blend(known))
        elif isinstance(value, View):
            inner.append(value._replace(sliced=(*value.sliced, place >= num_consts)))
        else:
            inner.append(value if place < num_consts else _blend(known))
    turns = (*loops, eqn.params["length"])
    for out in _walk(body, [_number(c) for c in consts], inner, usage, path, turns):
        if isinstance(out, View):
            usage.open(out.parameter, "returned by a loop")
    return [_blend(known)] * len(eqn.outvars)


def _use(
    eqn: JaxprEqn, known: Sequence[Any], usage: Usage, path: Path, loops: tuple[int, ...]
) -> Sequence[Any]:
    """Extend a view, note a use, or open the parameter."""
    places = [place for place, value in enumerate(known) if isinstance(value, View)]
    if len(places) == 1:
        extended = _extend(eqn, known, places[0])
        if extended is not None:
            return extended
    for place in places:
        view = known[place]
        product = None if view.spread else as_matrix_product(eqn, place)
        if product is None:
            usage.open(view.parameter, _reason(eqn, known))
        else:
            fixed = _blend(known) is Unknown.FIXED
            usage.uses.append(Use(view, product, path, place, loops, fixed))
    return [_blend(known)] * len(eqn.outvars)


SHIFT, SCALE = "shift of data", "scale of data"


def _reason(eqn: JaxprEqn, known: Sequence[Any]) -> str:
    """Words for a use without a rule."""
    name = eqn.primitive.name
    if _blend(known) is Unknown.DATA and name in ("add", "sub"):
        return SHIFT
    if _blend(known) is Unknown.DATA and name in ("mul", "div"):
        return SCALE
    return name


def _extend(eqn: JaxprEqn, known: Sequence[Any], place: int) -> list[View] | None:
    """The views that an equation makes of one view and known numbers, if it only picks or scales."""
    name, view = eqn.primitive.name, known[place]
    others = [k for n, k in enumerate(known) if n != place]
    if any(isinstance(k, Unknown) for k in others):
        return None
    if _changes_nothing(eqn, place, others):
        return [view]
    shape, shapes = _aval(eqn.invars[place]).shape, [_aval(v).shape for v in eqn.outvars]
    dtypes = {_aval(v).dtype for v in (eqn.invars[place], *eqn.outvars)}
    if name in _SCALINGS and len(dtypes) == 1 and all(np.size(k) == 1 for k in others):
        if shapes != [shape]:
            return None
        factor = _SCALINGS[name](place, *(float(np.reshape(k, ())) for k in others))
        if factor is None or not math.isfinite(factor):
            return None
        return [view._replace(scale=view.scale * factor)]
    if name not in _SELECTIONS or len(dtypes) != 1:
        return None
    grown = sum(map(math.prod, shapes)) > math.prod(shape)
    cuts = sum(view.sliced)
    steps = [
        functools.partial(_replay, eqn, place, known, n, cuts) for n in range(len(eqn.outvars))
    ]
    return [view._replace(steps=(*view.steps, s), spread=view.spread or grown) for s in steps]


def _changes_nothing(eqn: JaxprEqn, place: int, others: Sequence[Any]) -> bool:
    """Whether an equation hands its input on with derivative one: roundings, markers, + 0."""
    source, targets = _aval(eqn.invars[place]), [_aval(v) for v in eqn.outvars]
    if len(targets) != 1 or targets[0].shape != source.shape:
        return False
    if not all(jax.numpy.issubdtype(a.dtype, np.floating) for a in (source, *targets)):
        return False
    name = eqn.primitive.name
    if name in ("add", "sub"):
        numbers = [np.reshape(k, ()) for k in others if np.size(k) == 1]
        return len(numbers) == 1 == len(others) and not numbers[0] and (place == 0 or name == "add")
    if name == "integer_pow":
        return eqn.params["y"] == 1
    return name in _MARKERS and not others


_MARKERS = frozenset(
    {
        "convert_element_type", "reduce_precision", "optimization_barrier", "name", "device_put",
        "sharding_constraint", "copy", "copy_p",
    }
)  # fmt: skip
"""Equations that hand on what comes, at most rounded to another type of numbers."""


def _replay(
    eqn: JaxprEqn, place: int, known: Sequence[Any], output: int, cuts: int, numbers: Any
) -> Any:
    """Run a selecting equation on entry numbers; `cuts` leading axes belong to loops."""

    def select(numbers: Any) -> Any:
        values = [numbers if n == place else jax.numpy.asarray(k) for n, k in enumerate(known)]
        return bind(eqn, values)[output]

    for _ in range(cuts):
        select = jax.vmap(select)
    return select(numbers)


def _divided(place: int, other: float) -> float | None:
    """The factor of view / number; number / view is no view."""
    return 1.0 / other if place == 0 and other != 0 else None


_SCALINGS: dict[str, Callable[..., float | None]] = {
    "mul": lambda place, other: other,
    "div": _divided,
    "neg": lambda place: -1.0,
}

_SELECTIONS = frozenset(
    {
        "reshape", "transpose", "squeeze", "expand_dims", "slice", "rev", "split",
        "broadcast_in_dim", "dynamic_slice",
    }
)  # fmt: skip
"""Equations that pick entries and put them elsewhere. None but a broadcast repeats an entry."""


def entry_numbers(use: Use, shape: tuple[int, ...]) -> np.ndarray:
    """Which entry of the parameter each weight of the use is: (blocks, inputs, outputs)."""
    with jax.ensure_compile_time_eval():
        numbers: Any = jax.numpy.arange(math.prod(shape), dtype=np.int32).reshape(shape)
        for step in use.view.steps:
            numbers = step(numbers)
    product = use.product
    cuts = sum(use.view.sliced)
    array = np.asarray(numbers)
    lead = array.shape[:cuts]
    flat = array.reshape(-1, *array.shape[cuts:])
    weights = np.stack([product.weight(one) for one in flat])
    return weights.reshape(math.prod(lead) * product.blocks, product.inputs, product.outputs)
