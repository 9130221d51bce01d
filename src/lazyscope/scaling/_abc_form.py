"""How do multipliers, initial sizes and learning rates translate into scales and speeds?

In the abc form of Yang & Hu the effective weight of layer l is ``W = m^-a w`` with
``w ~ N(0, m^-2b)`` and w is trained with learning rate ``m^-c``. Only two of the three exponents
act: scale exponent ``1/2 - a - b`` and speed exponent ``-p a - c``, where p is 2 for gradient descent and
1 for optimisers whose step does not know the size of the gradient. The third is a free choice: the
shift ``a + t, b - t, c - p t`` of one layer changes nothing.
"""

from collections.abc import Sequence
from numbers import Real
from typing import Literal, NamedTuple

from lazyscope._checks import check_choice, check_finite, check_instance, check_text
from lazyscope.scaling._optimiser import growth_power
from lazyscope.scaling._scheme import Scheme, check_exponents

Fixed = Literal["multipliers", "inits", "rates"]
"""Which of the three exponents of every layer is chosen to be zero."""


class AbcForm(NamedTuple):
    """Exponents of multiplier, initial size and learning rate, layers 1 to L + 1.

    Each is the exponent of 1/m: multiplier ``m^-a``, standard deviation ``m^-b``, rate ``m^-c``.
    """

    a: tuple[float, ...]
    b: tuple[float, ...]
    c: tuple[float, ...]

    def shifted(
        self, shifts: Sequence[float], *, optimiser: str | Sequence[str] = "sgd"
    ) -> "AbcForm":
        """The same network written differently: a + t, b - t, c - p t with one t for each layer."""
        p = growth_power(optimiser)
        t = check_exponents("shifts", shifts, length=len(self.a))
        return AbcForm(
            tuple(a + s for a, s in zip(self.a, t, strict=True)),
            tuple(b - s for b, s in zip(self.b, t, strict=True)),
            tuple(c - p * s for c, s in zip(self.c, t, strict=True)),
        )


def from_abc(
    a: Sequence[float],
    b: Sequence[float],
    c: float | Sequence[float] = 0.0,
    *,
    name: str = "abc",
    optimiser: str | Sequence[str] = "sgd",
) -> Scheme:
    """The scheme of an abc parametrisation, with constants one.

    Args:
        a: exponents of the multipliers ``m^-a``, layers 1 to L + 1.
        b: exponents of the initial standard deviations ``m^-b``.
        c: exponent of the learning rates ``m^-c``; one number is shared by all layers.
        name: short name.
        optimiser: whose rates they are, a name or one for each layer.

    Returns:
        Scale exponents ``1/2 - a - b`` and speed exponents ``-p a - c``.

    Raises:
        InputError: lists of different lengths, fewer than two layers, or entries that are not
            finite numbers.

    Trust: exact; it is a change of variables.

    Reference:
        Yang & Hu 2021 (arXiv 2011.14522), definition of abc-parametrizations and their symmetry;
        there one c serves all layers.

    Example:
        >>> mup = from_abc((-0.5, 0.0, 0.5), (0.5, 0.5, 0.5), 0.0)
        >>> mup.scale_exponents, mup.speed_exponents
        ((0.5, 0.0, -0.5), (1.0, 0.0, -1.0))
    """
    check_text("name", name)
    multipliers = check_exponents("multiplier exponents a", a)
    layers = len(multipliers)
    inits = check_exponents("init exponents b", b, length=layers)
    each = [check_finite("rate exponent c", c)] * layers if isinstance(c, Real) else c
    rates = check_exponents("rate exponents c", each, length=layers)
    scales = [0.5 - x - y for x, y in zip(multipliers, inits, strict=True)]
    p = growth_power(optimiser)
    speeds = [-p * x - y + 0.0 for x, y in zip(multipliers, rates, strict=True)]
    source = "abc form of Yang & Hu 2021 (arXiv 2011.14522)"
    return Scheme.from_exponents(scales, speeds, name=name, source=source, optimiser=optimiser)


def to_abc(scheme: Scheme, *, fix: Fixed) -> AbcForm:
    """The abc form of a scheme, with one of the three exponents set to zero in every layer.

    Constants of the scheme are not part of the abc form and are left behind.

    Args:
        scheme: any scheme with exponents.
        fix: the choice that the redundancy leaves open. ``"multipliers"``: no multipliers, as in
            plain code. ``"inits"``: unit weights behind multipliers, as in the NTK form.
            ``"rates"``: one learning rate for all layers.

    Returns:
        Exponents (a, b, c), such that ``from_abc(*to_abc(scheme, fix=...))`` has the exponents of
        `scheme` for every choice.

    Raises:
        InputError: unknown choice, or a scheme given by numbers at one width.

    Trust: exact.

    Reference:
        Yang & Hu 2021 (arXiv 2011.14522).

    Example:
        >>> from lazyscope.scaling import named_scheme
        >>> to_abc(named_scheme("mean-field", depth=1), fix="inits").a
        (0.0, 1.0)
    """
    check_instance("scheme", scheme, Scheme)
    choice = check_choice("fix", fix, ("multipliers", "inits", "rates"))
    alpha, speed = scheme.scale_exponents, scheme.speed_exponents
    p = growth_power(scheme.optimiser)
    if choice == "multipliers":
        a = (0.0,) * len(alpha)
    elif choice == "inits":
        a = tuple(0.5 - x for x in alpha)
    else:
        a = tuple(-s / p + 0.0 for s in speed)
    b = tuple(0.5 - x - y for x, y in zip(alpha, a, strict=True))
    c = tuple(-p * x - s + 0.0 for x, s in zip(a, speed, strict=True))
    return AbcForm(a, b, c)
