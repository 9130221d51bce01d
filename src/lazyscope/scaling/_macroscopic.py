"""Which numbers does a scheme at one width have on a network of another width?"""

import math
from typing import TYPE_CHECKING, Any, Literal

from lazyscope._checks import InputError, check_choice, check_instance
from lazyscope.scaling._law import check_virtual_width, check_width
from lazyscope.scaling._optimiser import growth_power, update_exponents
from lazyscope.scaling._scheme import Scheme

if TYPE_CHECKING:  # and inside functions, since regimes are told without NumPy
    from lazyscope.scaling._scheme import Layers

LARGEST_SHARE = 1e250
"""Of a layer in the tangent kernel, s_l (kappa / alpha_l)^2, and one over it of the smallest."""


def macroscopic_form(
    scheme: Scheme,
    virtual_width: float,
    width: int,
    *,
    keeping: Literal["scales", "entries"] = "scales",
) -> Scheme:
    """The numbers of `scheme` at width M for a network of width m that trains as one of width M does.

    The state of a wide network is (alpha_l, s_l), for optimisers whose step does not know the size of the
    gradient (alpha_l, eta_l D_l) with D_l of `update_exponents`; its width only sets the noise. With a
    positively homogeneous activation both are kept. With another one the entries of pre-activations have to
    keep their size as well, which multiplies alpha_1 by sqrt(m/M), alpha_{L+1} by sqrt(M/m), and s_1 and
    s_{L+1} by the p-th power of the same: kappa and every relative speed stay as they are. Either network
    starts with outputs of size kappa / sqrt(m), where one of width M has kappa / sqrt(M).

    Args:
        scheme: with laws over widths.
        virtual_width: M, any number from 1 to 1e30; below m it stands for a narrower network.
        width: m, of the network that is drawn.
        keeping: ``scales`` for homogeneous activations, ``entries`` for others.

    Returns:
        A scheme of numbers at width m.

    Raises:
        InputError: a scheme given by numbers at another width, or numbers that leave double precision.

    Trust: the same loss and relative displacements up to 1/m in the mean and m^-1/2 from seed to seed;
    what lives on fluctuations (most of a lazy kernel's change, the size of the output at the start) has
    those of width m. Norms of the first layer have its shape, 1 + sqrt(d / m).

    Example:
        >>> form = macroscopic_form(Scheme.from_exponents((0.5, -0.25)), 1e12, 64)
        >>> form.alpha(64).tolist(), form.kappa(64)
        ([1000000.0, 0.001], 1000.0)
    """
    import numpy as np

    check_instance("scheme", scheme, Scheme)
    if scheme.branches is not None:
        raise InputError(
            "networks of other widths are told for schemes of dense networks",
            received=f"the scheme {scheme.name!r}, which has residual branches",
            cause="a product of scales that branches do not have",
            fix="use a scheme without branches, such as mup",
        )
    check_choice("keeping", keeping, ("scales", "entries"))
    large, m = check_virtual_width(virtual_width), check_width(width)
    alpha = np.array([law.at_virtual(large) for law in scheme.scales])
    speed = np.array([law.at_virtual(large) for law in scheme.speeds])
    power = growth_power(scheme.optimiser)
    speed *= (large / m) ** np.array(update_exponents(scheme.optimiser, len(speed)))
    if keeping == "entries":
        ratio = math.sqrt(m / large)
        alpha[0], speed[0] = alpha[0] * ratio, speed[0] * ratio**power
        alpha[-1], speed[-1] = alpha[-1] / ratio, speed[-1] / ratio**power
    _check_range(scheme, large, alpha, speed)
    name = f"{scheme.name} at width {large:g}"
    numbers: dict[str, Any] = {"alpha": alpha, "speed": speed}
    return Scheme.at_width(
        m, **numbers, name=name, source=scheme.source, optimiser=scheme.optimiser
    )


def _check_range(scheme: Scheme, width: float, alpha: "Layers", speed: "Layers") -> None:
    """Refuse numbers with which a tangent kernel, or the square of one, cannot be computed."""
    import numpy as np

    log_kappa = float(np.sum(np.log(alpha)))
    shares = np.log(speed) + 2 * (log_kappa - np.log(alpha))
    furthest = max(abs(log_kappa), float(np.max(np.abs(shares))) / 2)
    if furthest > math.log(LARGEST_SHARE) / 2:
        raise InputError(
            "kappa and the layers' shares s_l (kappa / alpha_l)^2 of the tangent kernel must stay "
            "far inside double precision",
            received=f"kappa = 10^{log_kappa / math.log(10):.0f} and shares to "
            f"10^{float(np.max(shares)) / math.log(10):.0f} of {scheme.name} at width {width:g}",
            cause="a virtual width at which exponents make numbers too large or too small",
            fix="use a smaller virtual width, exponents nearer to zero, or one factor on all speeds, "
            "which only changes the unit of time",
        )
