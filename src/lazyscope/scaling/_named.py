"""Which parametrisations have a name, and what do their papers prescribe?

Each function builds one scheme for L hidden layers. Fan-ins are the input dimension d for the first
layer and the width m for the others. Scales are those of the effective weights.
"""

import math
from collections.abc import Sequence

from lazyscope._checks import InputError, check_finite, check_positive
from lazyscope.scaling._law import FanAverageLaw, Law, PowerLaw
from lazyscope.scaling._scheme import Scheme

_ONE = PowerLaw(1.0, 0.0)


def ntk(depth: int, input_dim: int) -> Scheme:
    """Unit weights behind a multiplier 1/sqrt(fan_in) in every layer, one learning rate."""
    d = float(input_dim)
    scales = _fan_in_scales(1.0, depth, input_dim)
    speeds = (PowerLaw(1 / d, 0.0), *[PowerLaw(1.0, -1.0)] * depth)
    return Scheme("ntk", scales, speeds, "Jacot, Gabriel & Hongler 2018 (arXiv 1806.07572)")


def standard(depth: int, input_dim: int) -> Scheme:
    """PyTorch's default: variance 1 / (3 fan_in), there uniform, matched here by its variance."""
    scales = _fan_in_scales(1 / 3, depth, input_dim)
    return _one_rate("standard", scales, "PyTorch, default of torch.nn.Linear")


def lecun(depth: int, input_dim: int) -> Scheme:
    """Variance 1 / fan_in, one learning rate."""
    scales = _fan_in_scales(1.0, depth, input_dim)
    return _one_rate("lecun", scales, "LeCun, Bottou, Orr & Mueller 1998 (Efficient BackProp)")


def he(depth: int, input_dim: int, activation: str, negative_slope: float = 0.01) -> Scheme:
    """Variance 2 / ((1 + slope^2) fan_in), slope of the rectifier at negative inputs."""
    leak = check_finite("negative_slope", negative_slope)
    slope = {"leaky_relu": leak, "linear": 1.0}.get(activation, 0.0)
    scales = _fan_in_scales(2 / (1 + slope**2), depth, input_dim)
    return _one_rate("he", scales, "He, Zhang, Ren & Sun 2015 (arXiv 1502.01852)")


def xavier(depth: int, input_dim: int, output_dim: int) -> Scheme:
    """Variance 2 / (fan_in + fan_out), one learning rate."""
    hidden = [_ONE] * (depth - 1)
    scales = (FanAverageLaw(input_dim), *hidden, FanAverageLaw(output_dim))
    return _one_rate("xavier", scales, "Glorot & Bengio 2010 (AISTATS)")


def mean_field(depth: int) -> Scheme:
    """Unit weights behind 1/m in every layer but the first, learning rates m, m^2, .., m^2, m."""
    scales = (PowerLaw(1.0, 0.5), *[PowerLaw(1.0, -0.5)] * depth)
    speeds = (_ONE, *[PowerLaw(1.0, -1.0)] * (depth - 1), PowerLaw(1.0, -2.0))
    source = (
        "Mei, Montanari & Nguyen 2018 (arXiv 1804.06561); deeper networks: "
        "Nguyen & Pham 2020 (arXiv 2001.11443)"
    )
    return Scheme("mean-field", scales, speeds, source)


def mup(depth: int) -> Scheme:
    """Maximal update parametrisation for gradient descent: every layer learns at order one."""
    scales = (PowerLaw(1.0, 0.5), *[_ONE] * (depth - 1), PowerLaw(1.0, -0.5))
    speeds = (PowerLaw(1.0, 1.0), *[_ONE] * (depth - 1), PowerLaw(1.0, -1.0))
    return Scheme("mup", scales, speeds, "Yang & Hu 2021 (arXiv 2011.14522)")


def luo(depth: int, gamma: float, gamma_prime: float) -> Scheme:
    """The point (gamma, gamma') of the two-layer phase plane, one learning rate."""
    g, h = check_finite("gamma", gamma), check_finite("gamma_prime", gamma_prime)
    if depth != 1:
        raise InputError(
            "the (gamma, gamma') plane describes networks with one hidden layer",
            received=f"depth {depth}",
            cause="a deeper network was asked for",
            fix="use depth 1, or give scale exponents",
        )
    scales = (PowerLaw(1.0, (1 - g + h) / 2), PowerLaw(1.0, (1 - g - h) / 2))
    return _one_rate("luo", scales, "Luo, Xu, Ma & Zhang 2021 (JMLR 22(71), arXiv 2007.07497)")


def balanced(depth: int, kappa_exponent: float = 0.5, kappa_constant: float = 1.0) -> Scheme:
    """Equal shares of kappa = constant * m^exponent for all layers, one learning rate."""
    rho = check_finite("kappa_exponent", kappa_exponent)
    constant = check_positive("kappa_constant", kappa_constant)
    layers = depth + 1
    law = PowerLaw(math.exp(math.log(constant) / layers), rho / layers)
    source = "equal shares of the kappa of Li, Luo & Zhou 2024 (arXiv 2404.04859)"
    return _one_rate("balanced", (law,) * layers, source)


def _fan_in_scales(gain: float, depth: int, input_dim: int) -> tuple[Law, ...]:
    """Scales of weights of variance gain / fan_in."""
    first = PowerLaw(math.sqrt(gain / input_dim), 0.5)
    return (first, *[PowerLaw(math.sqrt(gain), 0.0)] * depth)


def _one_rate(name: str, scales: Sequence[Law], source: str) -> Scheme:
    return Scheme(name, tuple(scales), (_ONE,) * len(scales), source)
