"""What do infinitely many trained networks of infinite width predict, and how do they differ?"""

from typing import Any, final

import numpy as np
from jaxtyping import ArrayLike, Float

from lazyscope._checks import InputError, check_instance, check_not_negative
from lazyscope._jax import coarser, unit_rounding
from lazyscope.kernel._predict import as_cross, as_outputs
from lazyscope.kernel._spectrum import (
    Spectrum,
    check_positive,
    kernel_precision,
    symmetric_kernel,
)
from lazyscope.kernel.gaussian._dynamics import AbstractDynamics, GradientFlow
from lazyscope.kernel.gaussian._test_points import as_diagonal, as_test_kernel, known_variances

_PREDICTED = GradientFlow()


@final
class TrainedEnsemble:
    """Networks of infinite width, each drawn anew and trained on the same data.

    Outputs at the start are Gaussian with the covariance kernel K; training moves them by the tangent
    kernel T as in `predict_flow`, on R = 1/(2n) |f - y|^2 + ridge/(2n) |theta - theta_0|^2. With
    mu = (T + ridge) / n, s(mu, t) the share of a residual that is left (exp(-mu t) for gradient flow)
    and A = T_test (T + ridge)^{-1} (1 - s(mu, t)),

        f_t = f_0 + A (y - f_0(X)),   mean  A y,
        covariance  K_test_test - A K_test^T - K_test A^T + A K A^T.

    Unlike a Gaussian process, it is in general no posterior of anything. Directions in which T is zero to
    rounding do not move, as in `predict_flow`.

    Args:
        tangent: T (n, n) of the training points, such as `limit_tangent_kernel`.
        covariance: K (n, n) of the same points, such as `limit_covariance_kernel`; both of one network.
        y: targets, (n,) or (n, C).
        dynamics: how the networks are trained: `GradientFlow`, `HeavyBallFlow` or `HeavyBallSteps`.
        ridge: decay towards the start, at least 0, in the units of T.
        precision: in which T was computed, such as ``np.float32``; ``None`` means its type.

    Attributes:
        spectrum: T by its eigenvectors.
        y: the targets in double precision.
        dynamics: as given.
        ridge: as given.

    Raises:
        InputError: shapes that do not fit, kernels that are not symmetric or not positive, numbers that
            are not finite, a ridge below zero, a negative time, steps without a limit.

    Cost: one symmetric eigendecomposition, about 10 n^3 operations; each call about 4 n^2 n_test more.

    Trust: exact to rounding times the condition that is left at the time asked for.

    Reference: Lee et al. 2019, equations 13 to 16, for gradient flow; He, Lakshminarayanan & Teh 2020
    for the ridge towards the start.

    Example:
        >>> ensemble = TrainedEnsemble(np.array([[2.0]]), np.array([[1.0]]), np.array([1.0]))
        >>> ensemble.mean(np.log(2.0)).round(12).tolist()
        [0.75]
        >>> ensemble.variance(np.log(2.0)).round(12).tolist()  # (1/4)^2 of the start
        [0.0625]
    """

    def __init__(
        self,
        tangent: Float[ArrayLike, "n n"],
        covariance: Float[ArrayLike, "n n"],
        y: Float[ArrayLike, "n *outputs"],
        *,
        dynamics: AbstractDynamics = _PREDICTED,
        ridge: float = 0.0,
        precision: Any = None,
    ) -> None:
        kernel = symmetric_kernel("tangent", tangent)
        start = symmetric_kernel("covariance", covariance)
        if len(start) != len(kernel):
            raise InputError(
                "tangent and covariance must be kernels of the same points",
                received=f"shapes {kernel.shape} and {start.shape}",
                cause="kernels of different sets",
                fix="compute both from the training points",
            )
        self.y = as_outputs("y", y, len(kernel), None)
        self.dynamics = check_instance("dynamics", dynamics, AbstractDynamics)
        self.ridge = check_not_negative("ridge", ridge)
        dtype = kernel_precision(tangent, precision)
        self.spectrum = Spectrum.of(kernel, len(kernel), dtype)
        check_positive(self.spectrum.computed, dtype)
        self._rounding = len(kernel) * unit_rounding(
            coarser(dtype, kernel_precision(covariance, precision))
        )
        self._start = self.spectrum.vectors.T @ start @ self.spectrum.vectors

    def mean(
        self, t: float | None = None, *, tangent_test: Float[ArrayLike, "n_test n"] | None = None
    ) -> Float[np.ndarray, "n_test *outputs"]:
        """Mean outputs (n_test, ..) at time t, ``None`` for the limit.

        Args:
            t: time, or number of steps, of the dynamics.
            tangent_test: T between test and training points; ``None`` for the training points.
        """
        return self.member(t, tangent_test=tangent_test)

    def member(
        self,
        t: float | None = None,
        *,
        tangent_test: Float[ArrayLike, "n_test n"] | None = None,
        f0_train: Float[ArrayLike, "n *outputs"] | float = 0.0,
        f0_test: Float[ArrayLike, "n_test *outputs"] | float = 0.0,
    ) -> Float[np.ndarray, "n_test *outputs"]:
        """Outputs of the one network that starts at these outputs, as in `predict_flow`.

        Args:
            t: time, or number of steps, of the dynamics; ``None`` for the limit.
            tangent_test: T between test and training points; ``None`` for the training points.
            f0_train: outputs at the start on the training points, or one number.
            f0_test: the same on the test points.
        """
        trained = as_outputs("f0_train", f0_train, len(self.y), self.y.shape)
        pushes = self._pushes(t)
        residual = self.spectrum.coefficients(self.y - trained)
        if tangent_test is None:
            moved = self.spectrum.vectors @ ((self.spectrum.values * pushes)[:, None] * residual)
            return trained + moved.reshape(self.y.shape)
        cross = as_cross("tangent_test", tangent_test, len(self.y))
        shape = (len(cross), *self.y.shape[1:])
        base = as_outputs("f0_test", f0_test, len(cross), shape)
        return base + (cross @ (self.spectrum.vectors @ (pushes[:, None] * residual))).reshape(
            shape
        )

    def variance(
        self,
        t: float | None = None,
        *,
        tangent_test: Float[ArrayLike, "n_test n"] | None = None,
        covariance_test: Float[ArrayLike, "n_test n"] | None = None,
        covariance_diagonal: Float[ArrayLike, " n_test"] | None = None,
    ) -> Float[np.ndarray, " n_test"]:
        """Variance (n_test,) of outputs over the ensemble, the same for all outputs.

        Args:
            t: time, or number of steps, of the dynamics; ``None`` for the limit.
            tangent_test: T between test and training points; ``None`` for the training points.
            covariance_test: K between test and training points.
            covariance_diagonal: K of every test point with itself.
        """
        if tangent_test is None:
            half = self.spectrum.vectors * self._left(t)
            return np.maximum(np.sum((half @ self._start) * half, axis=1), 0.0)
        moves, across = self._moves(t, tangent_test, covariance_test)
        prior = as_diagonal("covariance_diagonal", covariance_diagonal, len(moves))
        added = np.sum((moves @ self._start) * moves, axis=1)
        found = prior - 2 * np.sum(moves * across, axis=1) + added
        return known_variances(found, prior + added, self._rounding)

    def covariance(
        self,
        t: float | None = None,
        *,
        tangent_test: Float[ArrayLike, "n_test n"] | None = None,
        covariance_test: Float[ArrayLike, "n_test n"] | None = None,
        covariance_test_test: Float[ArrayLike, "n_test n_test"] | None = None,
    ) -> Float[np.ndarray, "n_test n_test"]:
        """Covariance (n_test, n_test) of outputs over the ensemble, the same for all outputs.

        Args:
            t: time, or number of steps, of the dynamics; ``None`` for the limit.
            tangent_test: T between test and training points; ``None`` for the training points.
            covariance_test: K between test and training points.
            covariance_test_test: K of the test points.
        """
        if tangent_test is None:
            half = self.spectrum.vectors * self._left(t)
            found = half @ self._start @ half.T
            return (found + found.T) / 2
        moves, across = self._moves(t, tangent_test, covariance_test)
        prior = as_test_kernel("covariance_test_test", covariance_test_test, len(moves))
        shared = moves @ across.T
        added = moves @ self._start @ moves.T
        found = prior - shared - shared.T + added
        found = (found + found.T) / 2
        scale = np.diag(prior) + np.diag(added)
        found[np.diag_indices(len(found))] = known_variances(np.diag(found), scale, self._rounding)
        return found

    def _rates(self) -> np.ndarray:
        """(lambda + ridge) / n along what T resolves, else 0."""
        values = self.spectrum.values
        return np.where(values > 0, values + self.ridge, 0.0) / len(self.y)

    def _pushes(self, t: Any) -> np.ndarray:
        """(1 - s) / (lambda + ridge) of every mode."""
        return self.dynamics.impulse(self._rates(), self.dynamics.check_time(t)) / len(self.y)

    def _left(self, t: Any) -> np.ndarray:
        """Share of a residual that is left on the training points, in every mode."""
        if self.ridge:
            return 1.0 - self.spectrum.values * self._pushes(t)
        return self.dynamics.left(self._rates(), self.dynamics.check_time(t))

    def _moves(
        self, t: Any, tangent_test: Any, covariance_test: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """A and K_test in the basis of the modes."""
        cross = as_cross("tangent_test", tangent_test, len(self.y))
        across = as_cross("covariance_test", covariance_test, len(self.y))
        if len(across) != len(cross):
            raise InputError(
                "tangent_test and covariance_test must be kernels of the same test points",
                received=f"{len(cross)} and {len(across)} rows",
                cause="another set of points",
                fix="compute both from the test points",
            )
        vectors = self.spectrum.vectors
        return cross @ vectors * self._pushes(t), across @ vectors
