"""What do the steps of somebody's own training do to every parameter of one module?"""

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from lazyscope._checks import InputError
from lazyscope.torch.state._process_state import process_state_held
from lazyscope.torch.steps._look import Looked, change_between, raw_outputs, rms, sizes_of
from lazyscope.torch.steps._optimisers import Answers, answers_of, check_optimisers

Move = Callable[[int], None]
"""Brings the module of a `Looked` from step t - 1 to step t, t counted from 1."""


class TrainedModule(NamedTuple):
    """What is measured of one training; axes are steps (T) and parameters (K) or softmaxes (S).

    Attributes:
        size: rms of the entries at the start (K,).
        share: part of the readouts in the tangent kernel at the start (K,), NaN for others.
        displacement: |w(t) - w(0)| / |w(0)| (T, K).
        own: what its change makes of what it writes (T, K).
        reach: by how much the step of each parameter lowers the loss, to first order (T, K).
        output: rms of the outputs at the start.
        output_change: rms of their change (T,).
        scores: rms of what goes into softmaxes at the start (S,).
        score_change: rms of its change (T, S).
        loss: before every step and at the end (T + 1,), of all points.
    """

    size: np.ndarray
    share: np.ndarray
    displacement: np.ndarray
    own: np.ndarray
    reach: np.ndarray
    output: float
    output_change: np.ndarray
    scores: np.ndarray
    score_change: np.ndarray
    loss: np.ndarray


def measure_training(
    looked: Looked,
    move: Move,
    axes: Sequence[int | None],
    readouts: Sequence[int],
    steps: int,
) -> TrainedModule:
    """Look, take a step, look again.

    Args:
        looked: the module, which is moved.
        move: takes a step.
        axes: as `change_between` takes them.
        readouts: numbers of the parameters that write the output.
        steps: T.
    """
    start = before = looked.state()
    shares, sizes = looked.shares(readouts), sizes_of(start.values, axes)
    changes, reach, losses = [], [], [looked.loss()]
    for step in range(1, steps + 1):
        gradients = looked.gradients()
        move(step)
        _check_shapes(looked)
        now = looked.state()
        steps_made = (b - a for a, b in zip(before.values, now.values, strict=True))
        reach.append([-float((g * d).sum()) for g, d in zip(gradients, steps_made, strict=True)])
        changes.append(change_between(start, now, axes, sizes))
        losses.append(looked.loss())
        before = now
    return TrainedModule(
        size=np.array([rms(value) for value in start.values]),
        share=shares,
        displacement=np.array([each.displacement for each in changes]),
        own=np.array([each.own for each in changes]),
        reach=np.array(reach),
        output=rms(start.outputs),
        output_change=np.array([each.output for each in changes]),
        scores=np.array([rms(each) for each in start.scores]),
        score_change=np.array([each.scores for each in changes]),
        loss=np.array(losses),
    )


def steps_of(
    looked: Looked,
    optimisers: Sequence[torch.optim.Optimizer],
    batches: np.ndarray | None,
    seed: int,
) -> Move:
    """Steps of optimisers of the module's parameters."""
    held = check_optimisers(optimisers, looked.module)

    def move(step: int) -> None:
        with process_state_held(), torch.enable_grad():
            seed_all(seed + step)
            chosen = slice(None) if batches is None else torch.as_tensor(batches[step - 1])
            try:
                for each in held:
                    each.zero_grad()
                out = raw_outputs(looked.module(looked.x[chosen].clone()))
                looked.loss_of(out, looked.y[chosen]).backward()
                for each in held:
                    each.step()
            except InputError:
                raise
            except Exception as error:
                raise InputError(
                    "a step on a batch must be possible",
                    received=f"{type(error).__name__}: {str(error)[:200]}",
                    cause="batches that a layer does not take (one example for a batch norm that trains), or "
                    "an optimiser that does not take these gradients",
                    fix="take the step on its own with a copy of the module",
                ) from error

    return move


def own_steps(looked: Looked, train: Callable[..., Any], seed: int) -> Move:
    """Steps of somebody's own function ``train(module, x, y, steps)``, from the start each time."""
    start = [p.detach().clone() for p in looked.parameters]
    buffers = {name: b.clone() for name, b in looked.module.named_buffers()}
    modes = [(each, each.training) for each in looked.module.modules()]

    def move(step: int) -> None:
        with process_state_held(), torch.enable_grad():
            looked.put(start)
            with torch.no_grad():
                for name, b in looked.module.named_buffers():
                    b.copy_(buffers.get(name, b))
            seed_all(seed)
            try:
                train(looked.module, looked.x.clone(), looked.y.clone(), step)
            except Exception as error:
                raise InputError(
                    "train(module, x, y, steps) must train the module by so many steps",
                    received=f"{type(error).__name__}: {str(error)[:200]}",
                    cause="an error in train; module and data are in double precision",
                    fix="call it on its own with a copy of the module",
                ) from error
            finally:
                for each, training in modes:  # measured in the mode that build left it in
                    each.training = training

    return move


def answers_in(looked: Looked, optimisers: Sequence[torch.optim.Optimizer]) -> tuple[Answers, ...]:
    """How optimisers of the module answer made-up gradients, seen on copies."""
    return answers_of(looked.module, check_optimisers(optimisers, looked.module))


def seed_all(seed: int) -> None:
    """Dropout and shuffles as in any other run with this seed."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002


def _check_shapes(looked: Looked) -> None:
    named = [(name, p) for name, p in looked.module.named_parameters() if p.requires_grad]
    shapes = tuple(tuple(p.shape) for _, p in named)
    same = len(named) == len(looked.parameters) and all(
        p is q for (_, p), q in zip(named, looked.parameters, strict=True)
    )
    if shapes != looked.shapes or not same:
        raise InputError(
            "a step must change values of parameters, not the parameters themselves",
            received=f"{len(named)} parameters for {len(looked.shapes)}, or other shapes or objects",
            cause="layers that are added, pruned or replaced while training, or p.data put anew",
            fix="let train change parameters in place",
        )
