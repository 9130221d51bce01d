"""In which ways can one initial scale kappa be spread over the layers of a network?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import check_choice, check_count, check_positive
from lazyscope._entry import check_fields
from lazyscope.model import AbstractNetwork
from lazyscope.scaling import PowerLaw, Scheme, ValueAtWidth

_SPREAD_OF_RANDOM = 1.0
_ROUNDING = 1e-12


@final
@dataclass(frozen=True)
class Spread:
    """A way to spread kappa: relative scales of the layers as powers of the width.

    The scales are ``alpha_l = c * b_l * m^{p_l}``, with the common factor c such that kappa is what is
    asked for: the product of all scales, or whatever it is for the network. All speeds are one.

    Attributes:
        name: short name.
        description: one line in words.
        powers: exponents p_l for L + 1 layers, given L.
        factors: constants b_l for L + 1 layers, given L.
    """

    name: str
    description: str
    powers: Callable[[int], tuple[float, ...]]
    factors: Callable[[int], tuple[float, ...]] = lambda depth: (1.0,) * (depth + 1)

    def __post_init__(self) -> None:
        check_fields(self)

    def alpha(self, kappa: float, width: int, depth: int) -> Float[np.ndarray, " layers"]:
        """Scales of the layers at one kappa and width."""
        kappa, depth = check_positive("kappa", kappa), check_count("depth", depth)
        width = check_count("width", width)
        base = np.array(self.factors(depth)) * float(width) ** np.array(self.powers(depth))
        return base * (kappa / np.prod(base)) ** (1.0 / (depth + 1))

    def alpha_of(self, network: AbstractNetwork, kappa: float) -> Float[np.ndarray, " layers"]:
        """Scales of the layers of any network at one kappa of that network."""
        alpha = self.alpha(kappa, network.width, len(network.shapes) - 1)
        reached = float(network.kappa(alpha))
        if abs(reached / kappa - 1.0) < _ROUNDING:
            return alpha

        from scipy.optimize import brentq

        def excess(log_factor: float) -> float:
            return float(np.log(network.kappa(np.exp(log_factor) * alpha) / kappa))

        # Every kappa grows at least like the readout's scale, so that this far is far enough.
        reach = abs(np.log(reached / kappa)) + 1.0
        return np.exp(brentq(excess, -reach, reach, xtol=1e-13)) * alpha  # pyright: ignore[reportArgumentType, reportCallIssue]

    def scheme(self, kappa: float, width: int, depth: int) -> Scheme:
        """The numbers at one kappa and width."""
        return Scheme(
            f"{self.name}, kappa {kappa:g}",
            tuple(ValueAtWidth(float(a), width) for a in self.alpha(kappa, width, depth)),
            (PowerLaw(1.0),) * (depth + 1),
            source="spread of kappa",
        )

    def over_widths(self, kappa: float, depth: int) -> Scheme:
        """The same kappa at every width: the laws whose numbers at a width are those of `scheme`."""
        kappa, depth = check_positive("kappa", kappa), check_count("depth", depth)
        powers, factors = np.array(self.powers(depth)), np.array(self.factors(depth))
        constants = factors * (kappa / np.prod(factors)) ** (1.0 / (depth + 1))
        return Scheme(
            f"{self.name}, kappa {kappa:g}",
            tuple(map(PowerLaw, constants.tolist(), (powers - powers.mean()).tolist())),
            (PowerLaw(1.0),) * (depth + 1),
            source="spread of kappa",
        )

    def growing(self, kappa_exponent: float, depth: int) -> Scheme:
        """The same spread with kappa = m^kappa_exponent, which has exponents and a regime."""
        powers = np.array(self.powers(depth))
        exponents = powers + (kappa_exponent - powers.sum()) / (depth + 1)
        return Scheme.from_exponents([float(a) for a in exponents], name=self.name)


def spread(name: str) -> Spread:
    """The way to spread kappa called `name`.

    Example:
        >>> float(spread("balanced").alpha(8.0, width=100, depth=2)[0])
        2.0
    """
    return _BY_NAME[check_choice("spread", name, _BY_NAME)]


def spread_names() -> tuple[str, ...]:
    """Names that `spread` knows."""
    return tuple(_BY_NAME)


def _random_factors(depth: int) -> tuple[float, ...]:
    draws = np.random.default_rng(2024).normal(0.0, _SPREAD_OF_RANDOM, depth + 1)
    return tuple(float(b) for b in np.exp(draws - draws.mean()))


_BY_NAME = {
    entry.name: entry
    for entry in (
        Spread("balanced", "every layer the same scale", lambda depth: (0.0,) * (depth + 1)),
        Spread(
            "ntk-like",
            "the input layer sqrt(m) times the others, as in NTK scaling",
            lambda depth: (0.5,) + (0.0,) * depth,
        ),
        Spread(
            "small-readout",
            "the readout sqrt(m) times smaller than the others",
            lambda depth: (0.0,) * depth + (-0.5,),
        ),
        Spread(
            "small-input",
            "the input layer sqrt(m) times smaller than the others",
            lambda depth: (-0.5,) + (0.0,) * depth,
        ),
        Spread(
            "small-hidden",
            "all layers between input and readout sqrt(m) times smaller than these two",
            lambda depth: (0.0,) + (-0.5,) * (depth - 1) + (0.0,),
        ),
        Spread(
            "random",
            "log-normal factors of spread one, drawn once",
            lambda depth: (0.0,) * (depth + 1),
            _random_factors,
        ),
    )
}
