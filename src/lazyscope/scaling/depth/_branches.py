"""By which powers of the depth are the branches of a residual network multiplied, drawn and trained?"""

from dataclasses import dataclass
from typing import final

from lazyscope._checks import InputError, check_count, check_finite, check_positive

_STEEPEST = 10.0


@final
@dataclass(frozen=True)
class Branches:
    """Residual branches ``x + b W sigma(x)``, with ``b = constant L^multiplier_exponent`` at depth L.

    The first and the last layer, which lie outside of branches, do not depend on the depth. Only two of the
    three exponents act, as over widths: t can be moved from the scale to the multiplier if p t is taken off
    the speed, with p of `growth_power`.

    Args:
        multiplier_exponent: power of L in b.
        scale_exponent: power of L in the scale alpha_l of W.
        speed_exponent: power of L in the speed s_l of W, the learning rate of other optimisers.
        constant: b at depth one; above zero.

    Raises:
        InputError: an exponent beyond 10 in size, or a constant that is not positive.

    Example:
        >>> Branches(-0.5).multiplier_at(16)
        0.25
    """

    multiplier_exponent: float
    scale_exponent: float = 0.0
    speed_exponent: float = 0.0
    constant: float = 1.0

    def __post_init__(self) -> None:
        for name in ("multiplier_exponent", "scale_exponent", "speed_exponent"):
            value = check_finite(f"{name.replace('_', ' ')} in the depth", getattr(self, name))
            if abs(value) > _STEEPEST:
                raise InputError(
                    f"exponents in the depth lie between -{_STEEPEST:g} and {_STEEPEST:g}",
                    received=f"{name} {value:g}",
                    cause="a depth or a multiplier where its exponent was meant",
                    fix="give the power of L, for instance -0.5 for 1/sqrt(L)",
                )
            object.__setattr__(self, name, value)
        constant = check_positive("the constant of a branch multiplier", self.constant)
        object.__setattr__(self, "constant", constant)

    def multiplier_at(self, depth: int) -> float:
        """The multiplier b of a network of depth L."""
        return self.constant * check_count("depth", depth) ** self.multiplier_exponent
