"""How large is every layer, and how fast does it learn, at any width?"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

from lazyscope._checks import (
    InputError,
    as_number,
    as_numpy,
    check_array,
    check_instance,
    check_optimisers,
    check_text,
    shown,
)
from lazyscope.scaling._law import Law, PowerLaw, ValueAtWidth, check_width
from lazyscope.scaling._optimiser import optimiser_of_layers
from lazyscope.scaling.depth._branches import Branches

if TYPE_CHECKING:  # and inside functions, since regimes are told without NumPy
    import numpy as np
    from jaxtyping import Float

    Layers: TypeAlias = Float[np.ndarray, " layers"]

_SAME_EXPONENT = 1e-9


@final
@dataclass(frozen=True)
class Scheme:
    """A parametrisation of a dense network: for every layer a scale and a speed.

    The network has L hidden layers of width m (``depth`` L) and L + 1 weight layers, counted from
    the input. The scale of layer l is ``alpha_l = sqrt(m) * std(entries of W[l])`` of the effective
    weight, multipliers included; its speed ``s_l`` is the factor in gradient flow
    ``dW[l]/dt = -s_l grad_l R``. A common factor of all speeds only changes the unit of time. For
    another optimiser than gradient descent the speeds are its rates eta_l.

    Args:
        name: short name, as printed in tables.
        scales: L + 1 laws for alpha_l.
        speeds: L + 1 laws for s_l.
        source: paper or other origin.
        description: one line in words.
        optimiser: whose rates the speeds are, a name or one for each layer (`growth_power`).
        branches: of a residual network, whose layers 2 to L are branches; None for a dense one. Their
            scales and speeds contain the powers of the depth that it says, see `with_branches`.

    Raises:
        InputError: fewer than two layers, scales and speeds of different lengths, entries that
            are not laws, optimisers without a common law, or branches whose size follows the width, or
            of a network that would have to grow.

    Example:
        >>> scheme = Scheme.from_exponents((0.5, 0.0, 0.0))
        >>> scheme.depth, scheme.kappa(64), scheme.kappa_exponent
        (2, 8.0, 0.5)

    Reference:
        Li, Luo & Zhou 2024 (arXiv 2404.04859) for the scales and kappa; the speeds carry the
        multipliers and learning rates of Yang & Hu 2021 (arXiv 2011.14522).
    """

    name: str
    scales: tuple[Law, ...]
    speeds: tuple[Law, ...]
    source: str = ""
    description: str = ""
    optimiser: str | tuple[str, ...] = "sgd"
    branches: Branches | None = None

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_text("source", self.source)
        check_text("description", self.description)
        scales = _check_laws("scales", self.scales)
        speeds = _check_laws("speeds", self.speeds)
        if len(scales) != len(speeds):
            raise InputError(
                "a scheme needs one scale and one speed for every layer",
                received=f"{len(scales)} scales and {len(speeds)} speeds",
                cause="a layer was added to one list only",
                fix=f"give {len(scales)} of each, one more than the hidden layers",
            )
        names = set(each := optimiser_of_layers(self.optimiser, len(scales)))
        object.__setattr__(self, "optimiser", names.pop() if len(names) == 1 else each)
        object.__setattr__(self, "scales", scales)
        object.__setattr__(self, "speeds", speeds)
        if self.branches is not None:
            check_instance("branches", self.branches, Branches)
            _check_branches(self)

    @classmethod
    def from_exponents(
        cls,
        scale_exponents: Sequence[float],
        speed_exponents: Sequence[float] | None = None,
        *,
        name: str = "exponents",
        source: str = "given by exponents, constants one",
        optimiser: str | Sequence[str] = "sgd",
    ) -> "Scheme":
        """The scheme with these powers of the width and constants one; speeds are 1 unless given.

        Args:
            scale_exponents: exponents of alpha_l, layers 1 to L + 1.
            speed_exponents: exponents of s_l, or None for one learning rate.
            name: short name.
            source: origin.
            optimiser: whose rates the speeds are.
        """
        a = check_exponents("scale exponents", scale_exponents)
        sigma = (
            (0.0,) * len(a)
            if speed_exponents is None
            else check_exponents("speed exponents", speed_exponents, length=len(a))
        )
        scales = tuple(PowerLaw(1.0, p) for p in a)
        speeds = tuple(PowerLaw(1.0, p) for p in sigma)
        return cls(name, scales, speeds, source, optimiser=tuple(check_optimisers(optimiser)))

    @classmethod
    def at_width(
        cls,
        width: int,
        *,
        alpha: "Sequence[float] | Layers",
        speed: "Sequence[float] | Layers | None" = None,
        name: str = "given",
        source: str = "given by numbers",
        optimiser: str | Sequence[str] = "sgd",
    ) -> "Scheme":
        """The scheme with these numbers at one width; it has no exponents.

        Args:
            width: the width m at which the numbers hold.
            alpha: alpha_l, layers 1 to L + 1; ``sqrt(m)`` times the standard deviation.
            speed: s_l, or None for one learning rate.
            name: short name.
            source: origin.
            optimiser: whose rates the speeds are.
        """
        m = check_width(width)
        scales = tuple(ValueAtWidth(v, m) for v in _numbers("alpha", alpha))
        given = (1.0,) * len(scales) if speed is None else _numbers("speed", speed)
        speeds = tuple(ValueAtWidth(v, m) for v in given)
        return cls(name, scales, speeds, source, optimiser=tuple(check_optimisers(optimiser)))

    @property
    def depth(self) -> int:
        """Number of hidden layers L."""
        return len(self.scales) - 1

    @property
    def scale_exponents(self) -> tuple[float, ...]:
        """Exponents a_l of alpha_l in the width."""
        return tuple(law.exponent for law in self.scales)

    @property
    def speed_exponents(self) -> tuple[float, ...]:
        """Exponents sigma_l of s_l in the width."""
        return tuple(law.exponent for law in self.speeds)

    @property
    def kappa_exponent(self) -> float:
        """Exponent rho of kappa in the width, the sum of the scale exponents."""
        return math.fsum(self.scale_exponents)

    def alpha(self, width: int) -> "Layers":
        """Scales alpha_l at `width`, layers 1 to L + 1, float64."""
        import numpy as np

        return np.array([law(width) for law in self.scales], dtype=np.float64)

    def speed(self, width: int) -> "Layers":
        """Speeds s_l at `width`, layers 1 to L + 1, float64."""
        import numpy as np

        return np.array([law(width) for law in self.speeds], dtype=np.float64)

    def weight_std(self, width: int) -> "Layers":
        """Standard deviations of the effective weights at `width`, ``alpha_l / sqrt(width)``."""
        return self.alpha(width) / math.sqrt(check_width(width))

    def kappa(self, width: int) -> float:
        """Initial scale kappa at `width`: the product of all alpha_l, or of those outside of branches.

        Branches multiply it by a number that knows the activation, see ``docs/networks.md``.
        """
        laws = self.scales if self.branches is None else (self.scales[0], self.scales[-1])
        scales = [law(width) for law in laws]
        product = math.prod(scales)
        if not 0 < product < math.inf:
            raise InputError(
                "kappa must be representable in double precision",
                received=f"scales {scales}",
                cause="exponents or a width far beyond any network",
                fix="use a smaller width or exponents nearer to zero",
            )
        return product


def check_exponents(name: str, values: Any, *, length: int | None = None) -> tuple[float, ...]:
    """Return exponents as a tuple of finite floats, one for each layer, or refuse them."""
    numbers = _numbers(name, values)
    if length is not None and len(numbers) != length:
        raise InputError(
            f"{name} must have one entry for each of the {length} layers",
            received=f"{len(numbers)} entries",
            cause="a scheme of another depth: L hidden layers have L + 1 weight layers",
            fix=f"give {length} numbers",
        )
    if len(numbers) < 2:
        raise _too_few_layers(name, len(numbers))
    return numbers


def _numbers(name: str, values: Any) -> tuple[float, ...]:
    """Return `values` as a tuple of finite floats, or refuse them."""
    if hasattr(values, "__array__"):
        values = as_numpy(name, check_array(name, values)).tolist()
    listed = [as_number(v) for v in values] if isinstance(values, Iterable) else []
    numbers = [v for v in listed if v is not None and math.isfinite(v)]
    if not numbers or len(numbers) < len(listed):
        raise InputError(
            f"{name} must be a list of finite numbers, one for each layer",
            received=shown(values),
            cause="a missing bracket, or a value that is not a number",
            fix="give a list such as [0.5, 0.0, 0.0]",
        )
    return tuple(numbers)


def _check_laws(name: str, laws: Any) -> tuple[Law, ...]:
    several = isinstance(laws, Iterable) and getattr(laws, "ndim", 1) != 0
    listed = tuple(laws) if several else (laws,)
    for law in listed:
        if not isinstance(law, Law):
            raise InputError(
                f"{name} must be laws of the width",
                received=shown(law),
                cause="plain numbers were given",
                fix="use PowerLaw(constant, exponent), or Scheme.at_width for numbers",
            )
    if len(listed) < 2:
        raise _too_few_layers(name, len(listed))
    return listed


def _check_branches(scheme: Scheme) -> None:
    """Refuse branches next to which the law over widths would be another one."""
    inner, rho = scheme.scale_exponents[1:-1], scheme.kappa_exponent
    if max(map(abs, inner), default=0.0) > _SAME_EXPONENT or rho < -_SAME_EXPONENT:
        raise InputError(
            "branches need scales that do not follow the width, in a network that need not grow",
            received=f"{scheme.name}: kappa like m^{rho:g}, scales of branches like m to the "
            f"{', '.join(f'{x:g}' for x in inner) or 'none'}",
            cause="a scheme such as mean-field or balanced, for which no exponents in the depth are derived",
            fix="use a scheme such as mup, ntk or standard, with exponent 0 in layers 2 to L and rho >= 0",
        )


def _too_few_layers(name: str, received: int) -> InputError:
    return InputError(
        f"{name} must cover at least two layers, one hidden and the output",
        received=f"{received} layers",
        cause="depth 0, which is a linear model without hidden layers",
        fix="use depth 1 or more",
    )
