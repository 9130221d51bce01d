"""How large is a small step of an optimiser, as a power of the width?

For small steps an optimiser is steepest descent in a norm of its own, layer by layer. A layer of scale
alpha_l moves per unit of time, in operator norm and relative to itself, by

    sgd, momentum               s_l / alpha_l^2         times a factor that all layers share
    sign, adam, adamw, lion     eta_l D_l / alpha_l     D_l = sqrt(fan_in fan_out), the norm of a sign matrix
    muon                        eta_l / alpha_l         D_l = 1, the norm of an orthogonal one

and what grows does so as (1 + q_l C)^(1/p), with q_l this relative speed, C the same for all layers and
p the power of alpha_l in it. Factors of an update for the shape of its matrix belong to eta_l.
"""

from collections.abc import Sequence

from lazyscope._checks import InputError, check_count, check_optimisers

_GROWTH = {"sgd": 2, "momentum": 2}
_OF_SIGNS = ("sign", "adam", "adamw", "lion")


def growth_power(optimiser: str | Sequence[str]) -> int:
    """p: 2 for gradient descent, 1 for optimisers whose step does not know the size of the gradient.

    Args:
        optimiser: a name, or one for each layer.

    Raises:
        InputError: a name that is not known, or optimisers of both powers, which have no common law.

    Trust: for small steps and an epsilon that is small against the gradient; without weight decay.

    Example:
        >>> growth_power("momentum"), growth_power(("adam", "muon", "adam"))
        (2, 1)
    """
    names = check_optimisers(optimiser)
    powers = {_GROWTH.get(name, 1) for name in names}
    if len(powers) != 1:
        raise InputError(
            "the optimisers of all layers must know the size of the gradient, or none of them",
            received=", ".join(names),
            cause="gradient descent for some layers and signs or directions of it for others",
            fix="use sgd and momentum, or sign, adam, adamw, lion and muon",
        )
    return powers.pop()


def update_exponents(optimiser: str | Sequence[str], num_layers: int) -> tuple[float, ...]:
    """Exponents of D_l in the width, layers 1 to L + 1.

    Args:
        optimiser: a name, or one for each layer.
        num_layers: L + 1.

    Raises:
        InputError: as `growth_power`, or another number of names than layers.

    Example:
        >>> update_exponents("adam", 3), update_exponents(("adam", "muon", "adam"), 3)
        ((0.5, 1.0, 0.5), (0.5, 0.0, 0.5))
    """
    names = optimiser_of_layers(optimiser, check_count("num_layers", num_layers, minimum=2))
    sizes = (0.5, *[1.0] * (len(names) - 2), 0.5)
    return tuple(
        size if name in _OF_SIGNS else 0.0 for name, size in zip(names, sizes, strict=True)
    )


def optimiser_of_layers(optimiser: str | Sequence[str], num_layers: int) -> tuple[str, ...]:
    """One name for each layer, of optimisers with a common law."""
    growth_power(optimiser)
    names = check_optimisers(optimiser)
    if len(names) not in (1, num_layers):
        raise InputError(
            f"there must be one optimiser, or one for each of the {num_layers} layers",
            received=", ".join(names),
            cause="a list for another depth: L hidden layers have L + 1 weight layers",
            fix=f"give {num_layers} names, layers 1 to L + 1",
        )
    return names if len(names) > 1 else names * num_layers
