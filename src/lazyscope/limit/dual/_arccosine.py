"""What is the angle whose cosine is known by its distance from one?

Kernels of piecewise linear networks depend on the angle between inputs linearly, so an angle taken
from a rounded cosine (error of the square root of the precision at small angles) would spoil them.
Here the versine v = 1 - cos is the argument: arccos(1 - v) = sqrt(v) P(v) with P analytic on [0, 2),
and arcsin(x) = x Q(x^2) below 45 degrees. P and Q are Chebyshev interpolants, accurate to rounding
in either precision, and cost one square root and a row of multiplications, several times less than
the arctangent of a compiled CPU loop.
"""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.polynomial import chebyshev

_DEGREES = {np.dtype(np.float32): 8, np.dtype(np.float64): 20}


def angle(versine: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """arccos(1 - v) for v in [0, 1], relative error a few roundings."""
    return jnp.sqrt(versine) * _polynomial(_ANGLE, versine)


def signed_angle(sine: Float[Array, "*s"], cosine: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """The angle in [-pi/2, pi/2] with this sine and this cosine >= 0; exactly 0 at sine 0."""
    size = jnp.abs(sine)
    small = jnp.minimum(size, cosine)
    near = small * _polynomial(_ARCSINE, 2 * small * small)
    return jnp.sign(sine) * jnp.where(size <= cosine, near, math.pi / 2 - near)


def _polynomial(coefficients: dict, v: Array) -> Array:
    y = 2 * v - 1
    row = coefficients[np.dtype(v.dtype)]
    total = jnp.full_like(v, row[-1])
    for coefficient in row[-2::-1]:
        total = total * y + coefficient
    return total


def _fit(values: np.ndarray, nodes: np.ndarray) -> dict:
    fits = {}
    for dtype, degree in _DEGREES.items():
        row = chebyshev.cheb2poly(chebyshev.chebfit(nodes, values, degree))
        fits[dtype] = tuple(float(c) for c in row)
    return fits


_NODES = np.cos(np.pi * (np.arange(64) + 0.5) / 64)
_HALF_SINE = np.sqrt((_NODES + 1) / 4)  # sin(angle / 2) where the versine is (node + 1) / 2
_ANGLE = _fit(2 * np.arcsin(_HALF_SINE) / (math.sqrt(2.0) * _HALF_SINE), _NODES)
_ARCSINE = _fit(np.arcsin(_HALF_SINE) / _HALF_SINE, _NODES)
