"""How does gradient flow take steps as long as the tangent kernel stays put?"""

from collections.abc import Callable
from typing import Literal, final, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lazyscope._checks import check_choice, check_count, check_scale
from lazyscope._loss import check_squared
from lazyscope._outcome import Outcome
from lazyscope._types import Params, Scalar
from lazyscope.flow._history import History
from lazyscope.flow._method import AbstractMethod, FlowState, Stop
from lazyscope.flow._problem import Problem
from lazyscope.flow.exponential._between import POINTS_PER_STEP, Between, Knot, either
from lazyscope.flow.exponential._krylov import KrylovSpectrum, Product
from lazyscope.flow.exponential._phi import phi_functions
from lazyscope.kernel import AbstractExpansion, Spectrum, as_matrix
from lazyscope.model import group_norms

RESIDUAL_WEIGHT = 0.2
"""Weight of the residual's prediction error beside that of the displacement."""

STOP_TOLERANCE = 1e-3
"""A run ends at a loss in [1 - this, 1] times the asked one."""

_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 20.0
_LONGEST_DECAY = 1e13
_SHORTEST_SHARE, _SHORTEST_STEP = 1e-15, 1e-200
_MOST_RISE, _RISEN_ERROR = 1.1, 4.0
_MEANINGFUL = 1e-6
_FINER, _FINE_ENOUGH = 1.0 / 3.0, 5e-3

FrozenKernel = Literal["mean", "full", "products"]


@final
class ExponentialFlow(AbstractMethod):
    """Gradient flow by exponential steps of order two, exact for models linear in their parameters.

    With r the residual, K the kernel frozen at the step's start, z = -h K / n and J the Jacobian, one
    step of length h is::

        c       = -(h/n) phi_1(z) r                      theta_a = theta + S J^T c
        r_pred  = exp(z) r,   r_a = f(theta_a) - y
        theta_1 = theta_a + (h/n) S [J^T phi_2(z) r_pred - J_a^T phi_2(z) r_a]

    theta_a solves the linearised flow exactly; the correction is the exponential form of Heun's. It
    needs no second decomposition, vanishes for a linear model, and has order two for *any* matrix in
    place of K: the kernel inside z decides how long steps can be, never where they lead. Several
    outputs therefore use the kernel averaged over outputs, of size n instead of n C. Where that is too large
    to decompose, ``frozen="products"`` takes functions of all n C x n C of it from products, in two Krylov
    spaces a step, r's and that of r_a - r_pred, and bounds what they leave out as a part of the error.

    Error control: the correction's norm relative to the displacement so far, worst group, and the
    prediction error |r_1 - r_pred| / |r| with weight 0.2, must stay below `tolerance`. The residual is
    the true one after every step. A long step may turn off all rectified units at a point that the flow
    would have learned. A run that stalls with no output left at a point begins anew at a third of its
    tolerance, until that is below 0.005: what stalls then is taken for the flow's own end.

    Args:
        tolerance: error per step, relative to the displacement of each group of parameters. The
            correction is added, so that displacements come out better than this: at the default
            within 1.5 per cent, the time to a loss within three. Above 0.1 times become coarse.
        frozen: ``"mean"`` freezes the kernel averaged over outputs, ``"full"`` all n C x n C of it,
            ``"products"`` the same without forming it.
        products: with the kernel for each of the two Krylov spaces; more of them allow longer steps.
        fixed_step: take steps of this length without error control (for studies of convergence).

    Given as JAX arrays, `tolerance` and `fixed_step` may be traced: runs then share one program.

    Outcomes: out of steps; stalled (zero kernel, a residual in the kernel's null space, steps too
    short to represent, or outputs that do not tell parameters from changed ones). Gradient flow itself
    cannot diverge; numbers that overflow are rejected.

    Cost per step: one eigendecomposition of n x n, 3 forward passes, 2 backward passes (the first for
    every output), 3 outer products per layer. Memory: initial parameters, current and candidate
    displacement, parameters there, and the activations. By products: 2 `products` forward and backward
    derivatives in place of the decomposition, and 8 n C products bytes.

    Reference: Hochbruck & Ostermann 2010 (Acta Numerica 19) for exponential integrators; the step in
    output space and its correction are derived here.
    """

    tolerance: float | Scalar = 0.05
    frozen: FrozenKernel = "mean"
    fixed_step: float | Scalar | None = None
    products: int = eqx.field(static=True, default=40)

    def __check_init__(self) -> None:
        check_choice("frozen", self.frozen, get_args(FrozenKernel))
        check_count("products", self.products, minimum=2)
        for name, value in (("tolerance", self.tolerance), ("fixed_step", self.fixed_step)):
            open_end = name == "fixed_step" and value is None
            if not open_end:
                check_scale(name, value)

    @property
    def points_per_record(self) -> int:
        """Points inside a step fall from one true loss to the next, with the true slopes at both."""
        return POINTS_PER_STEP

    def start(self, problem: Problem) -> "_Memory":
        """The next step's length; zero lets the first step choose one."""
        check_squared("the exponential flow", problem.criterion)
        num_points, num_outputs = problem.y.shape
        dtype = problem.x.dtype
        length = jnp.asarray(0.0 if self.fixed_step is None else self.fixed_step, dtype)
        num_modes = num_points * (num_outputs if self.frozen == "full" else 1)
        if self.frozen == "products":
            num_modes = min(self.products, num_points * num_outputs)
        zero, before = jnp.zeros((), dtype), jnp.full((), jnp.inf, dtype)
        lowest = Knot(zero, before, zero)
        last = Between.one_mode(lowest, zero, zero, num_modes)
        tolerance = jnp.asarray(self.tolerance, dtype)
        attempt = _Attempt(tolerance, zero, jnp.zeros(num_points, bool))
        return _Memory(length, lowest, last, jnp.asarray(True), attempt)

    def step(self, problem: Problem, stop: Stop, state: FlowState) -> FlowState:
        """Try one exponential step and decide on it."""
        here = _Here.of(problem, state.displacement, self.frozen, self.products)
        slope = _loss_slope(problem, here)
        state = _shown_up_to_here(_seen_here(state, here), slope)
        spectrum = here.spectrum
        fastest = spectrum.values[-1] / problem.x.shape[0]
        length = jnp.where(state.memory.length > 0, state.memory.length, 1.0 / fastest)
        length = jnp.minimum(length, stop.time - state.time)
        trial = _try_step(problem, here, length)
        knot = Knot(state.time, state.loss, slope)
        between = Between.of(spectrum, trial.shares * state.loss, knot, length, trial.loss)
        verdict = self._judge(stop, state, trial)
        next_length = self._next_length(stop, between, verdict)
        after = _proceed(stop, state, trial, verdict, between, next_length, fastest)
        return after if self.fixed_step is not None else self._anew_if_dead(problem, here, after)

    def _anew_if_dead(self, problem: Problem, here: "_Here", state: FlowState) -> FlowState:
        """From the start in finer steps, where a run stalls at a point that lost all its units."""
        attempt: _Attempt = state.memory.attempt
        dead = jnp.any(attempt.seen & _is_silent(here) & jnp.any(here.residual != 0, axis=1))
        stalled = state.outcome == Outcome.STALLED.value
        again = stalled & dead & (attempt.tolerance > _FINE_ENOUGH)
        finer = _Attempt(attempt.tolerance * _FINER, attempt.first_loss, attempt.seen)
        size, points = state.history.time.shape
        first = FlowState(
            displacement=jax.tree.map(jnp.zeros_like, state.displacement),
            loss=attempt.first_loss,
            time=jnp.zeros_like(state.time),
            num_steps=jnp.zeros_like(state.num_steps),
            num_tried=state.num_tried,
            outcome=jnp.full_like(state.outcome, Outcome.RUNNING.value),
            history=History.empty(size, points, state.history.time.dtype),
            memory=eqx.tree_at(lambda m: m.attempt, self.start(problem), finer),
        )
        return either(again, first, state)

    def _judge(self, stop: Stop, state: FlowState, trial: "_Trial") -> "_Verdict":
        finite = jnp.isfinite(trial.loss)
        error = jnp.maximum(trial.displacement_error, RESIDUAL_WEIGHT * trial.residual_error)
        error = jnp.where(finite, error / state.memory.attempt.tolerance, jnp.inf)
        rises = trial.loss > _MOST_RISE * state.loss
        error = jnp.where(rises, jnp.maximum(error, _RISEN_ERROR), error)
        exact_enough = finite if self.fixed_step is not None else error <= 1.0
        overshot = exact_enough & (trial.loss < stop.loss * (1.0 - STOP_TOLERANCE))
        return _Verdict(error, exact_enough & ~overshot, overshot)

    def _next_length(self, stop: Stop, between: Between, verdict: "_Verdict") -> Scalar:
        """After an overshoot, where the target is met; else as long as the error allows."""
        factor = jnp.clip(_SAFETY * verdict.error**-0.5, _SHRINK, _GROW)
        factor = jnp.where(verdict.accepted, factor, jnp.minimum(factor, _SAFETY))
        length = between.length
        free = (
            length * factor
            if self.fixed_step is None
            else jnp.asarray(self.fixed_step, length.dtype)
        )
        # A length cut short by the end of the run says nothing about the error: the run ends there.
        return jax.lax.cond(
            verdict.overshot,
            lambda: between.time_to(stop.loss * (1.0 - 0.5 * STOP_TOLERANCE)),
            lambda: free,
        )


@final
class _Attempt(eqx.Module):
    """What a run knows of itself if it has to begin anew.

    Attributes:
        tolerance: of its steps.
        first_loss: the loss at the start.
        seen: the points at which some output has not been zero.
    """

    tolerance: Scalar
    first_loss: Scalar
    seen: Bool[Array, " n"]


@final
class _Memory(eqx.Module):
    """What the flow carries from step to step.

    Attributes:
        length: of the next step.
        lowest: the last point of the curve, below all that came before.
        last: the way from there to the end of the last accepted step, if that is lower.
        is_shown: whether the curve holds it already.
        attempt: at which tolerance, and from where.
    """

    length: Scalar
    lowest: Knot
    last: Between
    is_shown: Bool[Array, ""]
    attempt: _Attempt


@final
class _Here(eqx.Module):
    """Where a step starts: the network to first order, the frozen kernel, what is left, and D."""

    expansion: AbstractExpansion
    spectrum: Spectrum | KrylovSpectrum
    residual: Float[Array, "n C"]
    displacement: Params

    @classmethod
    def of(
        cls, problem: Problem, displacement: Params, frozen: FrozenKernel, products: int
    ) -> "_Here":
        """Everything at one displacement."""
        expansion = problem.kernel.expand(problem.at(displacement), problem.x)
        residual = problem.trained(expansion.outputs, displacement) - problem.y
        if frozen == "products":
            product = _product(problem, expansion, displacement)
            spectrum = KrylovSpectrum.of(product, residual, min(products, residual.size))
        else:
            spectrum = frozen_spectrum(expansion, problem.speeds, frozen)
        return cls(expansion, spectrum, residual, displacement)


def _product(problem: Problem, expansion: AbstractExpansion, displacement: Params) -> Product:
    """K times an array over points and outputs: a backward derivative and a forward one."""
    _, push = jax.linearize(
        lambda params: problem.model.apply(params, problem.x), problem.at(displacement)
    )
    still = jax.tree.map(jnp.zeros_like, displacement)
    return lambda v: push(problem.move(still, expansion.pull_back(v)))


def frozen_spectrum(
    expansion: AbstractExpansion, speeds: Float[Array, " groups"], frozen: FrozenKernel
) -> Spectrum:
    """The spectrum of the full kernel, n C modes, or of the kernel averaged over outputs, n modes.

    Those n modes are shared by the C outputs: exact in the limit of infinite width, where outputs
    decouple.
    """
    num_points, num_outputs = expansion.outputs.shape
    if frozen == "full" and num_outputs > 1:
        return Spectrum.of(as_matrix(expansion.kernel(speeds)), num_points)
    return Spectrum.of(expansion.mean_kernel(speeds), num_points)


@final
class _Trial(eqx.Module):
    """One step, tried: where it leads, what was predicted, and how wrong it may be.

    The prediction is a share of the loss at the start, as are those of the modes.
    """

    displacement: Params
    loss: Scalar
    predicted: Scalar
    shares: Float[Array, " modes"]
    displacement_error: Scalar
    residual_error: Scalar


@final
class _Verdict(eqx.Module):
    error: Scalar
    accepted: Bool[Array, ""]
    overshot: Bool[Array, ""]


def _loss_slope(problem: Problem, here: "_Here") -> Scalar:
    """dR/dt = -(1/n^2) r^T K r; from the gradient where the spectrum is not that of all K."""
    expansion, spectrum, residual = here.expansion, here.spectrum, here.residual
    if isinstance(spectrum, Spectrum) and spectrum.vectors.shape[0] == residual.size:
        squares = jnp.sum(spectrum.values[:, None] * spectrum.coefficients(residual) ** 2)
    else:
        squares = jnp.sum(problem.speeds * expansion.gradient(residual).norms() ** 2)
    return -squares / residual.shape[0] ** 2


def _is_silent(here: "_Here") -> Bool[Array, " n"]:
    """Where all outputs are exactly zero: without biases, no unit of some layer is on there."""
    return jnp.all(here.expansion.outputs == 0, axis=1)


def _seen_here(state: FlowState, here: "_Here") -> FlowState:
    """The state knowing the loss it started from, and the points that have had an output."""
    attempt: _Attempt = state.memory.attempt
    first_loss = jnp.where(state.num_tried == 0, state.loss, attempt.first_loss)
    attempt = _Attempt(attempt.tolerance, first_loss, attempt.seen | ~_is_silent(here))
    return eqx.tree_at(lambda s: s.memory.attempt, state, attempt)


def _shown_up_to_here(state: FlowState, slope: Scalar) -> FlowState:
    """The state with the last step on its curve: its slope at the end is that at the start of the next."""
    memory: _Memory = state.memory
    recorded = state.history.record(state.num_steps, *memory.last.curve(slope))
    history = either(memory.is_shown, state.history, recorded)
    here = Knot(state.time, state.loss, slope)
    lowest = either(state.loss < memory.lowest.loss, here, memory.lowest)
    shown = jnp.ones_like(memory.is_shown)
    memory = _Memory(memory.length, lowest, memory.last, shown, memory.attempt)
    return eqx.tree_at(lambda s: (s.history, s.memory), state, (history, memory))


def _try_step(problem: Problem, here: _Here, length: Scalar) -> _Trial:
    spectrum, share = here.spectrum, length / problem.x.shape[0]
    functions = phi_functions(-share * spectrum.values)
    if isinstance(spectrum, KrylovSpectrum):
        return _by_products(problem, here, spectrum, share, functions)
    decay, phi_1, phi_2 = (f[:, None] for f in functions)
    q = spectrum.coefficients(here.residual)
    predicted = decay * q

    def descent(outputs: Array) -> Array:
        return spectrum.assemble(-share * phi_2 * spectrum.coefficients(outputs - problem.y))

    first, second = (spectrum.assemble(share * f) for f in (phi_1 * q, phi_2 * predicted))
    end, error = _moved(problem, here, first, second, descent)
    residual, squares = problem.residual_after(end), jnp.sum(q**2)
    surprise = spectrum.coefficients(residual) - predicted
    return _Trial(
        displacement=end,
        loss=problem.loss(residual),
        predicted=jnp.sum(predicted**2) / squares,
        shares=jnp.sum(q**2, axis=1) / squares,
        displacement_error=error,
        residual_error=jnp.sqrt(jnp.sum(surprise**2) / squares),
    )


def _by_products(
    problem: Problem,
    here: _Here,
    spectrum: KrylovSpectrum,
    share: Scalar,
    functions: tuple[Array, Array, Array],
) -> _Trial:
    """The same step, with functions of the kernel from Krylov spaces."""
    decay, phi_1, phi_2 = functions
    predicted = spectrum.applied(decay)
    second = share * spectrum.applied(phi_2 * decay)
    product = _product(problem, here.expansion, here.displacement)

    def descent(outputs: Array) -> Array:
        apart = KrylovSpectrum.of(product, outputs - problem.y - predicted, len(decay))
        return -second - share * apart.applied(phi_functions(-share * apart.values)[2])

    end, error = _moved(problem, here, share * spectrum.applied(phi_1), second, descent)
    residual, squares = problem.residual_after(end), spectrum.norm**2
    surprise = jnp.sqrt(jnp.sum((residual - predicted) ** 2) / squares)
    left_out = spectrum.decay_error(share, phi_1)
    return _Trial(
        displacement=end,
        loss=problem.loss(residual),
        predicted=jnp.sum(predicted**2) / squares,
        shares=spectrum.shares,
        displacement_error=jnp.maximum(error, left_out),
        residual_error=surprise,
    )


def _moved(
    problem: Problem,
    here: _Here,
    first: Float[Array, "n C"],
    second: Float[Array, "n C"],
    descent: Callable[[Array], Array],
) -> tuple[Params, Scalar]:
    """The displacement after a step, and the size of its correction, relative to it.

    Args:
        problem: what is trained.
        here: where the step starts.
        first: (h/n) phi_1(z) r.
        second: (h/n) phi_2(z) r_pred.
        descent: from outputs at theta_a to -(h/n) phi_2(z) r_a.
    """
    expansion, start = here.expansion, here.displacement
    linear = problem.move(start, expansion.pull_back(-first))
    corrected = problem.gradient_after(linear, descent)
    correction = expansion.gradient(second).plus(corrected)
    if correction.is_small:
        formed = correction.as_params()
        norms, end = group_norms(formed), problem.move(linear, formed)
    else:
        # From the start in one sum of outer products, so that neither half needs memory of its own.
        whole = expansion.gradient(second - first).plus(corrected)
        norms, end = correction.norms(), problem.move(start, whole.as_params())
    return end, _relative_correction(problem.speeds, norms, end)


def _relative_correction(
    speeds: Float[Array, " groups"], corrections: Float[Array, " groups"], end: Params
) -> Scalar:
    """Largest over groups of |s_g correction_g| / |D_g|; zero where nothing moved.

    Both before their speed, so that no square leaves the range of numbers where a group is slow.
    """
    pushed = tuple(
        jax.tree.map(lambda d, s=speed: d / jnp.where(s > 0, s, 1.0), group)
        for speed, group in zip(speeds, end, strict=True)
    )
    moves = (speeds > 0) & (corrections > 0)
    return jnp.max(jnp.where(moves, corrections / group_norms(pushed), 0.0))


def _proceed(
    stop: Stop,
    state: FlowState,
    trial: _Trial,
    verdict: _Verdict,
    between: Between,
    next_length: Scalar,
    fastest: Scalar,
) -> FlowState:
    ok = verdict.accepted
    time = jnp.where(ok, state.time + between.length, state.time)
    loss = jnp.where(ok, trial.loss, state.loss)
    num_steps = state.num_steps + ok.astype(state.num_steps.dtype)
    reached = ok & ((loss <= stop.loss) | (time >= stop.time))
    too_long = between.length * fastest > _LONGEST_DECAY
    futile = ok & too_long & (trial.loss > state.loss * (1.0 - _MEANINGFUL))
    # what was predicted to decay did not, to the bit, because the network cannot tell theta + D from theta
    unmoved = trial.loss == state.loss
    still = ok & unmoved & (trial.predicted * (1.0 + _MEANINGFUL) < 1.0)
    # Neither the clock nor the kernel sees such a step; after a long plateau the clock alone may not.
    shortest = _SHORTEST_SHARE * jnp.minimum(time, 1.0 / fastest)
    too_short = ~ok & (next_length <= jnp.maximum(shortest, _SHORTEST_STEP))
    stalled = ~(fastest > 0) | futile | still | too_short
    outcome = jnp.where(
        reached,
        Outcome.CONVERGED.value,
        jnp.where(stalled, Outcome.STALLED.value, Outcome.RUNNING.value),
    )
    # Gradient flow falls: a step that ends higher is shown as part of the way to the next lower end.
    memory: _Memory = state.memory
    lowest, num_modes = memory.lowest, between.decays.shape[0]
    way = Between.one_mode(lowest, state.time + between.length - lowest.time, trial.loss, num_modes)
    way = either(lowest.time == state.time, between, way)
    falls = ok & (trial.loss < lowest.loss)
    # There is no next step to know the slope at the end from.
    ends = falls & (outcome != Outcome.RUNNING.value)
    ended = state.history.record(num_steps, *way.curve(None), is_last=True)
    last = either(falls, way, memory.last)
    return FlowState(
        displacement=either(ok, trial.displacement, state.displacement),
        loss=loss,
        time=time,
        num_steps=num_steps,
        num_tried=state.num_tried + 1,
        outcome=outcome.astype(state.outcome.dtype),
        history=either(ends, ended, state.history),
        memory=_Memory(next_length, lowest, last, ~falls | ends, memory.attempt),
    )
