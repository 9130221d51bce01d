"""Do the input weights of a layer point in few directions, fewer than chance would have it?"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np
from jaxtyping import Bool, Float

from lazyscope._checks import InputError, check_array, check_choice, check_count, check_positive
from lazyscope._entry import checked
from lazyscope._result import AbstractResult

Symmetry: TypeAlias = Literal["none", "sign"]
"""``sign``: w and -w are the same direction, as for odd activations."""

TEN_DEGREES = float(np.pi / 18)
_CENTRES = 512  # caps are centred on at most so many neurons, drawn in proportion to their mass


@final
@dataclass(frozen=True, repr=False)
class AgainstNull(AbstractResult):
    """A number next to what random directions with the same masses give.

    Attributes:
        value: the measured number.
        null: mean over random draws.
        null_sd: standard deviation over random draws.
    """

    value: float
    null: float
    null_sd: float

    @property
    def deviations(self) -> float:
        """How many standard deviations the value lies above the null; 0 where both are equal."""
        gap = self.value - self.null
        if abs(gap) < 1e-12:
            return 0.0
        return float(gap / self.null_sd) if self.null_sd > 0 else float(np.copysign(np.inf, gap))


@final
@dataclass(frozen=True, repr=False)
class Condensation(AbstractResult):
    """How strongly a layer's input weights are condensed.

    Attributes:
        order_parameter: (share - null) / (1 - null), cut at 0: 0 for random directions, 1 where all
            mass lies in the leading directions.
        share: mass within the leading directions together.
        shares: (k,) mass of each leading direction, heaviest first; sums to ``share.value``.
        directions: (k, d) unit vectors, the mass-weighted mean of each.
        effective_directions: 1 / (probability that two neurons, drawn by mass, agree to within
            `angle`); 1 for one direction, k for k equal ones.
        effective_dimensions: participation ratio 1 / tr(M^2) of M = sum_k p_k u_k u_k^T; 1 for one
            line, d for directions that fill space; no resolution enters.
        angle: half-opening of a direction, in radians.
        symmetry: whether w and -w count as one direction.
        num_neurons, dim: m and d.
    """

    order_parameter: float
    share: AgainstNull
    shares: Float[np.ndarray, " k"]
    directions: Float[np.ndarray, "k d"]
    effective_directions: AgainstNull
    effective_dimensions: AgainstNull
    angle: float
    symmetry: Symmetry
    num_neurons: int
    dim: int


@checked(any_axes=("weights",))
def cosine_similarity(
    weights: Float[Any, "m d"], *, symmetry: Symmetry = "none"
) -> Float[np.ndarray, "m m"]:
    """Cosines between the input weights of all pairs of neurons, ``<w_i, w_j> / (|w_i| |w_j|)``.

    For random directions the off-diagonal entries have mean 0 and variance 1/d.

    Args:
        weights: (m, d) one row per neuron; a bias may be a further column.
        symmetry: ``sign`` gives absolute values.

    Returns:
        (m, m), symmetric, ones on the diagonal.

    Raises:
        InputError: a row is zero or not finite.

    Cost: O(m^2 d) time, O(m^2) memory.

    Reference: Zhou et al. 2022 (arXiv 2105.11686), section 3; Chen et al. 2023 (arXiv 2303.06561).

    Example:
        >>> cosine_similarity([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]]).tolist()
        [[1.0, 0.0, -1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 1.0]]
    """
    check_choice("symmetry", symmetry, ("none", "sign"))
    units, _ = _directions(weights, None)
    cosines = np.clip(units @ units.T, -1.0, 1.0)
    return np.abs(cosines) if symmetry == "sign" else cosines


@checked(any_axes=("weights",), unbounded=("weights",))
def condensation(
    weights: Float[Any, "m d"],
    amplitude: Any = None,
    *,
    symmetry: Symmetry = "none",
    angle: float = TEN_DEGREES,
    num_directions: int = 2,
    num_null: int = 32,
    seed: int = 0,
) -> Condensation:
    """Effective number of directions, share of mass in the leading ones, and an order parameter.

    Neuron k has direction u_k = w_k / |w_k| and mass p_k, proportional to ``|a_k| |w_k|`` where
    output weights are given (the size of its contribution to the output of a homogeneous network)
    and equal otherwise. A direction is a cap of half-opening `angle`; the leading one is the cap of
    largest mass around a neuron, the next one the same without its members. Every number comes with
    its null: the same masses on directions drawn from an isotropic Gaussian.

    Args:
        weights: (m, d) input weights, one row per neuron; a bias may be a further column, as in
            inputs (x, 1).
        amplitude: output weights (m,) or (m, C), whose norm over outputs counts; None counts every
            neuron alike.
        symmetry: ``sign`` where (w, a) and (-w, -a) are the same neuron, as for odd activations.
        angle: half-opening of a direction in radians, above 0 and at most pi/2; 10 degrees tells
            directions apart that differ by eye in published scatter plots.
        num_directions: number of leading directions; 2, as small initialization lets activations of
            multiplicity one condense on two opposite ones.
        num_null: number of random draws behind the null, at least 8.
        seed: of these draws.

    Returns:
        A `Condensation`.

    Raises:
        InputError: a row of weights is zero or not finite, all masses are zero, shapes that do not
            fit, an angle outside its range.

    Cost: O(num_null m min(m, 512) d).

    Trust: exact for m <= 512; beyond, caps are centred on 512 neurons drawn by mass, which misses a
    direction of share q with probability (1 - q)^512.

    Reference: Luo et al. 2021 (JMLR 22(71)), section 4 (orientation and amplitude); Zhou et al. 2022
    (arXiv 2105.11686), multiplicity; Leinster & Cobbold 2012, Ecology 93(3), order 2 (effective
    number under a similarity).

    Example:
        >>> import numpy as np
        >>> two = np.repeat([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0]], 50, axis=0)
        >>> found = condensation(two)
        >>> round(found.order_parameter, 6), found.shares.round(6).tolist()
        (1.0, [0.5, 0.5])
        >>> round(found.effective_directions.value, 6)
        2.0
    """
    check_choice("symmetry", symmetry, ("none", "sign"))
    num_directions = check_count("num_directions", num_directions)
    num_null = check_count("num_null", num_null, minimum=8)
    angle = _checked_angle(angle)
    units, mass = _directions(weights, amplitude)
    rng = np.random.default_rng(check_count("seed", seed, minimum=0))
    measured, shares, directions = _measure(units, mass, symmetry, angle, num_directions, rng)
    null = np.array(
        [
            _measure(_random_units(rng, units.shape), mass, symmetry, angle, num_directions, rng)[0]
            for _ in range(num_null)
        ]
    )
    share, count, dims = (
        AgainstNull(float(value), float(column.mean()), float(column.std(ddof=1)))
        for value, column in zip(measured, null.T, strict=True)
    )
    order = (share.value - share.null) / (1 - share.null) if share.null < 1 else 0.0
    return Condensation(
        order_parameter=float(np.clip(order, 0.0, 1.0)),
        share=share,
        shares=shares,
        directions=directions,
        effective_directions=count,
        effective_dimensions=dims,
        angle=angle,
        symmetry=symmetry,
        num_neurons=len(units),
        dim=units.shape[1],
    )


@final
@dataclass(frozen=True, repr=False)
class OrientationScatter(AbstractResult):
    """Angle and amplitude of every neuron of a network with one-dimensional inputs (x, 1).

    Attributes:
        angle: (m,) direction of (w, b) in radians: in (-pi, pi], or [0, pi) under sign symmetry.
        amplitude: (m,) |a| |(w, b)|, or |(w, b)| where no output weights were given.
        bin_edges: (n + 1,) edges of equal bins of the angle.
        bin_share: (n,) share of all amplitude in each bin.
        null_share: mean share of a bin for random directions.
        null_limit: 95 % of random draws have no bin with a larger share.
    """

    angle: Float[np.ndarray, " m"]
    amplitude: Float[np.ndarray, " m"]
    bin_edges: Float[np.ndarray, " edges"]
    bin_share: Float[np.ndarray, " bins"]
    null_share: float
    null_limit: float


@checked(any_axes=("weights",), unbounded=("weights",))
def orientation_scatter(
    weights: Float[Any, "m 2"],
    amplitude: Any = None,
    *,
    symmetry: Symmetry = "none",
    num_bins: int = 36,
    num_null: int = 200,
    seed: int = 0,
) -> OrientationScatter:
    """The (angle, amplitude) scatter of a two-layer network on one-dimensional inputs.

    Args:
        weights: (m, 2) weight and bias of each neuron.
        amplitude: output weights (m,) or (m, C), or None.
        symmetry: ``sign`` folds opposite angles onto each other.
        num_bins: bins of the angle; 36 are 10 degrees each.
        num_null: random draws behind `null_limit`, at least 100.
        seed: of these draws.

    Returns:
        An `OrientationScatter`; bins above `null_limit` are condensed beyond chance.

    Raises:
        InputError: weights without exactly two columns, or as in `condensation`.

    Cost: O(num_null m).

    Trust: exact, but for the random draws behind `null_limit`.

    Reference: Luo et al. 2021 (JMLR 22(71)), figures of orientation against amplitude.

    Example:
        >>> found = orientation_scatter([[1.0, 0.0], [0.0, 2.0]], [3.0, 1.0])
        >>> found.amplitude.tolist(), (found.angle / np.pi).tolist()
        ([3.0, 2.0], [0.0, 0.5])
    """
    check_choice("symmetry", symmetry, ("none", "sign"))
    num_bins = check_count("num_bins", num_bins, minimum=2)
    num_null = check_count("num_null", num_null, minimum=100)
    raw = np.asarray(weights, float)
    if raw.ndim != 2 or raw.shape[1] != 2:
        raise InputError(
            "an orientation scatter needs weights with two columns, weight and bias",
            received=f"shape {raw.shape}",
            cause="inputs of more dimensions, or a bias kept apart",
            fix="stack weight and bias, or use condensation for more dimensions",
        )
    units, mass = _directions(raw, amplitude)
    size = np.linalg.norm(raw, axis=1) * _amplitudes(amplitude, len(raw))
    share = mass if amplitude is not None else size / size.sum()
    low, high = (0.0, np.pi) if symmetry == "sign" else (-np.pi, np.pi)
    angle = np.arctan2(units[:, 1], units[:, 0])
    if symmetry == "sign":
        angle = np.mod(angle, np.pi)
    edges = np.linspace(low, high, num_bins + 1)
    rng = np.random.default_rng(seed)
    draws = rng.uniform(low, high, (num_null, len(angle)))
    largest = [np.histogram(draw, edges, weights=share)[0].max() for draw in draws]
    return OrientationScatter(
        angle=angle,
        amplitude=size,
        bin_edges=edges,
        bin_share=np.histogram(angle, edges, weights=share)[0],
        null_share=1 / num_bins,
        null_limit=float(np.quantile(largest, 0.95)),
    )


def _amplitudes(amplitude: Any, num_neurons: int) -> Float[np.ndarray, " m"]:
    """Norm over outputs of the output weights, or ones."""
    if amplitude is None:
        return np.ones(num_neurons)
    values = np.asarray(check_array("amplitude", amplitude, finite=False), float)
    if values.ndim not in (1, 2) or len(values) != num_neurons or not np.isfinite(values).all():
        raise InputError(
            "amplitude must be finite, of shape (m,) or (m, outputs)",
            received=f"shape {values.shape} for {num_neurons} neurons",
            cause="output weights as (outputs, m), or a run that diverged",
            fix="transpose the output weights",
        )
    return np.abs(values) if values.ndim == 1 else np.linalg.norm(values, axis=1)


def _directions(weights: Any, amplitude: Any):
    """Unit vectors (m, d) and masses (m,) that sum to one."""
    values = np.asarray(weights, float)
    if values.ndim != 2 or len(values) < 2 or not np.isfinite(values).all():
        raise InputError(
            "weights must be finite, with one row for each of at least two neurons",
            received=f"shape {values.shape}",
            cause="a flattened array, or a run that diverged",
            fix="give the (m, d) matrix of input weights",
        )
    norm = np.linalg.norm(values, axis=1)
    if not np.all(norm > 0):
        raise InputError(
            "every neuron needs a direction",
            received=f"{int((norm == 0).sum())} rows of zeros",
            cause="an initialization with zeros, or weights that underflow in single precision",
            fix="leave these neurons out, or use double precision",
        )
    size = _amplitudes(amplitude, len(values)) * (norm if amplitude is not None else 1.0)
    if not size.sum() > 0:
        raise InputError(
            "some neuron must have an amplitude above zero",
            received="amplitudes that are all zero",
            cause="output weights that start at zero",
            fix="leave amplitude out to count every neuron alike",
        )
    return values / norm[:, None], size / size.sum()


def _checked_angle(angle: Any) -> float:
    angle = check_positive("angle", angle)
    if angle > np.pi / 2:
        raise InputError(
            "the angle of a direction must be at most pi/2",
            received=f"{angle:g}",
            cause="degrees in place of radians",
            fix="give radians, such as numpy.pi / 18 for 10 degrees",
        )
    return angle


def _random_units(rng, shape) -> Float[np.ndarray, "m d"]:
    draws = rng.standard_normal(shape)
    return draws / np.linalg.norm(draws, axis=1, keepdims=True)


def _measure(units, mass, symmetry, angle, num_directions, rng):
    """(share, effective directions, effective dimensions), shares and leading directions."""
    exact = len(units) <= _CENTRES
    centres = np.arange(len(units)) if exact else rng.choice(len(units), _CENTRES, p=mass)
    cosines = units[centres] @ units.T
    near = (np.abs(cosines) if symmetry == "sign" else cosines) >= np.cos(angle) - 1e-12
    agreeing = near @ mass
    same = float(mass @ agreeing) if exact else float(agreeing.mean())
    moment = (mass[:, None] * units).T @ units
    shares, directions = _leading(units, mass, cosines, near, num_directions)
    summary = np.array([shares.sum(), 1 / same, 1 / np.sum(moment**2)])
    return summary, shares, directions


def _leading(units, mass, cosines, near: Bool[np.ndarray, "c m"], num_directions: int):
    """Mass and mean direction of the heaviest caps, each without the members of those before."""
    left = mass.copy()
    shares, directions = [], []
    for _ in range(num_directions):
        best = int(np.argmax(near @ left))
        members = near[best] & (left > 0)
        shares.append(left[members].sum())
        sides = np.sign(cosines[best, members])
        mean = (left[members] * sides) @ units[members] if members.any() else units[0]
        directions.append(mean / np.linalg.norm(mean))
        left[near[best]] = 0.0
    return np.array(shares), np.array(directions)
