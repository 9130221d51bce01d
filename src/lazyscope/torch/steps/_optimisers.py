"""What do the optimisers of a module do with gradients, whatever they are called?"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from lazyscope._checks import InputError


class Answers(NamedTuple):
    """How the optimisers answer made-up gradients of one parameter, which are not far from one.

    Attributes:
        start: the parameter.
        one: its change in a first step.
        two: for twice the gradient.
        none: for no gradient.
    """

    start: np.ndarray
    one: np.ndarray
    two: np.ndarray
    none: np.ndarray


def check_optimisers(
    made: Any, module: torch.nn.Module, asker: str = "train"
) -> list[torch.optim.Optimizer]:
    """The optimisers that a factory made, which must hold every trained parameter once.

    Raises:
        InputError: something else, tensors of another model, parameters in two optimisers or in none.
    """
    several = list(made) if isinstance(made, list | tuple) else [made]
    if not several or not all(isinstance(each, torch.optim.Optimizer) for each in several):
        raise InputError(
            f"{asker} must make an optimiser of PyTorch, or a list of them",
            received=f"{made!r:.80}",
            cause="a function that trains (which takes module, x, y, steps), one that returns nothing, or a "
            "schedule of learning rates, whose steps belong to a function that trains",
            fix="return for instance torch.optim.AdamW(module.parameters(), lr=1e-3)",
        )
    names = {id(p): name for name, p in module.named_parameters()}
    trained = [id(p) for p in module.parameters() if p.requires_grad]
    held = [id(p) for each in several for group in each.param_groups for p in group["params"]]
    strange = [each for each in held if each not in names]
    if strange or any(id(p) not in names for each in several for p in each.state):
        raise InputError(
            "an optimiser must hold the parameters of the module that it trains, and no others",
            received=f"{len(strange)} tensors that are no parameters of this module",
            cause="an optimiser made once for another model, or before the module was copied",
            fix="make it in a function of the module: lambda module: torch.optim.AdamW(module.parameters())",
        )
    check_new(several, names)
    twice = sorted({names[each] for each in held if held.count(each) > 1})
    if twice:
        raise InputError(
            "every parameter must be in one optimiser and one group",
            received=f"{', '.join(twice[:5])} in two",
            cause="groups or optimisers that overlap",
            fix="give the second one the parameters that the first does not have",
        )
    missing = [names[each] for each in trained if each not in held]
    if missing:
        raise InputError(
            "every trainable parameter must be in an optimiser",
            received=f"{', '.join(missing[:5])} in none",
            cause="groups that leave a layer out, a new layer for instance",
            fix="add it to a group, or freeze it in build with requires_grad_(False)",
        )
    return several


def check_new(several: Sequence[torch.optim.Optimizer], names: Mapping[int, str]) -> None:
    """Refuse optimisers that have been somewhere else: a memory of steps, or of other shapes.

    Args:
        several: optimisers.
        names: of the parameters of the module, by their ids.

    Raises:
        InputError: a memory.
    """
    for each in several:
        for p, state in each.state.items():
            taken = float(state.get("step", 0))
            shapes = [tuple(v.shape) for v in state.values() if getattr(v, "ndim", 0)]
            other = [shape for shape in shapes if shape != tuple(p.shape)]
            if taken or state.get("momentum_buffer") is not None or other:
                what = f"a memory of shape {other[0]}" if other else "a memory of earlier steps"
                raise InputError(
                    "an optimiser must be new for every network that is drawn",
                    received=f"{type(each).__name__} with {what} for {names.get(id(p), 'a tensor')}",
                    cause="the state of another model that was loaded, or steps that were taken before",
                    fix="leave load_state_dict out, or give a function that trains",
                )


def answers_of(
    module: torch.nn.Module, optimisers: Sequence[torch.optim.Optimizer]
) -> tuple[Answers, ...]:
    """What the optimisers do with made-up gradients; module and optimisers stay as they are."""
    ones, twos, none = (_steps(module, optimisers, size) for size in (1.0, 2.0, 0.0))
    return tuple(
        Answers(*(each.numpy(force=True) for each in (start, one, two, rest)))
        for (start, one), (_, two), (_, rest) in zip(ones, twos, none, strict=True)
    )


_Pairs = list[tuple[torch.Tensor, torch.Tensor]]


def _steps(
    module: torch.nn.Module, optimisers: Sequence[torch.optim.Optimizer], size: float
) -> _Pairs:
    """Every trained parameter of a copy and its change in one step, for gradients of a size."""
    copied, others = copy.deepcopy((module, list(optimisers)))
    trained = [p for p in copied.parameters() if p.requires_grad]
    draw = torch.Generator().manual_seed(0)
    for p in trained:
        if not bool(p.any()):  # whose decay could not be seen
            with torch.no_grad():
                p.add_(torch.randn(p.shape, generator=draw, dtype=torch.float64).to(p))
        p.grad = size * torch.randn(p.shape, generator=draw, dtype=torch.float64).to(p)
    before = [p.detach().clone() for p in trained]
    for each in others:
        each.step()
    return [(start, p.detach() - start) for p, start in zip(trained, before, strict=True)]
