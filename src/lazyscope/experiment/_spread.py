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

    The scales are ``alpha_l = c * b_l * m^{p_l}``, with the factor c such that kappa is what is asked
    for: the product of all scales, or whatever it is for the network. All speeds are one.

    Attributes:
        name: short name.
        description: one line in words.
        powers: exponents p_l for L + 1 layers, given L.
        factors: constants b_l for L + 1 layers, given L.
        at_readout: whether c is a factor of the last layer alone, so that pre-activations keep their size
            at every kappa, which only positively homogeneous activations can do without.
    """

    name: str
    description: str
    powers: Callable[[int], tuple[float, ...]]
    factors: Callable[[int], tuple[float, ...]] = lambda depth: (1.0,) * (depth + 1)
    at_readout: bool = False

    def __post_init__(self) -> None:
        check_fields(self)

    def alpha(self, kappa: float, width: int, depth: int) -> Float[np.ndarray, " layers"]:
        """Scales of the layers at one kappa and width."""
        kappa, depth = check_positive("kappa", kappa), check_count("depth", depth)
        width = check_count("width", width)
        base = np.array(self.factors(depth)) * float(width) ** np.array(self.powers(depth))
        return self._times(base, kappa / float(np.prod(base)))

    def _times(self, base: Float[np.ndarray, " layers"], factor: float) -> np.ndarray:
        """Scales whose product is `factor` times that of `base`."""
        if self.at_readout:
            return np.append(base[:-1], base[-1] * factor)
        return base * factor ** (1.0 / len(base))

    def alpha_of(self, network: AbstractNetwork, kappa: float) -> Float[np.ndarray, " layers"]:
        """Scales of the layers of any network at one kappa of that network."""
        alpha = self.alpha(kappa, network.width, len(network.shapes) - 1)
        reached = float(network.kappa(alpha))
        if abs(reached / kappa - 1.0) < _ROUNDING:
            return alpha

        from scipy.optimize import brentq

        layers = 1 if self.at_readout else len(alpha)

        def excess(log_factor: float) -> float:
            return float(np.log(network.kappa(self._times(alpha, factor(log_factor))) / kappa))

        def factor(log_factor: float) -> float:
            return float(np.exp(layers * log_factor))

        # Every kappa grows at least like the readout's scale, so that this far is far enough.
        reach = abs(np.log(reached / kappa)) + 1.0
        root = brentq(excess, -reach, reach, xtol=1e-13)
        return self._times(alpha, factor(root))  # pyright: ignore[reportArgumentType]

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
        exponents = np.log(
            self._times(np.exp(powers), float(np.exp(kappa_exponent - powers.sum())))
        )
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


def _at_readout(
    name: str, description: str, hidden: Callable[[int], Float[np.ndarray, " depth"]]
) -> Spread:
    """Hidden layers of fixed scales, and kappa by the readout."""
    return Spread(
        name,
        f"{description}, and kappa by the readout",
        lambda depth: (0.0,) * (depth + 1),
        lambda depth: (*hidden(depth).tolist(), 1.0),
        at_readout=True,
    )


def _drawn(seed: int) -> Callable[[int], Float[np.ndarray, " depth"]]:
    return lambda depth: np.random.default_rng(seed).lognormal(0.0, _SPREAD_OF_RANDOM, depth)


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
        _at_readout("readout", "all other layers of scale one", np.ones),
        _at_readout("readout-small", "all other layers of scale a half", lambda L: np.full(L, 0.5)),
        _at_readout("readout-large", "all other layers of scale two", lambda L: np.full(L, 2.0)),
        _at_readout("readout-random", "log-normal scales drawn once before it", _drawn(2024)),
        _at_readout("readout-random-2", "the same, drawn again", _drawn(2025)),
    )
}
