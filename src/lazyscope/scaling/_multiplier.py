"""By what do implementations of Muon multiply an orthogonal update, and what does a learning rate mean then?

A multiplier belongs to eta_l: the speed of a layer is its learning rate times the multiplier. For a matrix
of fan_in columns and fan_out rows, at widths m above the input dimension d and the outputs C,

    name               multiplier                          first layer    hidden       last layer
    original           max(1, fan_out / fan_in)^(1/2)      (m / d)^1/2    1            1
    match-rms-adamw    0.2 max(fan_in, fan_out)^(1/2)      0.2 m^1/2      0.2 m^1/2    0.2 m^1/2
    spectral           (fan_out / fan_in)^(1/2)            (m / d)^1/2    1            (C / m)^1/2
"""

from dataclasses import replace

from lazyscope._checks import InputError, check_choice, check_count, check_instance
from lazyscope.scaling._law import Law, PowerLaw, ValueAtWidth
from lazyscope.scaling._optimiser import optimiser_of_layers
from lazyscope.scaling._scheme import Scheme

_EXPONENTS = {
    "original": (0.5, 0.0, 0.0),
    "match-rms-adamw": (0.5, 0.5, 0.5),
    "spectral": (0.5, 0.0, -0.5),
}
_LIKE_ADAMW = 0.2


def update_multiplier_names() -> tuple[str, ...]:
    """Names of multipliers of Muon's update.

    Reference:
        original: Jordan et al. 2024 (kellerjordan.github.io/posts/muon). match-rms-adamw: Liu et al. 2025
        (arXiv 2502.16982). Both are offered by ``torch.optim.Muon`` as ``adjust_lr_fn``. spectral: Yang,
        Simon & Bernstein 2023 (arXiv 2310.17813).

    Example:
        >>> update_multiplier_names()
        ('original', 'match-rms-adamw', 'spectral')
    """
    return tuple(_EXPONENTS)


def with_update_multiplier(
    scheme: Scheme, multiplier: str, *, input_dim: int, output_dim: int = 1
) -> Scheme:
    """The scheme of which the speeds given are learning rates, before Muon multiplies its update.

    Args:
        scheme: with Muon in some layers; only those are multiplied.
        multiplier: one of `update_multiplier_names`, or as PyTorch spells it.
        input_dim: fan-in d of the first layer.
        output_dim: outputs C.

    Raises:
        InputError: an unknown name, no layer trained by Muon, or dimensions below one.

    Trust: exact at widths of at least d and C.

    Example:
        >>> plain = Scheme.from_exponents((0.5, 0.0, -0.5), optimiser="muon")
        >>> with_update_multiplier(plain, "spectral", input_dim=4).speed(64)
        array([4.   , 1.   , 0.125])
    """
    powers = _powers(scheme, multiplier)
    name = _known(multiplier)
    d, outputs = check_count("input_dim", input_dim), check_count("output_dim", output_dim)
    constants = {
        "original": (d**-0.5, 1.0, 1.0),
        "match-rms-adamw": (_LIKE_ADAMW,) * 3,
        "spectral": (d**-0.5, 1.0, outputs**0.5),
    }[name]
    names = optimiser_of_layers(scheme.optimiser, len(powers))
    speeds = tuple(
        times(speed, PowerLaw(constant, power)) if held == "muon" else speed
        for speed, held, constant, power in zip(
            scheme.speeds, names, _by_place(constants, len(powers)), powers, strict=True
        )
    )
    return replace(scheme, speeds=speeds)


def learning_rate_exponents(scheme: Scheme, multiplier: str) -> tuple[float, ...]:
    """Exponents of the learning rates to be set, so that Muon with a multiplier has a scheme's speeds.

    Args:
        scheme: with Muon in some layers; the others are told as they are.
        multiplier: one of `update_multiplier_names`, or as PyTorch spells it.

    Raises:
        InputError: an unknown name, no layer trained by Muon, or a scheme given by numbers.

    Example:
        >>> from lazyscope.scaling import named_scheme
        >>> mup = named_scheme("mup", depth=2, optimiser="muon")
        >>> learning_rate_exponents(mup, "original"), learning_rate_exponents(mup, "spectral")
        ((0.0, 0.0, -0.5), (0.0, 0.0, 0.0))
    """
    powers = _powers(scheme, multiplier)
    return tuple(s - x + 0.0 for s, x in zip(scheme.speed_exponents, powers, strict=True))


def _powers(scheme: Scheme, multiplier: str) -> tuple[float, ...]:
    """Exponents of the multiplier, zero in layers that Muon does not train."""
    check_instance("scheme", scheme, Scheme)
    layers = len(scheme.scales)
    powers = _by_place(_EXPONENTS[_known(multiplier)], layers)
    names = optimiser_of_layers(scheme.optimiser, layers)
    if "muon" not in names:
        raise InputError(
            "update multipliers belong to muon",
            received=f"the multiplier {multiplier} for {', '.join(dict.fromkeys(names))}",
            cause="an optimiser whose update is multiplied by nothing",
            fix="leave the multiplier out, or let muon train some layers",
        )
    return tuple(x if held == "muon" else 0.0 for x, held in zip(powers, names, strict=True))


def _known(name: str) -> str:
    spelled = name.replace("_", "-") if isinstance(name, str) else ""
    return spelled if spelled in _EXPONENTS else check_choice("update multiplier", name, _EXPONENTS)


def _by_place(of: tuple[float, float, float], layers: int) -> tuple[float, ...]:
    return (of[0], *[of[1]] * (layers - 2), of[2])


def times(law: Law, factor: PowerLaw) -> Law:
    """The product of a law and a power of the width."""
    if isinstance(law, PowerLaw):
        return PowerLaw(law.constant * factor.constant, law.exponent + factor.exponent)
    if isinstance(law, ValueAtWidth):
        return ValueAtWidth(law.value * factor(law.width), law.width)
    raise InputError(
        "a multiplied speed must be a power of the width, or a number at one width",
        received=f"{law}",
        cause="a speed that bends with the width",
        fix="give the speed as PowerLaw(constant, exponent)",
    )
