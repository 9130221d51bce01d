"""What does the displacement law say about every point of a plane that a sweep spans?"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, final

import numpy as np
from contourpy import contour_generator
from jaxtyping import Float
from scipy import ndimage
from scipy.optimize import brentq

from lazyscope.experiment import run_scheme
from lazyscope.scaling import Scheme, displacement_exponents, layer_regimes, network_regime

_EXACT = 1e-9  # of a boundary
_REFINED = 4  # points of the law's grid per step of the map
_SMALLEST_REGION = 0.01  # of the plane; smaller ones get no name


@final
class PlaneLaw:
    """The displacement law over two settings of a sweep, the others fixed.

    Args:
        settings: every other setting of the runs, as a sweep names them.
        x: name and values of the first setting.
        y: name and values of the second one.

    Raises:
        InputError: the settings describe no scheme with exponents.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        x: tuple[str, Any],
        y: tuple[str, Any],
    ) -> None:
        self._fixed = {name: value for name, value in settings.items() if value is not None}
        (self._x_name, xs), (self._y_name, ys) = x, y
        self._x, self._y = np.asarray(xs, float), np.asarray(ys, float)
        self._zeros: dict[tuple[int, float, tuple[float, float]], float | None] = {}
        self.exponents = self._over(self._x, self._y)[0]
        self._fine_x, self._fine_y = _refined(_wider(self._x)), _refined(_wider(self._y))
        self._fine, self._regimes = self._over(self._fine_x, self._fine_y)
        self._on_map = np.ix_(_within(self._fine_x, self._x), _within(self._fine_y, self._y))

    def boundaries(self) -> list[list[Float[np.ndarray, "p 2"]]]:
        """Per layer, the lines on the map on which its exponent is zero."""
        x, y = self._fine_x[self._on_map[0][:, 0]], self._fine_y[self._on_map[1][0]]
        layers = enumerate(np.moveaxis(self._fine, -1, 0))
        return [
            [self._exact(layer, line, x, y) for line in zero_lines(x, y, fine[self._on_map])]
            for layer, fine in layers
        ]

    def _exact(
        self, layer: int, line: Float[np.ndarray, "p 2"], xs: np.ndarray, ys: np.ndarray
    ) -> Float[np.ndarray, "p 2"]:
        """A line with each of its points, which lie on edges of the grid, moved along it to the zero."""
        found = line.copy()
        for place, point in enumerate(line):
            on_x = np.isclose(xs, point[0], rtol=0, atol=1e-9 * np.ptp(xs)).any()
            axis, values = (1, ys) if on_x else (0, xs)
            k = int(np.clip(np.searchsorted(values, point[axis]), 1, len(values) - 1))

            def exponent(v: float, point: np.ndarray = point, axis: int = axis) -> float:
                x, y = (v, point[1]) if axis == 0 else (point[0], v)
                return _exponents(self._scheme(x, y))[layer]

            low, high = values[k - 1], values[k]
            if exponent(low) * exponent(high) < 0:
                found[place, axis] = brentq(exponent, low, high, xtol=_EXACT)
        return found

    def zero(self, layer: int, y: float, between: tuple[float, float]) -> float | None:
        """Where along the first axis a layer's exponent is zero; None where its sign does not change.

        Args:
            layer: its place, from 0.
            y: value of the second axis.
            between: values of the first axis.
        """

        def exponent(x: float) -> float:
            return _exponents(self._scheme(x, y))[layer]

        asked = layer, y, between
        if asked not in self._zeros:
            ends = [exponent(x) for x in between]
            found = min(ends) < 0 < max(ends)
            zero = brentq(exponent, *between, xtol=_EXACT) if found else None
            self._zeros[asked] = zero  # pyright: ignore[reportArgumentType]
        return self._zeros[asked]

    def distances(self) -> Float[np.ndarray, "x y layer"]:
        """Distance of every cell from its layer's nearest boundary; infinite where there is none.

        Boundaries within a step of the map's edge count, though they are not drawn.
        """
        points = np.stack(np.meshgrid(self._x, self._y, indexing="ij"), axis=-1)
        layers = np.moveaxis(self._fine, -1, 0)
        lines = (zero_lines(self._fine_x, self._fine_y, fine) for fine in layers)
        return np.stack([distance_from(found, points) for found in lines], axis=-1)

    def regions(self) -> list[dict[str, Any]]:
        """Every connected region of one regime with its name, at the point deepest inside it."""
        names = self._regimes[self._on_map]
        x, y = self._fine_x[self._on_map[0][:, 0]], self._fine_y[self._on_map[1][0]]
        found = []
        for name in sorted(set(names.ravel()) - {"critical"}):
            parts, count = ndimage.label(names == name)  # pyright: ignore[reportGeneralTypeIssues]
            for part in range(1, count + 1):
                inside = parts == part
                if inside.mean() < _SMALLEST_REGION:
                    continue
                depth = ndimage.distance_transform_edt(np.pad(inside, 1))
                assert isinstance(depth, np.ndarray)
                i, j = np.unravel_index(depth[1:-1, 1:-1].argmax(), inside.shape)
                found.append({"name": name, "x": float(x[i]), "y": float(y[j])})
        return found

    def _over(self, xs: np.ndarray, ys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Exponents and names of regimes over a grid."""
        schemes = [[self._scheme(x, y) for y in ys] for x in xs]
        exponents = [[_exponents(scheme) for scheme in row] for row in schemes]
        names = [[_regime_name(scheme) for scheme in row] for row in schemes]
        return np.array(exponents), np.array(names)

    def _scheme(self, x: float, y: float) -> Scheme:
        return run_scheme({**self._fixed, self._x_name: float(x), self._y_name: float(y)})


def _exponents(scheme: Scheme) -> tuple[float, ...]:
    given = scheme.scale_exponents, scheme.speed_exponents
    return displacement_exponents(*given, optimiser=scheme.optimiser)


def _regime_name(scheme: Scheme) -> str:
    given = scheme.scale_exponents, scheme.speed_exponents
    name = network_regime(*given, optimiser=scheme.optimiser)
    if name != "partially-lazy":
        return name
    regimes = layer_regimes(*given, optimiser=scheme.optimiser)
    lazy = [str(k) for k, regime in enumerate(regimes, 1) if regime == "lazy"]
    return f"only layer{'s' if len(lazy) > 1 else ''} {' and '.join(lazy)} lazy"


def zero_lines(
    x: Float[np.ndarray, " x"], y: Float[np.ndarray, " y"], values: Float[np.ndarray, "x y"]
) -> list[Float[np.ndarray, "p 2"]]:
    """Lines through a grid on which linearly interpolated values are zero; NaN cells are left out.

    Example:
        >>> grid = np.array([0.0, 1.0])
        >>> lines = zero_lines(grid, grid, np.array([[-1.0, -1.0], [1.0, 1.0]]))
        >>> sorted(lines[0].tolist())
        [[0.5, 0.0], [0.5, 1.0]]
    """
    masked = np.ma.masked_invalid(values.T)
    lines = contour_generator(x, y, masked).lines(0.0)
    return [np.asarray(line) for line in lines]


def distance_from(
    lines: Sequence[Float[np.ndarray, "p 2"]], points: Float[np.ndarray, "*n 2"]
) -> Float[np.ndarray, "*n"]:
    """Euclidean distance of points from the nearest of several lines; infinite without lines.

    Example:
        >>> distance_from([np.array([[0.0, 0.0], [2.0, 0.0]])], np.array([[1.0, 0.5], [3.0, 0.0]]))
        array([0.5, 1. ])
    """
    nearest = np.full(points.shape[:-1], np.inf)
    for line in lines:
        for start, end in pairwise(line):
            along = end - start
            length = along @ along
            share = np.clip((points - start) @ along / length, 0, 1) if length > 0 else 0.0
            foot = start + np.asarray(share)[..., None] * along
            nearest = np.minimum(nearest, np.linalg.norm(points - foot, axis=-1))
    return nearest


def _wider(values: np.ndarray) -> np.ndarray:
    """`values` with one step more at each end; positive ones stay positive."""
    ends = (2 * values[0] - values[1], 2 * values[-1] - values[-2])
    return np.sort([*values, *(end for end in ends if values[0] <= 0 or end > 0)])


def _within(values: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Places of the values between the smallest and the largest of another row."""
    slack = 1e-9 * (of[-1] - of[0])
    return np.flatnonzero((values >= of[0] - slack) & (values <= of[-1] + slack))


def _refined(values: np.ndarray) -> np.ndarray:
    """`values` with further ones evenly between neighbours."""
    places = np.linspace(0, len(values) - 1, _REFINED * (len(values) - 1) + 1)
    return np.interp(places, np.arange(len(values)), values)
