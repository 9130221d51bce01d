"""Infinite-width kernels in arbitrary precision, straight from their definitions, one pair at a time."""

from functools import cache, lru_cache
from itertools import pairwise

from mpmath import mp
from mpmath.calculus.quadrature import GaussLegendre

mp.dps = 20

HALF_WIDTH = mp.mpf(9)


def _phi(z):
    return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


def _leaky(u):
    return u if u > 0 else u * mp.mpf("0.01")


FUNCTIONS = {
    # name: (sigma, sigma', kinks)
    "relu": (lambda u: max(u, mp.mpf(0)), lambda u: mp.mpf(u > 0), (0,)),
    "leaky_relu": (_leaky, lambda u: mp.mpf(1) if u > 0 else mp.mpf("0.01"), (0,)),
    "abs": (abs, lambda u: mp.sign(u), (0,)),
    "linear": (lambda u: u, lambda u: mp.mpf(1), ()),
    "erf": (mp.erf, lambda u: 2 / mp.sqrt(mp.pi) * mp.exp(-u * u), ()),
    "sine": (mp.sin, mp.cos, ()),
    "gelu": (
        lambda u: u * mp.ncdf(u),
        lambda u: mp.ncdf(u) + u * _phi(u),
        (),
    ),
    "tanh": (mp.tanh, lambda u: 1 / mp.cosh(u) ** 2, ()),
    "softplus": (lambda u: mp.log1p(mp.exp(u)), lambda u: 1 / (1 + mp.exp(-u)), ()),
    "xtanh": (
        lambda u: u * mp.tanh(u),
        lambda u: mp.tanh(u) + u / mp.cosh(u) ** 2,
        (),
    ),
    "elu": (
        lambda u: u if u > 0 else mp.expm1(u),
        lambda u: mp.mpf(1) if u > 0 else mp.exp(u),
        (0,),
    ),
    "hard_tanh": (
        lambda u: max(min(u, mp.mpf(1)), mp.mpf(-1)),
        lambda u: mp.mpf(abs(u) < 1),
        (-1, 1),
    ),
    "ramp": (
        lambda u: max(u - mp.mpf("0.3"), mp.mpf(0)),
        lambda u: mp.mpf(u > mp.mpf("0.3")),
        (mp.mpf("0.3"),),
    ),
}


def average(f, kinks, deviation):
    """E f(s z) for standard normal z."""
    return mp.fsum(w * f(deviation * z) for z, w in _rule(kinks, 0, deviation))


def pair_average(pairs, kinks, q1, q2, q12):
    """E f(u) f(v) for each f in `pairs`; u and v have variances q1, q2 and covariance q12.

    The inner rule is over v given u, the outer one over u. For |q12| = sqrt(q1 q2) there is no inner rule.
    """
    s1 = mp.sqrt(q1)
    rest = q2 - q12 * q12 / q1
    totals = [mp.mpf(0) for _ in pairs]
    if abs(rest) < mp.mpf("1e-14") * q2:
        ratio = q12 / q1
        both = [*kinks, *(mp.mpf(kink) / ratio for kink in kinks)]
        return [average(lambda u, f=f: f(u) * f(ratio * u), both, s1) for f in pairs]
    for z, weight in _rule(kinks, 0, s1):
        u = s1 * z
        mean = q12 / q1 * u
        inner = [(mean + mp.sqrt(rest) * w, c) for w, c in _rule(kinks, mean, mp.sqrt(rest))]
        for i, f in enumerate(pairs):
            totals[i] += weight * f(u) * mp.fsum(c * f(v) for v, c in inner)
    return totals


def _rule(kinks, mean, deviation):
    """Gauss-Legendre nodes z and weights with the density, f(mean + deviation z) smooth on each panel."""
    places = [(mp.mpf(kink) - mean) / deviation for kink in kinks]
    inside = [place for place in places if abs(place) < HALF_WIDTH]
    ends = sorted({*(mp.mpf(end) for end in (-9, -5, "-2.5", 0, "2.5", 5, 9)), *inside})
    return [point for a, b in pairwise(ends) for point in _panel(a, b)]


@lru_cache(maxsize=64)
def _panel(a, b):
    nodes = [((a + b) / 2 + (b - a) / 2 * node, weight) for node, weight in _legendre()]
    return [(z, weight * (b - a) / 2 * _phi(z)) for z, weight in nodes]


@cache
def _legendre():
    return GaussLegendre(mp).calc_nodes(4, mp.prec)


def arc_cosine(q1, q2, q12):
    """E relu(u) relu(v) and E step(u) step(v): Cho and Saul 2009."""
    size = mp.sqrt(q1 * q2)
    theta = mp.acos(q12 / size) if size else mp.pi / 2
    value = size * (mp.sin(theta) + (mp.pi - theta) * mp.cos(theta)) / (2 * mp.pi)
    return value, (mp.pi - theta) / (2 * mp.pi)


def relu_kernels(x, y, depth, weight, bias, digits=60):
    """(tangent, covariance) of relu networks for one pair of inputs, with `digits` digits."""
    with mp.workdps(digits):
        x, y = ([mp.mpf(float(v)) for v in point] for point in (x, y))
        weight, bias = mp.mpf(float(weight)) ** 2, mp.mpf(float(bias)) ** 2
        q1, q2, q12 = (
            weight * mp.fsum(i * j for i, j in zip(a, b, strict=True)) / len(a) + bias
            for a, b in ((x, x), (y, y), (x, y))
        )
        tangent = q12
        for _ in range(depth):
            bound = mp.sqrt(q1 * q2)
            value, slope = arc_cosine(q1, q2, max(-bound, min(bound, q12)))
            q1, q2, q12 = weight * q1 / 2 + bias, weight * q2 / 2 + bias, weight * value + bias
            tangent = q12 + weight * slope * tangent
        return float(tangent), float(q12)
