"""Which parametrisations have a name, and what do their papers prescribe?

Each function builds one scheme for L hidden layers. Fan-ins are the input dimension d for the first
layer and the width m for the others. Scales are those of the effective weights. Functions that take the
optimisers of the layers prescribe rates for each of them; the others have one learning rate whoever trains.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from lazyscope._checks import InputError, check_finite, check_positive
from lazyscope.scaling._law import FanAverageLaw, Law, PowerLaw
from lazyscope.scaling._optimiser import growth_power, update_exponents
from lazyscope.scaling._scheme import Scheme
from lazyscope.scaling.depth._branches import Branches
from lazyscope.scaling.depth._over_depth import with_branches

_ONE = PowerLaw(1.0, 0.0)


def ntk(depth: int, input_dim: int, optimiser: Sequence[str]) -> Scheme:
    """Unit weights behind a multiplier 1/sqrt(fan_in) in every layer, one learning rate."""
    p, d = growth_power(optimiser), float(input_dim)
    scales = _fan_in_scales(1.0, depth, input_dim)
    speeds = (PowerLaw(d ** (-p / 2), 0.0), *[PowerLaw(1.0, -p / 2)] * depth)
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


def mean_field(depth: int, optimiser: Sequence[str]) -> Scheme:
    """Unit weights behind 1/m in every layer but the first, rates that move each weight by order one."""
    scales = (PowerLaw(1.0, 0.5), *[PowerLaw(1.0, -0.5)] * depth)
    source = (
        "Mei, Montanari & Nguyen 2018 (arXiv 1804.06561); deeper networks: "
        "Nguyen & Pham 2020 (arXiv 2001.11443)"
    )
    if growth_power(optimiser) == 2:
        speeds = (_ONE, *[PowerLaw(1.0, -1.0)] * (depth - 1), PowerLaw(1.0, -2.0))
    else:
        norms = (0.5, *[0.0] * (depth - 1), -0.5)  # of changes of order one behind the multipliers
        sizes = update_exponents(optimiser, depth + 1)
        speeds = tuple(PowerLaw(1.0, x - d) for x, d in zip(norms, sizes, strict=True))
    return Scheme("mean-field", scales, speeds, source)


def mup(depth: int, optimiser: Sequence[str]) -> Scheme:
    """Maximal update parametrisation: every layer learns at order one with one learning rate."""
    a = (0.5, *[0.0] * (depth - 1), -0.5)
    speeds = _order_one(optimiser, [PowerLaw(1.0, x) for x in a], input_dim=1, output_dim=1)
    return Scheme("mup", tuple(PowerLaw(1.0, x) for x in a), speeds, _source_of_mup(optimiser))


def spectral(depth: int, input_dim: int, output_dim: int, optimiser: Sequence[str]) -> Scheme:
    """Weights and their updates have the spectral norm sqrt(fan_out / fan_in), at m above d and C."""
    first, last = math.sqrt(1 / input_dim), math.sqrt(output_dim)
    norms = (PowerLaw(first, 0.5), *[_ONE] * (depth - 1), PowerLaw(last, -0.5))
    speeds = _order_one(optimiser, norms, input_dim=input_dim, output_dim=output_dim)
    return Scheme("spectral", norms, speeds, _SPECTRAL)


def depth_mup(depth: int, optimiser: Sequence[str], branch_constant: float = 1.0) -> Scheme:
    """Residual network in muP, branches times 1/sqrt(L): together they start and learn at order one."""
    return _deep("depth-mup", depth, optimiser, Branches(-0.5, constant=branch_constant))


def completep(
    depth: int, optimiser: Sequence[str], alpha: float = 1.0, branch_constant: float = 1.0
) -> Scheme:
    """Residual network in muP, branches times L^-alpha: at alpha 1 every branch learns at order one."""
    power = check_finite("alpha", alpha)
    if not 0.5 <= power <= 1:
        raise InputError(
            "alpha of completep lies between 1/2 and 1",
            received=f"{power:g}",
            cause="a power with which outputs grow with the depth, or single branches without bound",
            fix="use alpha 1, or 0.5, which is depth-mup",
        )
    return _deep("completep", depth, optimiser, Branches(-power, constant=branch_constant))


def luo(depth: int, gamma: float, gamma_prime: float, optimiser: Sequence[str]) -> Scheme:
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
    first, second = update_exponents(optimiser, 2)
    speeds = (_ONE, PowerLaw(1.0, first - second))
    return Scheme("luo", scales, speeds, "Luo, Xu, Ma & Zhang 2021 (JMLR 22(71), arXiv 2007.07497)")


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


_OVER_DEPTH = {
    ("depth-mup", 2): "Yang, Yu, Zhu & Hayou 2023 (arXiv 2310.02244)",
    ("depth-mup", 1): "Yang, Yu, Zhu & Hayou 2023 (arXiv 2310.02244)",
    (
        "completep",
        2,
    ): "Dey et al. 2025 (arXiv 2505.01618), rates of descent: Bordelon, Chaudhry & Pehlevan "
    "2024 (arXiv 2405.15712)",
    ("completep", 1): "Dey et al. 2025 (arXiv 2505.01618)",
}


def _deep(name: str, depth: int, optimiser: Sequence[str], branches: Branches) -> Scheme:
    """The muP of an optimiser with branches whose rates let all of them together add at order one."""
    p, base = growth_power(optimiser), mup(depth, optimiser)
    source = f"{_OVER_DEPTH[name, p]}; over widths {base.source}"
    learning = replace(branches, speed_exponent=-1 - p * branches.multiplier_exponent)
    return with_branches(replace(base, name=name, source=source), learning)


_SPECTRAL = "Yang, Simon & Bernstein 2023 (arXiv 2310.17813)"


def _source_of_mup(optimiser: Sequence[str]) -> str:
    """Whose table it is: of descent, of Adam and other steps of signs, of orthogonal steps."""
    if growth_power(optimiser) == 2:
        return "Yang & Hu 2021 (arXiv 2011.14522)"
    papers = []
    if set(optimiser) != {"muon"}:
        papers.append("Yang et al. 2022 (arXiv 2203.03466)")
    if "muon" in optimiser:
        papers.append(f"orthogonal updates: {_SPECTRAL}")
    return "; ".join(papers)


def _order_one(
    optimiser: Sequence[str], norms: Sequence[PowerLaw], *, input_dim: int, output_dim: int
) -> tuple[Law, ...]:
    """Speeds at which one step changes layer l by ``norms[l]``, which is its own size.

    A step of signs has the norm ``sqrt(fan_in fan_out)``, an orthogonal one has norm one, and gradients of
    such layers have the norm ``1 / norms[l]``.
    """
    p, layers = growth_power(optimiser), len(norms)
    fixed = (math.sqrt(input_dim), *[1.0] * (layers - 2), math.sqrt(output_dim))
    sizes = update_exponents(optimiser, layers)
    return tuple(
        PowerLaw(norm.constant**p / (fan if d else 1.0), p * norm.exponent - d)
        for norm, fan, d in zip(norms, fixed, sizes, strict=True)
    )
