"""How does an optimiser of Optax train, step by step as it is or in steps as small as one asks?"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lazyscope._checks import InputError, check_fraction, check_optimisers, check_positive, shown
from lazyscope._types import Params, Scalar
from lazyscope.flow._method import AbstractMethod, FlowState, Stop
from lazyscope.flow._named_rule import (
    WEIGHT_DECAY,
    Numbers,
    RuleByArray,
    check_if_known,
    check_optimiser_numbers,
)
from lazyscope.flow._problem import Problem
from lazyscope.model import group_norms


@final
class OptimiserSteps(AbstractMethod):
    """Full-batch training by an optimiser of Optax: theta_g <- theta_g + h s_g d_g.

    d is the optimiser's update of the gradient of R at rate one: ``sgd`` -G, ``momentum`` minus the sum
    of past gradients with weights 0.9^k, ``sign`` -sign(G), ``adam``, ``adamw``, ``lion``, and ``muon``,
    whose update of a matrix is minus the nearest orthogonal one of its averaged gradient (five
    Newton-Schulz steps, Nesterov) without a factor for the matrix's shape, and of every array that is
    no matrix Adam's. A common rate is h, the problem's ``speeds`` s_g are rates of the groups
    relative to it, so that ``speeds`` 1 and ``step_size`` 1e-3 are the optimiser as it is used.

    Args:
        optimiser: a name; one name for each group of parameters; or any
            ``optax.GradientTransformation``, whose updates are multiplied by h (1 unless
            `step_size` or `share` is given) and s_g.
        step_size: h, a number or a schedule ``step_size(count)`` as in Optax.
        share: instead, steps so small that the outputs move by at most this share of the gap, and
            every group of parameters by at most this share of its norm, to first order. The gap is
            ``|f - y|``; of another loss the smaller of 2 R / |R'| and |R'|^3 / (R' R'' R'), which
            are both that for the squared loss. Groups that start at zero are held by outputs alone.
        betas: decay rates of the averages: one for momentum (0.9) and Muon (0.95), two for Adam
            (0.9, 0.999) and Lion (0.9, 0.99).
        epsilon: of Adam and Muon, 1e-8; it has to be small against what a gradient is at this width.
            One number, or one for each group.
        weight_decay: lambda of ``d_g - lambda theta_g``, decoupled from the gradient's averages, for
            every named optimiser; 1e-4 for ``adamw`` and 0 for the others unless given. Per unit of
            time a group shrinks by s_g lambda; the loss on record is R without it. One number, or one
            for each group.

    Raises:
        InputError: both or neither of `step_size` and `share` are given, a number is out of its
            range, or one that this optimiser does not read.

    Outcomes: diverged when the loss is not finite or 1e8 times its start; stalled when an update is
    exactly zero, or a small step cannot move the outputs; out of steps. The time of a run is the sum
    of its step sizes h; it is that of gradient flow for ``sgd`` alone. Losses may rise in between.

    Cost per step: one forward and one backward pass and the optimiser's own; with `share` one
    derivative along the update more.

    Trust: steps of a given size are Optax's. A `share` of 0.02 follows the optimiser's limit of
    small steps to about that; averages over steps then lag by 1 / (1 - beta) steps.

    Example:
        >>> import numpy as np
        >>> from lazyscope.flow import function_problem, solve_flow
        >>> problem = function_problem(lambda p, x: x * p, np.zeros(1), np.ones((1, 1)), np.ones(1))
        >>> run = solve_flow(problem, OptimiserSteps("sign", step_size=0.25), stop=0.3)
        >>> run.params[0][0].tolist(), float(run.time)
        ([0.5], 0.5)
    """

    optimiser: Any
    step_size: float | Scalar | Callable[[Any], Any] | None = None
    share: float | Scalar | None = None
    betas: tuple[float | Scalar, ...] | None = None
    epsilon: float | Scalar | Float[Array, " groups"] | None = None
    weight_decay: float | Scalar | Float[Array, " groups"] | None = None

    def __check_init__(self) -> None:
        names = () if _is_transformation(self.optimiser) else check_optimisers(self.optimiser)
        chosen = (self.step_size is not None) + (self.share is not None)
        if chosen == 2 or (names and not chosen):
            raise InputError(
                "an optimiser takes either a step size or a share of the gap",
                received=f"step_size={shown(self.step_size)}, share={shown(self.share)}",
                cause="both or neither were set",
                fix="give share=0.02 for the limit of small steps, or the rate as step_size",
            )
        if not callable(self.step_size):
            check_if_known("step_size", self.step_size, check_positive)
        check_if_known("share", self.share, check_fraction)
        check_optimiser_numbers(self._numbers, names)

    @property
    def points_per_record(self) -> int:
        """The loss after the step."""
        return 1

    def start(self, problem: Problem) -> "_OptimiserMemory":
        """The optimiser's averages before its first step, and what the start is compared with."""
        with jax.numpy_dtype_promotion("standard"):
            averages = self._rule(problem).init(problem.params)
        held = group_norms(problem.params) > 0
        return _OptimiserMemory(averages, held, problem.loss_of(problem.start_outputs()))

    def step(self, problem: Problem, stop: Stop, state: FlowState) -> FlowState:
        """Take one step of the optimiser."""
        params, memory = problem.at(state.displacement), state.memory
        slope = self._slope(problem, state.displacement)
        with jax.numpy_dtype_promotion("standard"):  # Optax counts with whole numbers
            update, averages = self._rule(problem).update(slope, memory.averages, params)
        nothing = jax.tree.map(jnp.zeros_like, params)
        update, downhill = problem.move(nothing, update), problem.move(nothing, slope)
        gone = (_largest(update) == 0) & (_largest(downhill) == 0)
        if self.share is None:
            length = self._given_length(state)
            time = state.time + length
        else:
            left = stop.time - state.time
            small = self._small_length(problem, state.displacement, update, memory.held)
            length = jnp.minimum(small, left)
            time = jnp.where(length < left, state.time + length, stop.time)
            gone = gone | ((length == 0) & (_largest(update) > 0))
        displacement = jax.tree.map(lambda d, u: d + length * u, state.displacement, update)
        loss = problem.loss_after(displacement)
        first = memory.initial_loss
        ended = state.stepped(stop, displacement, loss, time, gone=gone, first=first)
        return replace(ended, memory=replace(memory, averages=averages))

    def _slope(self, problem: Problem, displacement: Params) -> Params:
        """The gradient of R."""

        def uphill(outputs: Array) -> Array:
            return problem.criterion.gradient(outputs, problem.y)

        return problem.gradient_after(displacement, uphill).as_params()

    def _given_length(self, state: FlowState) -> Scalar:
        """The h that was given."""
        given = 1.0 if self.step_size is None else self.step_size
        with jax.numpy_dtype_promotion("standard"):
            now = given(state.num_steps) if callable(given) else given
            return jnp.asarray(now, state.loss.dtype)

    def _small_length(
        self, problem: Problem, displacement: Params, update: Params, held: Bool[Array, " groups"]
    ) -> Scalar:
        """The h that is small by `share`; zero where nothing that counts moves."""
        params = problem.at(displacement)
        outputs, pace = jax.jvp(lambda p: problem.model.apply(p, problem.x), (params,), (update,))
        outputs = problem.trained(outputs, displacement)
        by_gap = _over(_gap(problem, outputs), jnp.linalg.norm(pace))
        by_size = _over(group_norms(params), group_norms(update))
        by_size = jnp.min(jnp.where(held, by_size, jnp.inf))
        length = jnp.asarray(self.share, outputs.dtype) * jnp.minimum(by_gap, by_size)
        return jnp.where(jnp.isfinite(length), length, 0.0)

    def decays(self, num_groups: int) -> np.ndarray:
        """The weight decay of every group of parameters: the given one, else that of a named optimiser."""
        if self.weight_decay is not None:
            return np.broadcast_to(np.asarray(self.weight_decay, float), (num_groups,))
        names = () if _is_transformation(self.optimiser) else check_optimisers(self.optimiser)
        own = [WEIGHT_DECAY.get(name, 0.0) for name in names] or [0.0]
        return np.broadcast_to(np.array(own), (num_groups,))

    @property
    def _numbers(self) -> Numbers:
        return Numbers(self.betas, self.epsilon, self.weight_decay)

    def _rule(self, problem: Problem) -> Any:
        """The transformation of gradients."""
        if _is_transformation(self.optimiser):
            return self.optimiser
        return RuleByArray.of(check_optimisers(self.optimiser), problem.params, self._numbers)


@final
class _OptimiserMemory(eqx.Module):
    averages: Any
    held: Bool[Array, " groups"]
    initial_loss: Scalar


def _gap(problem: Problem, outputs: Float[Array, "n C"]) -> Scalar:
    """How far outputs have to move; infinite where no slope tells."""
    criterion, y = problem.criterion, problem.y
    loss, slope = criterion.value(outputs, y), criterion.gradient(outputs, y)
    size = jnp.linalg.norm(slope)
    along = slope / jnp.where(size > 0, size, 1.0)
    bend = jnp.sum(along * criterion.curvature(outputs, y, along))
    return jnp.minimum(jnp.where(loss > 0, _over(2.0 * loss, size), jnp.inf), _over(size, bend))


def _over(top: Float[Array, "*n"], bottom: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """A quotient, infinite where the bottom is not above zero."""
    return jnp.where(bottom > 0, top / jnp.where(bottom > 0, bottom, 1.0), jnp.inf)


def _largest(tree: Params) -> Scalar:
    return jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(tree)]))


def _is_transformation(optimiser: Any) -> bool:
    return all(callable(getattr(optimiser, name, None)) for name in ("init", "update"))
