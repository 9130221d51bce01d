"""What share of a residual is left along an eigenvector of the kernel, under which way of training?

Training moves parameters by J^T c, c' or c_{k+1} linear in the residual, so that every mode of the kernel
moves for itself. With mu = lambda / n (lambda + ridge with a ridge) its residual is r(0) s(mu, t), and
these classes say s.
"""

import abc
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, as_number, check_finite, shown
from lazyscope._checks import check_positive as check_above_zero


class AbstractDynamics(abc.ABC):
    """A way of training whose modes are known in closed form."""

    @abc.abstractmethod
    def left(self, rates: Float[np.ndarray, " modes"], time: float) -> Float[np.ndarray, " modes"]:
        """Share of the residual left at a time, infinity included; one where the rate is zero."""

    @abc.abstractmethod
    def check_time(self, time: Any) -> float:
        """The time (or number of steps) as a float, infinity for ``None``, or a refusal."""

    def impulse(
        self, rates: Float[np.ndarray, " modes"], time: float
    ) -> Float[np.ndarray, " modes"]:
        """(1 - left) / rate: what a residual of one has pushed with until then; zero at rate zero."""
        moving = rates > 0
        return np.where(moving, self._done(rates, time), 0.0) / np.where(moving, rates, 1.0)

    def _done(self, rates: np.ndarray, time: float) -> np.ndarray:
        return 1.0 - self.left(rates, time)


@final
@dataclass(frozen=True)
class GradientFlow(AbstractDynamics):
    """Gradient flow theta' = -grad R: s = exp(-mu t).

    Example:
        >>> GradientFlow().left(np.array([1.0]), np.log(2.0)).round(12).tolist()
        [0.5]
    """

    def left(self, rates: Float[np.ndarray, " modes"], time: float) -> Float[np.ndarray, " modes"]:
        return np.exp(-_elapsed(rates, time))

    def check_time(self, time: Any) -> float:
        return _time("a time of at least 0, or None for the limit", time)

    def _done(self, rates: np.ndarray, time: float) -> np.ndarray:
        return -np.expm1(-_elapsed(rates, time))


@final
@dataclass(frozen=True)
class HeavyBallFlow(AbstractDynamics):
    """Flow with momentum, theta'' + friction theta' = -grad R from rest.

    A mode is a damped oscillator, s'' + friction s' + mu s = 0, s(0) = 1, s'(0) = 0. With
    omega^2 = friction^2 / 4 - mu,

        s(t) = exp(-friction t / 2) (cosh(omega t) + friction / 2 sinh(omega t) / omega),

    cosine and sine where omega^2 is negative. Heavy ball steps of size eta and momentum beta follow it at
    t = k sqrt(eta), friction = (1 - beta) / sqrt(eta), to first order in sqrt(eta). Time has the unit
    of the root of gradient flow's.

    Attributes:
        friction: above zero. Modes below friction^2 / 4 creep, modes above oscillate.

    Reference: Polyak 1964; Su, Boyd & Candes 2016 for the flow.

    Example:
        >>> HeavyBallFlow(2.0).left(np.array([1.0]), 1.0).round(12).tolist()  # critical: (1 + t) exp(-t)
        [0.735758882343]
    """

    friction: float

    def __post_init__(self) -> None:
        check_above_zero("friction", self.friction)

    def left(self, rates: Float[np.ndarray, " modes"], time: float) -> Float[np.ndarray, " modes"]:
        rates = np.asarray(rates, np.float64)
        if time == np.inf:
            return np.where(rates > 0, 0.0, 1.0)
        half = self.friction / 2
        square = half**2 - rates
        omega = np.sqrt(np.abs(square))
        # creeping: exp(slow t) ((1 + q) / 2 + half t (1 - q) / (2 omega t)), q = exp(-2 omega t)
        slow = -rates / (half + omega)
        twice = 2 * omega * time
        creeping = np.exp(slow * time) * (
            (1 + np.exp(-twice)) / 2 + half * time * _ratio(-np.expm1(-twice), twice)
        )
        angle = omega * time
        swinging = np.exp(-half * time) * (
            np.cos(angle) + half * time * _ratio(np.sin(angle), angle)
        )
        return np.where(square >= 0, creeping, swinging)

    def check_time(self, time: Any) -> float:
        return _time("a time of at least 0, or None for the limit", time)


@final
@dataclass(frozen=True)
class HeavyBallSteps(AbstractDynamics):
    """Steps with momentum, theta_{k+1} = theta_k - rate grad R + momentum (theta_k - theta_{k-1}) from rest.

    A mode obeys s_{k+1} = (1 + beta - rate mu) s_k - beta s_{k-1}, s_{-1} = s_0 = 1. With the Chebyshev
    polynomials of the second kind U at x = (1 + beta - rate mu) / (2 sqrt(beta)),

        s_k = beta^{k/2} (U_k(x) - sqrt(beta) U_{k-1}(x)),

    and (1 - rate mu)^k without momentum, which is gradient descent. The step is stable for
    rate lambda / n < 2 (1 + momentum). Time is the number of steps.

    Attributes:
        rate: step size, above zero.
        momentum: beta, at least 0 and below 1.

    Reference: Polyak 1964; the recurrence solved.

    Example:
        >>> HeavyBallSteps(0.5, 0.0).left(np.array([1.0]), 3).tolist()
        [0.125]
        >>> HeavyBallSteps(1.0, 0.25).left(np.array([0.25]), 2).tolist()  # double root at 1/2
        [0.5]
    """

    rate: float
    momentum: float = 0.9

    def __post_init__(self) -> None:
        check_above_zero("rate", self.rate)
        beta = check_finite("momentum", self.momentum)
        if not 0 <= beta < 1:
            raise InputError(
                "momentum must be at least 0 and below 1",
                received=shown(self.momentum),
                cause="a percentage, or one minus the momentum",
                fix="give a number such as 0.9, or 0.0 for plain gradient descent",
            )

    def left(self, rates: Float[np.ndarray, " modes"], time: float) -> Float[np.ndarray, " modes"]:
        moves = self.rate * np.asarray(rates, np.float64)
        if time == np.inf:
            self._check_stable(moves)
            return np.where(moves > 0, 0.0, 1.0)
        k, beta, root = time, self.momentum, np.sqrt(self.momentum)
        if not beta:
            with np.errstate(over="ignore"):
                return self._finite(moves, (1.0 - moves) ** k)
        sign = np.where(1 + beta - moves < 0, -1.0, 1.0)
        # 2 sqrt(beta) (|x| - 1) without cancellation
        above = np.where(sign > 0, (1 - root) ** 2 - moves, moves - (1 + root) ** 2)
        excess = above / (2 * root)
        real = excess >= 0
        a = 2 * np.arcsinh(np.sqrt(np.where(real, excess, 0.0) / 2))
        angle = 2 * np.arcsin(np.sqrt(np.clip(np.where(real, 0.0, -excess) / 2, 0.0, 1.0)))
        # roots of one sign: z_k = large^k ((1 - q^{k+1}) -+ small (1 - q^k)) / (1 - q), q = exp(-2 a)
        small = root * np.exp(-a)
        ahead = real & (sign > 0)
        slow = np.where(ahead, moves, 0.0) / np.where(ahead, 1 - small, 1.0)
        logarithm = np.where(ahead, np.log1p(-slow), np.log(root) + a)
        more, less = _geometric(a, k + 1), _geometric(a, k)
        with np.errstate(over="ignore", invalid="ignore"):
            creeping = np.exp(k * logarithm) * (more - sign * small * less)
        waves = np.sin((k + 1) * angle) - sign * root * np.sin(k * angle)
        swinging = root**k * _ratio(waves, np.sin(angle))
        return self._finite(
            moves, np.where(moves == 0, 1.0, sign**k * np.where(real, creeping, swinging))
        )

    def check_time(self, time: Any) -> float:
        rule = "a whole number of steps of at least 0, or None for the limit"
        steps = _time(rule, time)
        if steps != np.inf and not steps.is_integer():
            raise _wrong_time(rule, time)
        return steps

    def _finite(self, moves: np.ndarray, left: np.ndarray) -> np.ndarray:
        """What is left, or a refusal where it has outgrown all numbers."""
        if not np.isfinite(left).all():
            self._check_stable(moves)
        return left

    def _check_stable(self, moves: np.ndarray) -> None:
        limit = 2 * (1 + self.momentum)
        largest = float(np.max(moves, initial=0.0))
        if largest >= limit:
            raise InputError(
                "long training ends for steps below 2 (1 + momentum) n / lambda_max only",
                received=f"rate {self.rate:g}, {largest / limit:.3g} of that",
                cause="a rate meant for a smaller kernel or for a loss that is a sum over points",
                fix=f"give a rate below {self.rate * limit / largest:.3g}, or fewer steps",
            )


def _elapsed(rates: np.ndarray, time: float) -> np.ndarray:
    moving = rates > 0
    return np.where(moving, np.where(moving, rates, 1.0) * time, 0.0)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """The quotient, one where both vanish."""
    return np.where(bottom == 0, 1.0, top / np.where(bottom == 0, 1.0, bottom))


def _geometric(a: np.ndarray, k: float) -> np.ndarray:
    """1 + q + .. + q^{k-1} with q = exp(-2 a)."""
    flat = a == 0
    return np.where(flat, k, np.expm1(-2 * k * a) / np.where(flat, 1.0, np.expm1(-2 * a)))


def _time(rule: str, time: Any) -> float:
    number = as_number(np.inf if time is None else time)
    if number is None or np.isnan(number) or number < 0:
        raise _wrong_time(rule, time)
    return number


def _wrong_time(rule: str, time: Any) -> InputError:
    return InputError(
        f"t must be {rule}",
        received=shown(time),
        cause="a difference of times the wrong way round, or a time in place of a number of steps",
        fix="count from the start of training",
    )
