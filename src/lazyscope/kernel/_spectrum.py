"""Which eigenvalues of a computed kernel are more than rounding?

Entries computed in a precision eps are off by some eps times their size, whatever type holds them
now. Such errors move eigenvalues by at most n eps lambda_max (a symmetric matrix with entries of size
lambda_max eps has no larger norm), so that nothing is known of a direction below that: there its
inverse is the inverse of an error. The bound is also what remains when errors of entries add up in
step; independent ones stay below it by the square root of n. Of few points it is that of 16, because
the entries of a small kernel are as long sums as those of a large one.
"""

import functools
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lazyscope._checks import InputError, check_array
from lazyscope._jax import known_array, unit_rounding

_FEWEST = 16
NOT_ROUNDING = 16
"""Multiple of the bound on rounding beyond which something else is wrong."""
_AT_ONCE, _ZOOMS, _ROUNDINGS = 32, 5, 4
_QUADRATURE = 1e-13
"""Accuracy of entries that come from quadrature in double precision."""


@final
class Spectrum(eqx.Module):
    """A kernel by its eigenvectors, and what gradient flow under it does to a residual.

    The loss is |r|^2 / (2n), so that r' = -(1/n) K r. Eigenvalues that are rounding count as zero: what
    lies along their vectors neither moves nor moves anything else. NumPy in, NumPy out; JAX likewise.

    Attributes:
        computed: eigenvalues (modes,) as they were found, ascending.
        vectors: one column per mode (modes, modes), over (point, output) pairs, outputs fastest.
        num_points: n, training points.
        precision: in which the entries of the kernel were computed.

    Example:
        >>> spectrum = Spectrum.of(np.diag([1.0, 4.0]), 2)
        >>> spectrum.impulse(np.inf).tolist(), spectrum.done(np.log(2.0)).round(4).tolist()
        ([1.0, 0.25], [0.2929, 0.75])
    """

    computed: Float[Any, " modes"]
    vectors: Float[Any, "modes modes"]
    num_points: int = eqx.field(static=True)
    precision: str = eqx.field(static=True, default="float64")

    @classmethod
    def of(
        cls, matrix: Float[Any, "modes modes"], num_points: int, precision: Any = None
    ) -> "Spectrum":
        """Diagonalise a symmetric matrix; its precision is that of its type unless said."""
        values, vectors = _numpy_of(matrix).linalg.eigh(matrix)
        precision = matrix.dtype if precision is None else precision
        return cls(values, vectors, num_points, np.dtype(jnp.dtype(precision)).name)

    @property
    def values(self) -> Float[Any, " modes"]:
        """Eigenvalues, ascending; those that are rounding are zero."""
        return _numpy_of(self.computed).where(
            resolved(self.computed, self.precision), self.computed, 0.0
        )

    def coefficients(self, residual: Float[Any, "n ..."]) -> Float[Any, "modes rest"]:
        """Components of an array along the modes; with n modes, of every output for itself."""
        return self.vectors.T @ residual.reshape(self.computed.shape[0], -1)

    def assemble(self, coefficients: Float[Any, "modes rest"]) -> Float[Any, "n C"]:
        """The (n, C) array with these components."""
        return (self.vectors @ coefficients).reshape(self.num_points, -1)

    def done(self, time: Any) -> Float[Any, "*times modes"]:
        """1 - exp(-lambda t / n): how much of every mode is gone at one or many times, infinity included."""
        return -_numpy_of(self.computed).expm1(-self._elapsed(time))

    def left(self, time: Any) -> Float[Any, "*times modes"]:
        """exp(-lambda t / n), to full relative accuracy however late; one for modes that never move."""
        return _numpy_of(self.computed).exp(-self._elapsed(time))

    def _elapsed(self, time: Any) -> Float[Any, "*times modes"]:
        """Lambda t / n at one or many times; zero for modes that never move, at infinity as well."""
        values, xp = self.values, _numpy_of(self.computed)
        share = xp.asarray(time, values.dtype)[..., None] / self.num_points
        return xp.where(values > 0, xp.where(values > 0, values, 1.0) * share, 0.0)

    def impulse(self, time: Any) -> Float[Any, "*times modes"]:
        """(1 - exp(-lambda t / n)) / lambda: what a residual of one has pushed with until then."""
        values = self.values
        return self.done(time) / _numpy_of(values).where(values > 0, values, 1.0)

    def share_left(self, energies: Float[Any, " modes"], time: Any) -> Float[Any, "*times"]:
        """Loss at one or many times over the loss at the start, of squared components `energies`."""
        return (self.left(time) ** 2 * energies).sum(-1) / energies.sum()

    def time_to(self, energies: Float[Any, " modes"], fraction: Any) -> Float[Any, ""]:
        """When the loss is down to a fraction of its start; infinite if it never is."""
        rates = 2.0 * self.values / self.num_points
        return time_to_level(rates, energies / energies.sum(), fraction)


def time_to_level(
    rates: Float[Any, " modes"], energies: Float[Any, " modes"], level: Any
) -> Float[Any, ""]:
    """When sum_k energy_k exp(-rate_k t) has fallen to `level`; infinite if it never does.

    Args:
        rates: at least zero, the largest one last.
        energies: at least zero.
        level: above zero and below the sum of the energies.

    Cost: 160 sums over the modes. Trust: to 1e-11.

    Example:
        >>> round(float(time_to_level(np.array([0.0, 2.0]), np.array([1.0, 1.0]), 1.5)), 12)
        0.34657359028
    """
    xp = _numpy_of(rates)
    total, moving = xp.sum(energies), rates > 0
    slowest = xp.min(xp.where(moving, rates, xp.inf))
    never = xp.sum(xp.where(moving, 0.0, energies)) >= level
    # The sum of exponentials lies between that of the fastest and that of the slowest mode.
    beyond = level - xp.where(never, 0.0, xp.sum(xp.where(moving, 0.0, energies)))
    ends = (
        xp.log(xp.log(total / level) / rates[-1]),
        xp.log(xp.log(total / beyond) / slowest) + _ROUNDINGS * xp.finfo(rates.dtype).eps,
    )
    spread = xp.linspace(0.0, 1.0, _AT_ONCE, dtype=rates.dtype)

    def gaps(ends: tuple[Any, Any]) -> tuple[Any, Any]:
        times = ends[0] + (ends[1] - ends[0]) * spread
        left = (energies * xp.exp(-rates * xp.exp(times)[:, None])).sum(-1)
        return times, xp.log(left / level)

    def zoom(_: int, ends: tuple[Any, Any]) -> tuple[Any, Any]:
        times, gap = gaps(ends)
        after = xp.clip(xp.sum(gap > 0), 1, _AT_ONCE - 1)
        return times[after - 1], times[after]

    if xp is jnp:
        low, high = jax.lax.fori_loop(0, _ZOOMS, zoom, ends)
    else:
        low, high = functools.reduce(lambda ends, k: zoom(k, ends), range(_ZOOMS), ends)
    left = [(energies * xp.exp(-rates * xp.exp(end))).sum() for end in (low, high)]
    before, after = (xp.log(each / level) for each in left)
    share = xp.where(before > after, before / xp.where(before > after, before - after, 1.0), 0.0)
    return xp.where(never, xp.inf, xp.exp(low + xp.clip(share, 0.0, 1.0) * (high - low)))


def _numpy_of(array: Any) -> Any:
    """The library whose functions take this array: NumPy's own, else JAX's."""
    return np if isinstance(array, np.ndarray) else jnp


def resolved_directions(k: Float[Array, "n n"], *, precision: Any = None) -> int:
    """How many directions a tangent kernel resolves: eigenvalues above n eps lambda_max.

    eps is that of the precision the kernel was *computed* in. Predictions move along these directions
    only; along the others the kernel is zero to rounding.

    Args:
        k: kernel (n, n), symmetric and positive semidefinite, for instance `tangent_kernel` of one
            output or a limit kernel.
        precision: what the entries were computed in, such as ``np.float32``; ``None`` means the type of
            `k`, which a conversion since (a list, ``astype``) makes finer than the numbers are.

    Raises:
        InputError: a kernel that is not finite, square, symmetric and positive semidefinite.

    Cost: the eigenvalues of an n x n matrix.

    Example:
        >>> k = np.diag([1.0, 1e-8])
        >>> resolved_directions(k), resolved_directions(k, precision=np.float32)
        (2, 1)
    """
    dtype = kernel_precision(k, precision)
    matrix = symmetric_kernel("k", k)
    values = np.linalg.eigvalsh(matrix)
    check_positive(values, dtype)
    return int(np.sum(resolved(values, dtype)))


def kernel_precision(k: Any, precision: Any = None) -> np.dtype:
    """The precision in which the entries of `k` were computed: as given, else its type."""
    if precision is None:
        dtype = np.dtype(getattr(check_array("k", k, finite=False), "dtype", np.float64))
        return dtype if _is_floating(dtype) else np.dtype(np.float64)
    try:
        dtype = np.dtype(jnp.dtype(precision))
    except TypeError:
        dtype = np.dtype(object)
    if not _is_floating(dtype):
        raise InputError(
            "precision must be a floating-point type",
            received=repr(precision),
            cause="a number of digits, or the type of whole numbers",
            fix="give the type in which the kernel was computed, such as np.float32",
        )
    return dtype


def _is_floating(dtype: np.dtype) -> bool:
    return bool(jnp.issubdtype(dtype, jnp.floating)) or dtype.kind == "f"


def resolved(values: Any, precision: Any = np.float64) -> Bool[Array, "*batch n"]:
    """Which of the ascending eigenvalues (.., n), of NumPy or JAX, are above n eps lambda_max."""
    return values > zero_share(values.shape[-1], precision) * abs(values[..., -1:])


def zero_share(modes: int, precision: Any = np.float64) -> float:
    """Share of lambda_max up to which an eigenvalue of so many modes is rounding: max(n, 16) eps.

    Example:
        >>> zero_share(3) == 2.0**-48, zero_share(2048, np.float32) == 2.0**-12
        (True, True)
    """
    return max(modes, _FEWEST) * unit_rounding(precision)


def smallest_eigenvalue(k: Float[np.ndarray, "*batch n n"]) -> Float[np.ndarray, "*batch"]:
    """lambda_min of kernels in the precision they were computed in; exactly zero where not resolved.

    Raises:
        InputError: kernels that are not finite, square and symmetric.
    """
    dtype = kernel_precision(k)
    k = known_array("k", k)
    if k.ndim < 2 or k.shape[-1] != k.shape[-2] or not k.shape[-1]:
        raise _not_square("k", k.shape)
    matrices = k.astype(np.float64)
    _check_symmetric("k", matrices, dtype)
    values = np.linalg.eigvalsh(matrices)
    return np.where(resolved(values, dtype)[..., 0], values[..., 0], 0.0)


def check_positive(values: Float[np.ndarray, " n"], precision: np.dtype) -> None:
    """Refuse a spectrum with negative eigenvalues that rounding does not explain."""
    scale = float(np.max(np.abs(values)))
    eps = max(unit_rounding(precision), _QUADRATURE)
    if values[0] < -NOT_ROUNDING * max(len(values), _FEWEST) * eps * scale:
        raise InputError(
            "a tangent kernel must be positive semidefinite",
            received=f"an eigenvalue of {values[0]:.3g} beside a largest one of {values[-1]:.3g}, "
            f"below what rounding in {precision} explains",
            cause="a kernel computed in a coarser precision and converted since, a difference of "
            "kernels, a sign, or a matrix that is no kernel",
            fix="give precision=np.float32 if it was computed in single precision, else compute "
            "k_train_train again as the kernel of one set of points",
        )


def symmetric_kernel(name: str, k: Any) -> Float[np.ndarray, "n n"]:
    """A square, finite, symmetric kernel in double precision, or a refusal."""
    k = known_array(name, k)
    if k.ndim != 2 or k.shape[0] != k.shape[1] or not k.size:
        raise _not_square(name, k.shape)
    matrix = k.astype(np.float64)
    _check_symmetric(name, matrix, kernel_precision(k))
    return (matrix + matrix.T) / 2


def _not_square(name: str, shape: tuple[int, ...]) -> InputError:
    return InputError(
        f"{name} must be a square matrix",
        received=f"shape {shape}",
        cause="the kernel between test and training points, or one with axes for outputs",
        fix="give the (n, n) kernel of the training points",
    )


def _check_symmetric(name: str, k: Float[np.ndarray, "*batch n n"], precision: np.dtype) -> None:
    allowed = max(1e-5, 16 * unit_rounding(precision))
    scale = np.max(np.abs(k), initial=0.0)
    asymmetry = np.max(np.abs(k - np.swapaxes(k, -1, -2)), initial=0.0)
    if asymmetry > allowed * scale:
        raise InputError(
            f"{name} must be symmetric",
            received=f"a difference of {asymmetry / scale:.2g} of the largest entry from its transpose",
            cause="rows and columns from different points, or in different order",
            fix="compute the kernel with x2=None",
        )
