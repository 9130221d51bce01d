"""Which regime do the exponents of a parametrisation put a network in?"""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias, final

from lazyscope._checks import check_instance
from lazyscope._result import AbstractReport
from lazyscope.scaling._decay import epsilon_exponents, weight_decay_exponents
from lazyscope.scaling._law import check_width
from lazyscope.scaling._optimiser import growth_power
from lazyscope.scaling._scheme import Scheme, check_exponents
from lazyscope.scaling._transfer import (
    ExponentChanges,
    MultiplierChanges,
    changes_to_lazy,
    changes_to_mup,
    rate_exponent,
)
from lazyscope.scaling.depth._over_depth import depth_report
from lazyscope.scaling.displacement._displacement import (
    TIE_TOLERANCE,
    displacement_exponents,
    relative_speed_exponents,
)

LayerRegime: TypeAlias = Literal["lazy", "order-one", "condensed"]
NetworkRegime: TypeAlias = Literal["theta-lazy", "critical", "partially-lazy", "condensed"]


def layer_regimes(
    scale_exponents: Sequence[float],
    speed_exponents: Sequence[float] | None = None,
    *,
    optimiser: str | Sequence[str] = "sgd",
) -> tuple[LayerRegime, ...]:
    """Regime of every layer, from the sign of its displacement exponent e_l.

    Args:
        scale_exponents: exponents a_l of alpha_l, layers 1 to L + 1.
        speed_exponents: exponents sigma_l of the speeds; None for one learning rate.
        optimiser: whose rates they are, a name or one for each layer; gradient descent unless given.

    Returns:
        ``lazy`` for e_l < 0, ``order-one`` for e_l = 0 (within `TIE_TOLERANCE`), ``condensed`` for
        e_l > 0. For two layers the first entry is the regime of Luo et al. 2021: linear, critical,
        condensed.

    Raises:
        InputError: lists of different lengths, fewer than two layers, or entries not finite.

    Example:
        >>> layer_regimes((-0.5, 0.25))
        ('condensed', 'lazy')
    """
    moved = displacement_exponents(scale_exponents, speed_exponents, optimiser=optimiser)
    return tuple(_layer_regime(e) for e in moved)


def network_regime(
    scale_exponents: Sequence[float],
    speed_exponents: Sequence[float] | None = None,
    *,
    optimiser: str | Sequence[str] = "sgd",
) -> NetworkRegime:
    """Regime of the network, from rho and the displacement exponents.

    Args:
        scale_exponents: exponents a_l of alpha_l, layers 1 to L + 1; rho is their sum.
        speed_exponents: exponents sigma_l of the speeds; None for one learning rate.
        optimiser: whose rates they are, a name or one for each layer; gradient descent unless given.

    Returns:
        ``theta-lazy`` for rho > 0: every layer is lazy. ``critical`` for rho = 0 (within
        `TIE_TOLERANCE`), where the largest e_l is zero. For rho < 0 ``partially-lazy`` if some
        layer is lazy, else ``condensed``.

    Raises:
        InputError: lists of different lengths, fewer than two layers, or entries not finite.

    Reference:
        theta-lazy: Li, Luo & Zhou 2024 (arXiv 2404.04859); for two layers ``partially-lazy`` with a
        lazy first layer is their w-lazy regime.

    Example:
        >>> network_regime((0.5, 0.0)), network_regime((0.5, -0.5), (0.0, -2.0))
        ('theta-lazy', 'critical')
    """
    rho = math.fsum(check_exponents("scale exponents", scale_exponents))
    layers = layer_regimes(scale_exponents, speed_exponents, optimiser=optimiser)
    if rho > TIE_TOLERANCE:
        return "theta-lazy"
    if rho >= -TIE_TOLERANCE:
        return "critical"
    return "partially-lazy" if "lazy" in layers else "condensed"


@final
class RegimeReport(AbstractReport):
    """What `regime_report` says, by items and by fields."""

    __slots__ = ()
    _told_first = ("name", "regime", "kappa", "kappa_exponent", "layer_regimes")


def regime_report(scheme: Scheme, width: int | None = None) -> RegimeReport:
    """Everything that a scheme says about a network before it is drawn, ready for JSON.

    Every key is a field as well: ``report["regime"]`` is ``report.regime``.

    Args:
        scheme: any scheme with exponents.
        width: the width m at which kappa and alpha are wanted, or None to leave them out.

    Returns:
        Keys ``name``, ``source``, ``depth``, ``width``; ``kappa`` and ``alpha`` (per layer) at that
        width, None without one; ``kappa_exponent``, ``scale_exponents``, ``speed_exponents``,
        ``optimiser`` (whose rates the speeds are), ``growth_power`` (p),
        ``relative_speed_exponents`` (u_l), ``displacement_exponents`` (operator norm),
        ``layer_regimes``, ``regime``; ``rate_exponent`` (the power of the width that the learning rate has
        to follow, zero where one serves all widths), ``learns_features_in`` (numbers of the layers that
        move by their own size or more), ``to_mup`` and ``to_lazy`` (what to add to the exponents of
        scales and of speeds, layer by layer), ``to_mup_by_multipliers`` and ``to_lazy_by_multipliers``
        (the same with multipliers in place of initial weights), ``weight_decay_exponents``,
        ``epsilon_exponents`` (None in layers whose optimiser has no epsilon), and ``over_depth``: None, or
        for residual networks exponents in the depth, see `depth_report`.

    Raises:
        InputError: a width below 1, or a scheme given by numbers, which has no exponents.

    Example:
        >>> report = regime_report(Scheme.from_exponents((0.5, 0.0)), width=64)
        >>> report["kappa"], report["regime"]
        (8.0, 'theta-lazy')
    """
    check_instance("scheme", scheme, Scheme)
    a, sigma, optimiser = scheme.scale_exponents, scheme.speed_exponents, scheme.optimiser
    m = None if width is None else check_width(width)
    regimes = layer_regimes(a, sigma, optimiser=optimiser)
    told = {
        "name": scheme.name,
        "source": scheme.source,
        "depth": scheme.depth,
        "width": m,
        "kappa": None if m is None else scheme.kappa(m),
        "kappa_exponent": scheme.kappa_exponent,
        "alpha": None if m is None else [law(m) for law in scheme.scales],
        "scale_exponents": list(a),
        "speed_exponents": list(sigma),
        "optimiser": optimiser if isinstance(optimiser, str) else list(optimiser),
        "growth_power": growth_power(optimiser),
        "relative_speed_exponents": list(relative_speed_exponents(a, sigma, optimiser=optimiser)),
        "displacement_exponents": list(displacement_exponents(a, sigma, optimiser=optimiser)),
        "layer_regimes": list(regimes),
        "regime": network_regime(a, sigma, optimiser=optimiser),
        "rate_exponent": rate_exponent(a, sigma, optimiser=optimiser),
        "learns_features_in": [i for i, held in enumerate(regimes, start=1) if held != "lazy"],
        "to_mup": _listed(changes_to_mup(scheme)),
        "to_lazy": _listed(changes_to_lazy(scheme)),
        **_by_multipliers(scheme),
        "weight_decay_exponents": list(weight_decay_exponents(scheme)),
        "epsilon_exponents": list(epsilon_exponents(scheme)),
        "over_depth": depth_report(scheme),
    }
    return RegimeReport(told)


def _by_multipliers(scheme: Scheme) -> dict[str, dict[str, list[float]]]:
    return {
        f"to_{aim}_by_multipliers": _listed(changes(scheme).by_multipliers(scheme.optimiser))
        for aim, changes in (("mup", changes_to_mup), ("lazy", changes_to_lazy))
    }


def _listed(changes: ExponentChanges | MultiplierChanges) -> dict[str, list[float]]:
    return {name: list(values) for name, values in changes._asdict().items()}


def _layer_regime(exponent: float) -> LayerRegime:
    if abs(exponent) <= TIE_TOLERANCE:
        return "order-one"
    return "lazy" if exponent < 0 else "condensed"
