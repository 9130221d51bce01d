"""Which constants of a JAX function depend on its width, and which should a narrow network take over?

A factor such as 1/sqrt(m) in front of an array belongs to the array: a proxy keeps the wide network's, so
that its entries mean the same. A factor that divides a sum over units which no array weighs (a mean, a
variance, a normalisation) belongs to the sum, whose terms are fewer in the proxy: it keeps its own. Which
is which is followed through the equations of both widths, side by side.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from lazyscope._portable import PortableError
from lazyscope._trace import Example, Path, bind, inner_jaxpr

Replacements = Mapping[Path, Mapping[int, Any]]
"""Numbers to put in place of operands, by the path of the equation and the operand's place."""


class Constants(NamedTuple):
    """What was found.

    Attributes:
        replacements: constants of the wide network for the equations of the narrow one.
        notes: sentences on sums over units that change their size with the width.
    """

    replacements: Replacements
    notes: tuple[str, ...]


class _Value(NamedTuple):
    """What is known of one value.

    Attributes:
        known: the one number that all its entries are, in the narrow and in the wide network.
        power: of the width in its size, from sums over units that were not divided by their number.
        trained: whether it is made of parameters alone.
        weighed: whether its units were multiplied by parameters and are to be summed.
    """

    known: tuple[Any, Any] | None = None
    power: float = 0.0
    trained: bool = False
    weighed: bool = False


_CALLS = (
    "pjit",
    "jit",
    "closed_call",
    "core_call",
    "remat2",
    "checkpoint",
    "custom_jvp_call",
    "custom_vjp_call",
)
_OPENED = ("pjit", "jit", "closed_call", "core_call")
"""Calls in which operands can be replaced without another derivative."""
_HOMOGENEOUS = (
    "neg", "abs", "convert_element_type", "reshape", "squeeze", "broadcast_in_dim", "transpose", "copy",
    "stop_gradient", "slice", "dynamic_slice", "gather", "concatenate", "reduce_max", "max", "min",
    "expand_dims", "rev", "pad", "select_n", "real", "add", "sub", "add_any", "cumsum", "split",
)  # fmt: skip
_UNIFORM = (
    "convert_element_type",
    "reshape",
    "squeeze",
    "broadcast_in_dim",
    "copy",
    "stop_gradient",
    "expand_dims",
)
_KEPT_TERMS = (*_UNIFORM, "neg", "mul", "div")
_SAME_NUMBER = 1e-6


@final
class _DifferentError(PortableError):
    """The equations of both widths are not the same."""


def constants_of(narrow: Example, wide: Example, ratio: float) -> Constants:
    """Constants of the wide network that a narrow one has to take over.

    Args:
        narrow: equations at the proxy's width.
        wide: equations at the other.
        ratio: wide width over narrow.
    """
    walk = _Walk(math.log(ratio))
    count = narrow.num_context, narrow.num_leaves
    given = [_Value()] * count[0] + [_Value(trained=True)] * count[1] + [_Value()]
    try:
        walk.jaxpr(
            (narrow.closed.jaxpr, wide.closed.jaxpr),
            (narrow.closed.consts, wide.closed.consts),
            given,
            (),
            opened=True,
        )
    except _DifferentError as error:
        note = (
            f"Equations differ between the widths ({error}), so constants were not compared, only sizes "
            "at the start."
        )
        return Constants({}, (note,))
    return Constants(walk.replacements, tuple(dict.fromkeys(walk.notes)))


@final
class _Walk:
    """Both functions, equation by equation."""

    def __init__(self, log_ratio: float) -> None:
        self.log_ratio = log_ratio
        self.replacements: dict[Path, dict[int, Any]] = {}
        self.notes: list[str] = []

    def jaxpr(
        self,
        pair: tuple[Jaxpr, Jaxpr],
        consts: tuple[Sequence[Any], Sequence[Any]],
        given: Sequence[_Value],
        path: Path,
        *,
        opened: bool,
    ) -> list[_Value]:
        """What is known of the outputs, from what is known of the inputs."""
        narrow, wide = pair
        if len(narrow.eqns) != len(wide.eqns) or len(narrow.constvars) != len(wide.constvars):
            raise _DifferentError(f"{len(narrow.eqns)} and {len(wide.eqns)} of them")
        env: dict[Any, _Value] = dict(zip(narrow.invars, given, strict=True))
        for var, one, two in zip(narrow.constvars, *consts, strict=True):
            env[var] = _Value(known=_number(one, two))

        def read(mine: Any, theirs: Any) -> _Value:
            if isinstance(mine, Literal):
                if not isinstance(theirs, Literal):
                    raise _DifferentError("a constant at one of them")
                return _Value(known=_number(mine.val, theirs.val))
            return env[mine]

        for number, (mine, theirs) in enumerate(zip(narrow.eqns, wide.eqns, strict=True)):
            if mine.primitive is not theirs.primitive or len(mine.invars) != len(theirs.invars):
                raise _DifferentError(f"{mine.primitive.name} and {theirs.primitive.name}")
            values = [read(a, b) for a, b in zip(mine.invars, theirs.invars, strict=True)]
            found = self.equation((mine, theirs), values, (*path, number), opened=opened)
            env.update(zip(mine.outvars, found, strict=True))
        return [read(a, b) for a, b in zip(narrow.outvars, wide.outvars, strict=True)]

    def equation(
        self, pair: tuple[Any, Any], values: Sequence[_Value], path: Path, *, opened: bool
    ) -> list[_Value]:
        """What is known of what one equation makes."""
        mine, theirs = pair
        name, outs = mine.primitive.name, len(mine.outvars)
        if all(value.known for value in values) and values:
            folded = _folded(pair, values)
            if folded is not None:
                return [_Value(known=folded)]
        if name in _CALLS:
            (one, consts), (two, more) = inner_jaxpr(mine), inner_jaxpr(theirs)
            inside = opened and name in _OPENED
            return self.jaxpr((one, two), (consts, more), values, path, opened=inside)
        for key, body in mine.params.items():
            for one, two in zip(_bodies(body), _bodies(theirs.params.get(key)), strict=True):
                inner = [_Value(trained=False)] * len(one.jaxpr.invars)
                if (
                    name == "scan"
                ):  # rows of trained arrays are trained, what is carried is not known
                    first, last = mine.params["num_consts"], mine.params["num_carry"]
                    inner[:first] = values[:first]
                    inner[first + last :] = values[first + last :]
                self.jaxpr(
                    (one.jaxpr, two.jaxpr),
                    (one.consts, two.consts),
                    inner,
                    (*path, 0),
                    opened=False,
                )
        trained = all(value.trained or value.known for value in values) and any(
            v.trained for v in values
        )
        return [self.result(pair, values, path, opened=opened)._replace(trained=trained)] * outs

    def result(
        self, pair: tuple[Any, Any], values: Sequence[_Value], path: Path, *, opened: bool
    ) -> _Value:
        """Power of the width in one result; constants that belong to an array are replaced on the way."""
        mine, _ = pair
        name = mine.primitive.name
        power = _power(mine, values)
        lengths = _growing(pair)
        others = [v for v in values if not v.known]
        for place, value in enumerate(values):
            change = self.exponent(value)
            if not change or not np.issubdtype(mine.invars[place].aval.dtype, np.floating):
                continue
            sign = {"mul": 1, "div": 1 if place == 0 else -1}.get(name)
            if sign is not None and power and not math.isnan(change):
                power += sign * change
                continue
            self.replace(path, place, value, opened=opened)
        if name == "reduce_sum" and lengths[0] & set(mine.params["axes"]):
            return _Value(power=power + (not any(v.weighed for v in values)))
        if name == "dot_general":
            contracted = set(mine.params["dimension_numbers"][0][0]) & lengths[0]
            both = not any(v.trained for v in values)
            return _Value(power=power + (1.0 if contracted and both else 0.0))
        weighed = any(v.weighed for v in others) and len(others) == 1 and name in _KEPT_TERMS
        if (
            name == "mul"
            and len(others) == 2
            and any(v.trained for v in others) != all(v.trained for v in others)
        ):
            side = next(k for k, v in enumerate(values) if v.trained)
            weighed = bool(lengths[side])
        if abs(power) > _SAME_NUMBER and name in _NONLINEAR:
            self.notes.append(
                f"What goes into {name} sums over units and grows like m^{power:g} of the width: approximate."
            )
            power = 0.0
        return _Value(power=power if abs(power) > _SAME_NUMBER else 0.0, weighed=weighed)

    def exponent(self, value: _Value) -> float:
        """The power of the width in a known number; NaN where it depends on it in another way."""
        if value.known is None:
            return 0.0
        one, two = (float(each) for each in value.known)
        if one == two or (math.isnan(one) and math.isnan(two)):
            return 0.0
        if not one * two > 0:
            return math.nan
        return math.log(two / one) / self.log_ratio

    def replace(self, path: Path, place: int, value: _Value, *, opened: bool) -> None:
        """Take over the wide network's constant."""
        assert value.known is not None
        if not opened:
            self.notes.append(
                f"The constant {float(value.known[0]):.4g} inside a loop or a rule of its own is "
                f"{float(value.known[1]):.4g} at the wide width, and stays the narrow one's."
            )
            return
        self.replacements.setdefault(path, {})[place] = value.known[1]


_NONLINEAR = (
    "exp",
    "log",
    "tanh",
    "logistic",
    "erf",
    "sin",
    "cos",
    "pow",
    "log1p",
    "expm1",
    "exp2",
)


def _power(eqn: Any, values: Sequence[_Value]) -> float:
    """The power of the width in a result from those of its operands."""
    powers = [value.power for value in values]
    name = eqn.primitive.name
    if not any(powers):
        return 0.0
    if name in ("mul", "dot_general"):
        return sum(powers)
    if name == "div":
        return powers[0] - powers[1]
    if name == "square":
        return 2 * powers[0]
    if name == "integer_pow":
        return eqn.params["y"] * powers[0]
    if name in ("sqrt", "rsqrt"):
        return powers[0] / 2 * (1 if name == "sqrt" else -1)
    if name in _HOMOGENEOUS or name.startswith("reduce_") or name in _NONLINEAR:
        return max(powers, key=abs)
    return 0.0


def _growing(pair: tuple[Any, Any]) -> list[set[int]]:
    """Axes of every operand whose length depends on the width."""
    return [
        {k for k, (a, b) in enumerate(zip(one.aval.shape, two.aval.shape, strict=True)) if a != b}
        if len(one.aval.shape) == len(two.aval.shape)
        else set()
        for one, two in zip(pair[0].invars, pair[1].invars, strict=True)
    ]


def _number(one: Any, two: Any) -> tuple[Any, Any] | None:
    """The number that a constant is at both widths, if it is one."""
    if np.shape(one) != () or np.shape(two) != ():
        return None
    if not np.issubdtype(np.result_type(one), np.number):
        return None
    return one, two


def _folded(pair: tuple[Any, Any], values: Sequence[_Value]) -> tuple[Any, Any] | None:
    """The number that an equation of numbers makes, at both widths."""
    name = pair[0].primitive.name
    if name in _UNIFORM:
        kind = pair[0].outvars[0].aval.dtype
        known = values[0].known
        return None if known is None else (np.asarray(known[0], kind), np.asarray(known[1], kind))
    if len(pair[0].outvars) != 1 or pair[0].outvars[0].aval.shape != ():
        return None
    made = []
    for which, eqn in enumerate(pair):
        numbers = [
            np.asarray(value.known[which], var.aval.dtype)
            for value, var in zip(values, eqn.invars, strict=True)
            if value.known is not None
        ]
        try:
            with jax.ensure_compile_time_eval():
                made.append(np.asarray(bind(eqn, numbers)[0]))
        except Exception:
            return None
    return made[0], made[1]


def _bodies(value: Any) -> list[ClosedJaxpr]:
    """Functions among the parameters of an equation."""
    held = value if isinstance(value, tuple | list) else (value,)
    return [each for each in held if isinstance(each, ClosedJaxpr)]


def run_with(
    jaxpr: Jaxpr,
    consts: Sequence[Any],
    args: Sequence[Any],
    replacements: Replacements,
    path: Path = (),
) -> list[Any]:
    """Evaluate the equations with other constants; calls are opened only where there is one inside."""
    env = dict(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, args, strict=True))
    for number, eqn in enumerate(jaxpr.eqns):
        here = (*path, number)
        values = [v.val if isinstance(v, Literal) else env[v] for v in eqn.invars]
        for place, other in replacements.get(here, {}).items():
            aval: Any = eqn.invars[place].aval
            values[place] = np.broadcast_to(np.asarray(other, aval.dtype), aval.shape)
        if any(at[: len(here)] == here and len(at) > len(here) for at in replacements):
            inner, inner_consts = inner_jaxpr(eqn)
            outs = run_with(inner, inner_consts, values, replacements, here)
        else:
            outs = bind(eqn, values)
        env.update(zip(eqn.outvars, outs, strict=True))
    return [v.val if isinstance(v, Literal) else env[v] for v in jaxpr.outvars]
