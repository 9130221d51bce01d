"""What do the exponents of a coordinate check say about a parametrisation, and what would change it?

Only two things act on how far layers move: kappa and the relative speeds s_l / alpha_l^2. For a
positively homogeneous network they are all that can be seen from outside, too: a factor moved from one
layer to another, with its square moved between their speeds, changes no output at any time. The kernel
share of a layer, weighed with its learning rate, is s_l kappa^2 / alpha_l^2 times a limit; so

    u_l = exponent of (rate_l share_l / kappa^2),    rho = exponent of kappa.

A factor m^-rho on the initial readout brings rho to zero and raises its own u by 2 rho; learning rates
times m^-u_l then bring all u_l to zero. That is the one point where every layer moves at order one: muP.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lazyscope.measure import ExponentEstimate
from lazyscope.scaling import (
    displacement_exponents,
    layer_regimes,
    named_scheme,
    network_regime,
    relative_speed_exponents,
)
from lazyscope.study.coordinates._layers import Layer

SCHEMES = ("ntk", "standard", "mup")
KINDS: tuple[str, ...] = ("input", "hidden", "readout")
MARGIN = 0.15
"""How far an exponent may be off that finite widths alone can make."""
_LAG = ("lazy", "order-one")
_LAZY_RHO = 0.5
_REGIMES = {"negative": "lazy", "positive": "condensed"}


class Exponents(NamedTuple):
    """What was fitted: kappa, the kernel, and every layer's speed, displacement and change of output."""

    kappa: ExponentEstimate
    kernel: ExponentEstimate
    speed: tuple[ExponentEstimate, ...]
    displacement: tuple[ExponentEstimate, ...]
    output_change: tuple[ExponentEstimate, ...]


def clear_side(found: ExponentEstimate, of: float = 0.0) -> int:
    """1 or -1 where an interval is above or below a number by over `MARGIN` and over a quarter of itself.

    Finite widths alone can make the first, and the widest of a dozen intervals misses by the second.
    """
    low, high = found.interval
    margin = max(MARGIN, (high - low) / 4)
    return int(low > of + margin) - int(high < of - margin)


def layer_regime(displacement: ExponentEstimate) -> str:
    """``lazy``, ``order-one``, ``condensed``, or ``undecided`` where the interval says too little.

    Order one asks for an interval that contains zero and excludes -1/2 and 1/2, the exponents that
    familiar schemes have beside zero.
    """
    low, high = displacement.interval
    if low > -0.5 and high < 0.5 and low <= 0 <= high:
        return "order-one"
    return _REGIMES.get(displacement.sign_verdict(), "undecided")


def regime(exponents: Exponents, layers: Sequence[Layer]) -> str:
    """Regime of the network by kappa; where its interval contains zero, by how far the layers moved.

    Layers that do not grow with the width do not count; without a readout there is no kappa.

    By the displacement law every layer is lazy for a positive rho only, a layer grows without bound for a
    negative rho only, and for rho = 0 the fastest layer moves at order one.
    """
    low, high = exponents.kappa.interval
    moved = {
        layer_regime(found)
        for layer, found in zip(layers, exponents.displacement, strict=True)
        if layer.kind != "fixed"
    }
    if low > 0 or moved == {"lazy"}:
        return "theta-lazy"
    if high < 0:
        return network_regime(*_as_scheme(exponents, layers))
    if "condensed" in moved:
        return "partially-lazy" if "lazy" in moved else "condensed"
    small = low > -0.5 and high < 0.5
    return "critical" if small or moved <= {"lazy", "order-one"} else "undecided"


def predicted_displacement(exponents: Exponents, layers: Sequence[Layer]) -> tuple[float, ...]:
    """What the displacement law makes of the fitted kappa and speeds; NaN for layers it says nothing of."""
    if not has_readout(layers):
        return (float("nan"),) * len(layers)
    found = iter(displacement_exponents(*_as_scheme(exponents, layers)))
    return tuple(float("nan") if layer.kind == "fixed" else next(found) for layer in layers)


def has_readout(layers: Sequence[Layer]) -> bool:
    """Whether a layer is the readout, so that there is a kappa."""
    return any(layer.kind == "readout" for layer in layers)


def _as_scheme(exponents: Exponents, layers: Sequence[Layer]) -> tuple[list[float], list[float]]:
    """Scale and speed exponents with the fitted rho and u, all of kappa put into the readout."""
    rho = exponents.kappa.exponent
    pairs = zip(layers, exponents.speed, strict=True)
    speeds = [found.exponent for layer, found in pairs if layer.kind != "fixed"]
    return [0.0] * (len(speeds) - 1) + [rho], [*speeds[:-1], speeds[-1] + 2 * rho]


def consistent_schemes(exponents: Exponents, layers: Sequence[Layer]) -> tuple[str, ...]:
    """Which of NTK, standard and muP every fitted interval allows.

    A factor common to all learning rates is a unit of time, so speeds are compared by their difference
    from the readout's, with the intervals of both. Layers seen in another regime than a scheme puts them
    in rule it out; only one that should be lazy and seems to move at order one does not as long as no
    other scheme is left, since at finite width displacements lag behind.
    """
    if not has_readout(layers):
        return ()
    allowed = [name for name in SCHEMES if _allows(name, exponents, layers)]
    strict, lagging = (
        tuple(n for n in allowed if _moves(n, exponents, layers, may_lag=lag))
        for lag in (False, True)
    )
    return strict or lagging


def _moves(name: str, exponents: Exponents, layers: Sequence[Layer], *, may_lag: bool) -> bool:
    """Whether no layer was seen in another regime than the scheme puts it in."""
    scheme = named_scheme(name, depth=2, input_dim=1)  # only its exponents are used
    regimes = layer_regimes(scheme.scale_exponents, scheme.speed_exponents)
    named = dict(zip(KINDS, regimes, strict=True))
    for layer, found in zip(layers, exponents.displacement, strict=True):
        if layer.kind not in named:
            continue
        pair = (named[layer.kind], layer_regime(found))
        if pair[1] not in ("undecided", pair[0]) and not (may_lag and pair == _LAG):
            return False
    return True


def _allows(name: str, exponents: Exponents, layers: Sequence[Layer]) -> bool:
    scheme = named_scheme(name, depth=2, input_dim=1)  # only its exponents are used
    low, high = exponents.kappa.interval
    if not low <= scheme.kappa_exponent <= high:
        return False
    speeds = relative_speed_exponents(scheme.scale_exponents, scheme.speed_exponents)
    wanted = dict(zip(KINDS, speeds, strict=True))
    last = exponents.speed[-1].interval
    for layer, found in zip(layers[:-1], exponents.speed[:-1], strict=True):
        if layer.kind not in wanted:
            continue
        gap = wanted[layer.kind] - wanted["readout"]
        if not found.interval[0] - last[1] <= gap <= found.interval[1] - last[0]:
            return False
    return True


class Change(NamedTuple):
    """What to multiply by which power of the width.

    Attributes:
        what: ``initial weights of NAME`` or ``learning rate of NAME``.
        exponent: of the factor m^exponent.
    """

    what: str
    exponent: float


def changes_to_mup(exponents: Exponents, layers: Sequence[Layer]) -> tuple[Change, ...]:
    """Factors that make every layer move at order one; none where it does already."""
    return _changes(exponents, layers, 0.0, equal=True)


def changes_to_lazy(exponents: Exponents, layers: Sequence[Layer]) -> tuple[Change, ...]:
    """Factors that give kappa the exponent 1/2 and keep the fastest rate of one order."""
    return _changes(exponents, layers, _LAZY_RHO, equal=False)


def _changes(
    exponents: Exponents, layers: Sequence[Layer], target: float, *, equal: bool
) -> tuple[Change, ...]:
    if not has_readout(layers):
        return ()
    kappa, speeds = _exact_exponents(exponents, layers)
    if kappa is None:
        return ()
    lift = target - kappa
    grown = [
        (layer, None if u is None else u - 2 * lift * (layer.kind in ("readout", "outer")))
        for layer, u in zip(layers, speeds, strict=True)
        if layer.kind != "fixed"
    ]
    known = [u for _, u in grown if u is not None]
    if not equal and len(known) < len(grown):
        return ()
    fastest = max(known, default=0.0) + 2 * target
    names = [layer.name for layer in layers if layer.kind == "readout"]
    found = [Change(f"initial weights of {' and '.join(names)}", lift)]
    found += [
        Change(f"learning rate of {layer.name}", -(u + 2 * target if equal else fastest))
        for layer, u in grown
        if u is not None
    ]
    return tuple(change for change in found if abs(change.exponent) > 1e-9)


def _exact_exponents(
    exponents: Exponents, layers: Sequence[Layer]
) -> tuple[float | None, list[float | None]]:
    """Of kappa and of the speeds: those of an identified scheme, else what intervals leave; or None."""
    names = consistent_schemes(exponents, layers)
    own = [exact(found) for found in exponents.speed]
    if len(names) != 1:
        return exact(exponents.kappa), own
    scheme = named_scheme(names[0], depth=2, input_dim=1)  # only its exponents are used
    speeds = relative_speed_exponents(scheme.scale_exponents, scheme.speed_exponents)
    wanted = dict(zip(KINDS, speeds, strict=True))
    gaps = [
        found.exponent - wanted[layer.kind]
        for layer, found in zip(layers, exponents.speed, strict=True)
        if layer.kind in wanted
    ]
    common = round(4 * sum(gaps) / len(gaps)) / 4
    return scheme.kappa_exponent, [
        wanted[layer.kind] + common if layer.kind in wanted else held
        for layer, held in zip(layers, own, strict=True)
    ]


def exact(found: ExponentEstimate) -> float | None:
    """The one exponent that an interval leaves: zero where it contains it, else the one multiple of 1/2,
    else the one of 1/4; None where it contains none of them, or several.
    """
    low, high = found.interval
    if low <= 0 <= high:
        return 0.0
    for parts in (2, 4):
        inside = [k / parts for k in range(-8 * parts, 8 * parts + 1) if low <= k / parts <= high]
        if inside:
            return inside[0] if len(inside) == 1 else None
    return None
