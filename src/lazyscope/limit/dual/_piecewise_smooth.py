"""What does a nonlinearity without closed form look like: its values, its slopes, its kinks?"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lazyscope._checks import (
    InputError,
    check_callable,
    check_finite,
    check_sequence,
    shown,
    unreadable_value,
)

_DEGREE = 15
_TOLERANCE = 1e-12
_MOST_KINKS = 12
_SHARP = 2.0**-16
_CHUNK = 1 << 20
_SPOTS = 1 << 16
_STEPPED_OVER = 1e-9
_NODES = np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))
_TO_SERIES = np.polynomial.chebyshev.chebvander(_NODES, _DEGREE).T * (2 / (_DEGREE + 1))
_TO_SERIES[0] /= 2


@final
@dataclass(frozen=True)
class PiecewiseSmooth:
    """A nonlinearity with the places where it is not smooth.

    Args:
        function: sigma, entry by entry, written with jax.numpy (its slope is taken by JAX).
        kinks: points where sigma or one of its first derivatives jumps. ``None`` (default) looks for
            them: at some 65 000 places within reach of the inputs, and ever closer where a polynomial
            does not fit. Single kinks and steps are found however sharp they are;
            a feature that ends where it began (a spike, a tooth, two steps) may be missed if it is
            narrower than the distance of those places, about 5e-4 standard deviations. Name the ends
            of such features, and the middle of smooth ones; naming saves the search.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> PiecewiseSmooth(jax.nn.relu).kinks_within(8.0)
        (0.0,)
        >>> PiecewiseSmooth(lambda u: jnp.clip(u, -1.0, 2.0), kinks=(-1.0, 2.0)).kinks_within(8.0)
        (-1.0, 2.0)
    """

    function: Callable[[Array], Array]
    kinks: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        check_callable("function", self.function)
        if self.kinks is not None:
            given = check_sequence("kinks", self.kinks)
            try:
                kinks = tuple(check_finite("a kink", kink) for kink in given)
            except InputError:
                raise
            except Exception as error:
                raise unreadable_value("kinks", given, error) from error
            object.__setattr__(self, "kinks", tuple(sorted(set(kinks))))

    def values(self, u: np.ndarray) -> np.ndarray:
        """sigma(u) in double precision, entry by entry."""
        return _evaluate(self.function, u, 0)

    def values_and_slopes(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """sigma(u) and sigma'(u) in double precision, entry by entry."""
        return _evaluate(self.function, u, 0), _evaluate(self.function, u, 1)

    def squares(self, u: np.ndarray) -> np.ndarray:
        """sigma(u)^2."""
        return self.values(u) ** 2

    def slope_squares(self, u: np.ndarray) -> np.ndarray:
        """sigma'(u)^2."""
        return _evaluate(self.function, u, 1) ** 2

    def kinks_within(self, reach: float) -> tuple[float, ...]:
        """Kinks in [-reach, reach], named or found."""
        if self.kinks is not None:
            return tuple(kink for kink in self.kinks if abs(kink) < reach)
        return _found_kinks(self.function, float(2.0 ** np.ceil(np.log2(reach))))

    def jumps(self, kinks: tuple[float, ...]) -> tuple[float, ...]:
        """Those of `kinks` where sigma itself jumps, so that sigma' has no second moment."""
        if not kinks:
            return ()
        places = np.asarray(kinks)
        step = 1e-9 * np.maximum(1.0, np.abs(places))
        change = np.abs(self.values(places + step) - self.values(places - step))
        return tuple(places[change > 1e-6].tolist())


@lru_cache(maxsize=64)
def _compiled(function: Callable, order: int) -> Callable:
    def value(u: Array) -> Array:
        out = function(u)
        if getattr(out, "shape", None) != u.shape or out.dtype != u.dtype:
            raise InputError(
                "an activation must return an array of its argument's shape and precision",
                received=f"{getattr(out, 'shape', type(out).__name__)} "
                f"{getattr(out, 'dtype', '')} for {u.shape} {u.dtype}",
                cause="a reduction, a cast, or a constant array inside the activation",
                fix="write it entry by entry, with Python numbers as constants",
            )
        return out

    def slope(u: Array) -> Array:
        return jax.jvp(value, (u,), (jnp.ones_like(u),))[1]

    return jax.jit((value, slope)[order])


def _evaluate(function: Callable, u: np.ndarray, order: int) -> np.ndarray:
    """The function or its slope at all entries, in chunks of few different sizes."""
    flat = np.asarray(u, dtype=np.float64).ravel()
    out = np.empty_like(flat)
    with jax.enable_x64(True):
        for start in range(0, flat.size, _CHUNK):
            part = flat[start : start + _CHUNK]
            size = max(4096, 1 << (part.size - 1).bit_length())
            try:
                result = _compiled(function, order)(np.pad(part, (0, size - part.size)))
            except jax.errors.TracerArrayConversionError as error:
                raise InputError(
                    "an activation must be written with jax.numpy",
                    received=getattr(function, "__name__", repr(function)),
                    cause="a NumPy or SciPy function, which JAX cannot differentiate",
                    fix="use the function of the same name in jax.numpy, jax.nn or jax.scipy",
                ) from error
            except InputError:
                raise
            except (TypeError, ValueError, AttributeError) as error:
                raise InputError(
                    "an activation must be a function of one JAX array",
                    received=f"{shown(function)}, which raised {type(error).__name__}: "
                    f"{shown(str(error))}",
                    cause="a function with more arguments, one of single numbers, or an if on values",
                    fix="give a function such as jax.nn.elu, or a lambda with jax.numpy",
                ) from error
            out[start : start + part.size] = np.asarray(result)[: part.size]
    return out.reshape(np.shape(u))


@lru_cache(maxsize=64)
def _found_kinks(function: Callable, reach: float) -> tuple[float, ...]:
    """Points around which only very short intervals let a polynomial fit sigma and its slope."""
    found = [
        place
        for order in (0, 1)
        for place in _hard_places(lambda u, o=order: _evaluate(function, u, o), reach)
    ]
    kinks: list[tuple[float, float]] = []  # (how far off it may be, where), sharpest first
    for width, place in sorted(found):
        if all(abs(place - kink) > 4 * (width + other) for other, kink in kinks):
            kinks.append((width, 0.0 if abs(place) < 4 * width else place))
    if len(kinks) > _MOST_KINKS:
        raise InputError(
            f"an activation may have at most {_MOST_KINKS} kinks where its inputs lie",
            received=f"{len(kinks)} found between {-reach:g} and {reach:g}",
            cause="a rounded, quantised or noisy function",
            fix="use a smooth or piecewise smooth function",
        )
    return tuple(sorted(float(place) for _, place in kinks))


@final
class _DenseSpots:
    """Values at many places, to see what the nodes of an interval step over."""

    def __init__(self, evaluate: Callable, reach: float, floor: float) -> None:
        # places of no regular distance, so that no comb hides between them
        steps = (np.arange(_SPOTS) + (np.arange(_SPOTS) * 0.6180339887498949) % 1.0) / _SPOTS
        self.places = reach * (2 * steps - 1)
        self.values = evaluate(self.places)
        self.floor = floor

    def missed(self, middle: np.ndarray, half: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Which intervals hold a place where the polynomial through `values` is not sigma."""
        first = np.searchsorted(self.places, middle - half)
        last = np.searchsorted(self.places, middle + half)
        missed = np.zeros(middle.size, dtype=bool)
        for i in np.flatnonzero(last > first):
            inside = slice(first[i], last[i])
            fit = np.polynomial.chebyshev.chebval(
                (self.places[inside] - middle[i]) / half[i], _TO_SERIES @ values[i]
            )
            off = np.max(np.abs(fit - self.values[inside]))
            missed[i] = off > _STEPPED_OVER * np.max(np.abs(values[i])) + 1e3 * self.floor
        return missed


def _hard_places(evaluate: Callable, reach: float) -> list[tuple[float, float]]:
    """(width, middle) of the last intervals, under bisection, on which no polynomial fits."""
    nodes = np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))
    tail = np.polynomial.chebyshev.chebvander(nodes, _DEGREE)[:, -3:] * (2 / (_DEGREE + 1))
    # ends that are not round numbers, so that round kinks fall inside an interval
    edges = np.linspace(-reach * 1.0072973525693, reach * 1.0023728913, 17)
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    bulk = np.linspace(-reach, reach, 2001)
    floor = 1e-14 * np.max(np.abs(evaluate(bulk)) * np.exp(-((6 * bulk / reach) ** 2)))
    parents = np.full(16, -1)
    places: list[tuple[float, float]] = []
    spots = _DenseSpots(evaluate, reach, floor)
    before = (middle, half)
    for _ in range(70):
        # neighbours overlap: a kink at an end is seen by both
        values = evaluate(middle[:, None] + 1.05 * half[:, None] * nodes)
        size = np.max(np.abs(values), axis=1)
        rough = np.max(np.abs(values @ tail), axis=1) > _TOLERANCE * size + floor
        rough |= spots.missed(middle, 1.05 * half, values)
        tiny = half < 4e-15 * np.maximum(np.abs(middle), 1e-2)
        last = np.setdiff1d(np.arange(before[0].size), parents[rough & ~tiny])
        places += [
            (float(before[1][i]), float(before[0][i]))
            for i in last
            if parents[0] >= 0 and before[1][i] < reach * _SHARP
        ]
        parents = np.repeat(np.arange((rough & ~tiny).sum()), 2)
        before = middle[rough & ~tiny], half[rough & ~tiny]
        if not parents.size or parents.size > 4096:
            break
        half = np.repeat(before[1] / 2, 2)
        middle = np.repeat(before[0], 2) + half * np.tile([-1.0, 1.0], before[0].size)
    return places
