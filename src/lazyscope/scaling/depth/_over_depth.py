"""What do the branches of a residual network add at the start and when they learn, as powers of the depth?

With b, alpha and s of a branch and p of the optimiser (`growth_power`), all L branches together add to what
they go around

    at the start    sqrt(L) b alpha                                     exponent 1/2 + b + alpha
    per step        L b^2 s for descent, L b eta for the others         exponent 1 + p b + s

since starts are independent and steps pull together; the relative change of one branch's weights per step is
``s b / alpha`` and ``eta / alpha``, of exponent ``(p - 1) b + s - alpha``. The first and the last layer move
by order one. One learning rate serves all depths if and only if no step adds a growing amount.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, TypeAlias, final

from lazyscope._checks import WITH_EPSILON, InputError, check_choice, check_instance
from lazyscope.scaling._law import Law, PowerLaw
from lazyscope.scaling._multiplier import times
from lazyscope.scaling._optimiser import growth_power, optimiser_of_layers
from lazyscope.scaling._scheme import Scheme, check_exponents
from lazyscope.scaling.depth._branches import Branches
from lazyscope.scaling.displacement._displacement import TIE_TOLERANCE

DepthAim: TypeAlias = Literal["depth-mup", "completep"]
"""Depth-muP, with which branches add at order one at the start, or CompleteP, with which each one learns."""

_MULTIPLIERS: dict[DepthAim, float] = {"depth-mup": -0.5, "completep": -1.0}


@final
@dataclass(frozen=True)
class DepthExponents:
    """Powers of the depth L; those of layers are for layers 1 to L + 1.

    Attributes:
        start: of what all branches together add at the start, relative to what they go around.
        features: of what a step adds to the features through all layers of a kind together, at one
            learning rate; None if the start grows.
        displacements: of |dW| / |W| of a layer after training; None if the start grows.
        rate: of the learning rate of all layers that serves all depths; None if the start grows, since
            then outputs grow exponentially with the depth.
    """

    start: float
    features: tuple[float, ...] | None
    displacements: tuple[float, ...] | None
    rate: float | None


class DepthChanges(NamedTuple):
    """What to add to the exponents in the depth.

    Attributes:
        multiplier_exponent: branch multipliers times ``L^change``.
        speed_exponents: learning rate of layer l times ``L^change``, layers 1 to L + 1.
    """

    multiplier_exponent: float
    speed_exponents: tuple[float, ...]

    def applied(self, scheme: Scheme) -> Scheme:
        """The scheme with these changes made to its branches.

        Args:
            scheme: with branches, of as many layers.

        Raises:
            InputError: a scheme without branches or of another depth.
        """
        held, speeds = branches_of(scheme), self.speed_exponents
        check_exponents("speed exponents", speeds, length=len(scheme.scales))
        return with_branches(
            scheme,
            replace(
                held,
                multiplier_exponent=held.multiplier_exponent + self.multiplier_exponent,
                speed_exponent=held.speed_exponent + (speeds[1] if scheme.depth > 1 else 0.0),
            ),
        )


def with_branches(scheme: Scheme, branches: Branches) -> Scheme:
    """The scheme of a residual network: layers 2 to L are these branches, in place of those it may have.

    Args:
        scheme: scales of layers 2 to L have exponent 0 in the width, and rho is not negative.
        branches: exponents in the depth. Scales and speeds of layers 2 to L get their powers of L.

    Raises:
        InputError: a scheme whose law over widths they would change.

    Example:
        >>> from lazyscope.scaling import named_scheme
        >>> deep = with_branches(named_scheme("mup", depth=4, optimiser="adam"), Branches(-0.5, 0.0, -0.5))
        >>> deep.speed(1), deep.branches.multiplier_at(4)
        (array([1. , 0.5, 0.5, 0.5, 1. ]), 0.5)
    """
    check_instance("scheme", scheme, Scheme)
    check_instance("branches", branches, Branches)
    before = scheme.branches or Branches(0.0)
    scales = _times_depth(scheme.scales, branches.scale_exponent - before.scale_exponent)
    speeds = _times_depth(scheme.speeds, branches.speed_exponent - before.speed_exponent)
    return replace(scheme, scales=scales, speeds=speeds, branches=branches)


def depth_exponents(scheme: Scheme) -> DepthExponents:
    """What a scheme for residual networks does as the depth grows.

    Args:
        scheme: with branches.

    Raises:
        InputError: a scheme without branches.

    Trust: **derived** for a small step of full-batch training from the start and for branches of one matrix
    around which features keep their size; tested there by training 4 to 64 layers. Constants are left out,
    among them (L - 1) / L and, at b = 1/sqrt(L), sizes that settle like 1/L. Each of several matrices in a
    branch has the same exponents, which is not tested.

    Reference:
        Yang, Yu, Zhu & Hayou 2023 (arXiv 2310.02244); Bordelon et al. 2024 (arXiv 2405.15712, table 1);
        Dey et al. 2025 (arXiv 2505.01618, table 1).

    Example:
        >>> from lazyscope.scaling import named_scheme
        >>> found = depth_exponents(named_scheme("depth-mup", depth=3, optimiser="adam"))
        >>> found.start, found.features, found.displacements, found.rate
        (0.0, (0.0, 0.0, 0.0, 0.0), (0.0, -0.5, -0.5, 0.0), 0.0)
    """
    held, p = branches_of(scheme), growth_power(scheme.optimiser)
    start = 0.5 + held.multiplier_exponent + held.scale_exponent
    if start > TIE_TOLERANCE:
        return DepthExponents(start, None, None, None)
    added = 1 + p * held.multiplier_exponent + held.speed_exponent
    moved = (p - 1) * held.multiplier_exponent + held.speed_exponent - held.scale_exponent
    most = max(added, 0.0)
    return DepthExponents(
        start,
        _with_ends(scheme, added, 0.0),
        _with_ends(scheme, moved - most, -most),
        -most + 0.0,
    )


def changes_over_depth(scheme: Scheme, to: DepthAim) -> DepthChanges:
    """What would let branches learn at order one at every depth, at one learning rate for all depths.

    Scales stay as they are: what is said of the multiplier can be done to the initial weights of branches
    instead, with p times that power off their rates.

    Args:
        scheme: with branches.
        to: ``depth-mup``, with which branches add at order one at the start and each of them moves by
            L^-1/2 of itself; or ``completep``, with which each moves at order one.

    Raises:
        InputError: a scheme without branches, or another aim.

    Example:
        >>> from lazyscope.scaling import named_scheme
        >>> plain = with_branches(named_scheme("mup", depth=2, optimiser="adam"), Branches(-0.5))
        >>> changes_over_depth(plain, "depth-mup")
        DepthChanges(multiplier_exponent=0.0, speed_exponents=(0.0, -0.5, 0.0))
        >>> changes_over_depth(plain, "completep")
        DepthChanges(multiplier_exponent=-0.5, speed_exponents=(0.0, 0.0, 0.0))
    """
    held, p = branches_of(scheme), growth_power(scheme.optimiser)
    check_choice("aim", to, _MULTIPLIERS)
    multiplier = _MULTIPLIERS[to] - held.scale_exponent
    speed = -1 - p * multiplier
    return DepthChanges(
        multiplier - held.multiplier_exponent + 0.0,
        _with_ends(scheme, speed - held.speed_exponent, 0.0),
    )


def branches_of(scheme: Scheme) -> Branches:
    """The branches of a scheme, which must have some."""
    check_instance("scheme", scheme, Scheme)
    if scheme.branches is None:
        raise InputError(
            "exponents in the depth are those of networks with residual branches",
            received=f"the scheme {scheme.name!r}, which is for dense networks",
            cause="scales of a dense network multiply from layer to layer, so that it follows no power of L",
            fix="use depth-mup or completep, or say with_branches(scheme, Branches(...)) what branches have",
        )
    return scheme.branches


def depth_report(scheme: Scheme) -> dict[str, Any] | None:
    """The depth's part of `regime_report`: None for a scheme of dense networks.

    Keys ``branch_multiplier`` (b at this depth), ``branch_multiplier_exponent``, ``scale_exponents``,
    ``speed_exponents``, ``weight_decay_exponents`` and ``epsilon_exponents`` (powers of L of every layer's
    numbers), those of `DepthExponents` as ``start_exponent``, ``feature_exponents``,
    ``displacement_exponents`` and ``rate_exponent``, and ``to_depth_mup``, ``to_completep`` (`DepthChanges`).
    """
    held, p = scheme.branches, growth_power(scheme.optimiser)
    if held is None:
        return None
    found, names = (
        depth_exponents(scheme),
        optimiser_of_layers(scheme.optimiser, len(scheme.scales)),
    )
    return {
        "branch_multiplier": held.multiplier_at(scheme.depth),
        "branch_multiplier_exponent": held.multiplier_exponent,
        "scale_exponents": list(_with_ends(scheme, held.scale_exponent, 0.0)),
        "speed_exponents": list(_with_ends(scheme, held.speed_exponent, 0.0)),
        "weight_decay_exponents": list(
            _with_ends(scheme, (p - 1) * held.multiplier_exponent - held.scale_exponent, 0.0)
        ),
        "epsilon_exponents": [
            each if name in WITH_EPSILON else None
            for name, each in zip(
                names, _with_ends(scheme, held.multiplier_exponent, 0.0), strict=True
            )
        ],
        "start_exponent": found.start,
        "feature_exponents": None if found.features is None else list(found.features),
        "displacement_exponents": None
        if found.displacements is None
        else list(found.displacements),
        "rate_exponent": found.rate,
        **{
            f"to_{aim.replace('-', '_')}": _listed(changes_over_depth(scheme, aim))
            for aim in _MULTIPLIERS
        },
    }


def _with_ends(scheme: Scheme, inner: float, ends: float) -> tuple[float, ...]:
    return (ends + 0.0, *[inner + 0.0] * (scheme.depth - 1), ends + 0.0)


def _listed(changes: DepthChanges) -> dict[str, Any]:
    return {
        "multiplier_exponent": changes.multiplier_exponent,
        "speed_exponents": list(changes.speed_exponents),
    }


def _times_depth(laws: tuple[Law, ...], power: float) -> tuple[Law, ...]:
    """The laws, those of layers 2 to L times this power of L."""
    if not power:
        return laws
    factor = PowerLaw(float(len(laws) - 1) ** power)
    return (laws[0], *(times(law, factor) for law in laws[1:-1]), laws[-1])
