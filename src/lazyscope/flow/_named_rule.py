"""Which transformation of gradients does the name of an optimiser mean, and with which numbers?"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import (
    WITH_EPSILON,
    InputError,
    check_array,
    check_not_negative,
    check_positive,
    check_sequence,
    is_known,
    shown,
)
from lazyscope._types import Params, Scalar

BETAS: dict[str, tuple[float, ...]] = {
    "momentum": (0.9,),
    "adam": (0.9, 0.999),
    "adamw": (0.9, 0.999),
    "lion": (0.9, 0.99),
    "muon": (0.95,),
}
"""Decay rates of what an optimiser averages over steps; those without an average have none."""

EPSILON = 1e-8
"""What Adam adds to the root of the mean square of a gradient, and Muon to a norm."""

WEIGHT_DECAY = {"adamw": 1e-4}
"""Of those that have one unless another is given."""


class Numbers(NamedTuple):
    """Numbers of an optimiser, None where they are its own: decay rates, epsilon, weight decay.

    The last two are one number, or one for each group of parameters.
    """

    betas: tuple[float | Scalar, ...] | None
    epsilon: float | Scalar | Float[Array, " groups"] | None
    weight_decay: float | Scalar | Float[Array, " groups"] | None

    def of_groups(self, count: int) -> list["Numbers"]:
        """The numbers of every group."""
        return [
            self._replace(epsilon=epsilon, weight_decay=decay)
            for epsilon, decay in zip(
                _each("epsilon", self.epsilon, count),
                _each("weight_decay", self.weight_decay, count),
                strict=True,
            )
        ]


class RuleByArray(NamedTuple):
    """A transformation of its own for every array of a tree, with the methods of Optax's."""

    rules: list[Any]

    @classmethod
    def of(cls, names: Sequence[str], groups: Sequence[Params], numbers: Numbers) -> "RuleByArray":
        """Of named optimisers, one for all groups of parameters or one for each."""
        if len(names) not in (1, len(groups)):
            raise InputError(
                f"there must be one optimiser, or one for each of the {len(groups)} groups",
                received=", ".join(names),
                cause="a list for another depth, or arrays that are groups of their own",
                fix=f"give {len(groups)} names in the order of the groups",
            )
        each = names if len(names) > 1 else [*names] * len(groups)
        told = zip(each, groups, numbers.of_groups(len(groups)), strict=True)
        return cls(
            [_named(name, leaf.ndim, own) for name, g, own in told for leaf in jax.tree.leaves(g)]
        )

    def init(self, params: Params) -> list[Any]:
        """Averages before the first step."""
        leaves = jax.tree.leaves(params)
        return [rule.init(leaf) for rule, leaf in zip(self.rules, leaves, strict=True)]

    def update(self, slope: Params, averages: list[Any], params: Params) -> tuple[Params, Any]:
        """What is added to the parameters, and the averages after it."""
        leaves, shape = jax.tree.flatten(slope)
        parts = zip(self.rules, leaves, averages, jax.tree.leaves(params), strict=True)
        moved = [rule.update(leaf, kept, at) for rule, leaf, kept, at in parts]
        return shape.unflatten([update for update, _ in moved]), [kept for _, kept in moved]


def _each(what: str, value: Any, count: int) -> list[Any]:
    """A number of every group, from one for all of them or one for each."""
    if value is None:
        return [None] * count
    shape = jnp.shape(value)
    if shape not in ((), (count,)):
        raise InputError(
            f"{what} must be one number, or one for each of the {count} groups",
            received=f"an array of shape {shape}",
            cause="a list for another depth, or arrays that are groups of their own",
            fix=f"give {count} numbers in the order of the groups",
        )
    return [value] * count if shape == () else list(value)


def _named(name: str, ndim: int, numbers: Numbers) -> Any:
    """What a name means for an array with so many axes, at rate one."""
    import optax  # here, since what takes no such step need not wait for it
    import optax.contrib

    given = numbers.weight_decay
    decay = WEIGHT_DECAY.get(name, 0.0) if given is None else given
    betas = numbers.betas or BETAS.get(name, ())
    epsilon = EPSILON if numbers.epsilon is None else numbers.epsilon
    if name == "muon" and ndim != 2:
        name, betas = "adam", BETAS["adam"]
    first, second = (*betas, 0.0, 0.0)[:2]
    makers: dict[str, Callable[[], Any]] = {
        "sgd": optax.identity,
        "momentum": lambda: optax.trace(first),
        "adam": lambda: optax.scale_by_adam(first, second, epsilon),
        "adamw": lambda: optax.scale_by_adam(first, second, epsilon),
        "sign": lambda: optax.stateless(_signs),
        "lion": lambda: optax.scale_by_lion(first, second),
        "muon": lambda: optax.contrib.scale_by_muon(
            beta=first,
            eps=epsilon,
            weight_dimension_numbers=optax.contrib.MuonDimensionNumbers(),
        ),
    }
    return optax.chain(makers[name](), optax.add_decayed_weights(decay), optax.scale(-1.0))


def _signs(slope: Any, params: Any) -> Any:
    del params
    return jnp.sign(slope)


def check_optimiser_numbers(numbers: Numbers, names: tuple[str, ...]) -> None:
    """Refuse numbers out of range, and those that no optimiser of this run reads.

    Args:
        numbers: see `Numbers`.
        names: of the optimisers; none where a transformation was given.
    """
    reading = {"betas": BETAS, "epsilon": WITH_EPSILON, "weight_decay": names}
    for what, value in numbers._asdict().items():
        if value is not None and not any(name in reading[what] for name in names):
            raise InputError(
                f"{what} must be a number of this optimiser",
                received=f"{what} for {', '.join(names) or 'a transformation'}",
                cause="a number of another optimiser" if names else "it has numbers of its own",
                fix=f"leave out {what}" if names else f"make the transformation with its {what}",
            )
    for what, check in (("epsilon", check_positive), ("weight_decay", check_not_negative)):
        value = getattr(numbers, what)
        if is_known(value) and np.ndim(value) == 1:
            for one in np.asarray(check_array(what, value)):
                check_not_negative(what, float(one))  # at virtual widths one may underflow
        elif np.ndim(value) != 1:
            check_if_known(what, value, check)
    if numbers.betas is not None:
        _check_betas(numbers.betas, names)


def _check_betas(betas: Any, names: tuple[str, ...]) -> None:
    counts = sorted({len(BETAS.get(name, ())) for name in names})
    if [len(check_sequence("betas", betas))] != counts:
        raise InputError(
            f"betas must be {' or '.join(map(str, counts))} numbers for {', '.join(names)}",
            received=f"{len(betas)} numbers",
            cause="those of another optimiser, or several optimisers with averages of their own",
            fix="give one for momentum and muon, two for adam, adamw and lion",
        )
    for beta in betas:
        check_if_known("every beta", float("nan") if beta is None else beta, _check_decay)


def _check_decay(name: str, value: Any) -> None:
    if check_not_negative(name, value) >= 1:
        raise InputError(
            f"{name} must be below one",
            received=shown(value),
            cause="a rate that forgets nothing",
            fix="give a number such as 0.9",
        )


def check_if_known(name: str, value: Any, check: Callable[[str, Any], Any]) -> None:
    """Refuse a number out of range; None, and what is traced, are left to others."""
    if isinstance(value, jax.Array):
        check_array(name, value, ndim=0)
        value = float(value) if is_known(value) else None
    if value is not None:
        check(name, value)
