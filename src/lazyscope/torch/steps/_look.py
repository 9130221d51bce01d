"""What is read of a module before and after each step of a training, whoever trains it?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, final

import numpy as np
import torch

from lazyscope._checks import InputError
from lazyscope._trace import ArrayRoles
from lazyscope.torch._question import Question, call, pose
from lazyscope.torch._values import check_parameter_values
from lazyscope.torch.kernel._kernel import MEMORY, look
from lazyscope.torch.kernel._probe import Sketch, record
from lazyscope.torch.roles import roles_in
from lazyscope.torch.state._restore import state_restored
from lazyscope.torch.steps._double import double_copy, double_inputs
from lazyscope.torch.steps._first_steps import written
from lazyscope.torch.steps._inner import Inner, inner_of
from lazyscope.torch.steps._norms import operator_norm
from lazyscope.torch.steps._parameter_groups import Grouping, in_order_of_use
from lazyscope.torch.uses._uses import Use

Loss = Callable[[torch.Tensor, Any], torch.Tensor]
_PREFIX = "inner."
_PROBES = 8


@final
class Flat(torch.nn.Module):
    """A module with outputs in rows (n, T V), whatever axes they have, and out of a record of outputs."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The rows."""
        out = raw_outputs(self.inner(x))
        return out.flatten(1) if out.dim() > 1 else out


def raw_outputs(out: Any) -> Any:
    """The tensor of outputs in what a module returns: the logits of a record, the first of a tuple.

    Raises:
        InputError: no tensor is found there.
    """
    found = out.get("logits", out) if isinstance(out, Mapping) else getattr(out, "logits", out)
    found = found[0] if isinstance(found, tuple | list) and found else found
    if not isinstance(found, torch.Tensor):
        names = f" with {', '.join(map(str, out))}" if isinstance(out, Mapping) else ""
        raise InputError(
            "a module must return its outputs as a tensor, as logits of a record, or first in a tuple",
            received=f"{type(out).__name__}{names}",
            cause="outputs under another name, or the loss in their place",
            fix="wrap the module into one that returns the outputs alone",
        )
    return found


class State(NamedTuple):
    """What was read at one moment.

    Attributes:
        values: of all parameters.
        uses: for every parameter the products and lookups with it, holding the data of that moment.
        outputs: of the module, in rows.
        scores: what went into softmaxes.
    """

    values: tuple[torch.Tensor, ...]
    uses: tuple[tuple[Use, ...], ...]
    outputs: torch.Tensor
    scores: tuple[torch.Tensor, ...]


class Change(NamedTuple):
    """What a step, or several, have done; entries per parameter but for the last two.

    Attributes:
        displacement: |w(t) - w(0)| / |w(0)|; NaN where it starts at zero.
        own: |(w(t) - w(0)) x(t)| / |w(0) x(0)|; where it starts at zero, the rms of its numerator.
        output: rms of the change of the outputs.
        scores: rms of the change of what goes into each softmax.
    """

    displacement: np.ndarray
    own: np.ndarray
    output: float
    scores: np.ndarray


@final
class Looked:
    """A copy of a module in double precision, which may be moved, and what is read of it.

    Attributes:
        module: the copy, in the mode that it was built in.
        names: of its trainable parameters.
        shapes: of them.
        notes: what a reader has to know of modes.
    """

    def __init__(self, module: torch.nn.Module, x: Any, loss: Loss, y: Any) -> None:
        _check_loss_outputs(module)
        self.module = double_copy(module, "a coordinate check")
        self._loss, self.y = loss, y
        self._flat = Flat(self.module)
        resting = Flat(double_copy(module, "a coordinate check").eval())
        inputs = double_inputs(x)
        check_parameter_values(pose(self.module, inputs, None))  # by the names that its user knows
        prepared = look(resting, inputs, None, MEMORY)
        self._still: Question = prepared.question
        self._sketch: Sketch = prepared.sketch
        self._question: Question = pose(self._flat, inputs, None)
        self.x = self._question.x1
        self.names = tuple(name.removeprefix(_PREFIX) for name in self._question.names)
        self.shapes = tuple(tuple(p.shape) for p in self._question.parameters)
        self.notes = _modes(self.module)

    @property
    def parameters(self) -> tuple[torch.nn.Parameter, ...]:
        """The trainable ones."""
        return self._question.parameters

    def groups(self, grouping: Grouping) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Names of the groups in order of use, and the group of every parameter."""
        return in_order_of_use(self._still._replace(names=self.names), self._sketch, grouping)

    def roles(self, growing: Mapping[int, Sequence[int]]) -> ArrayRoles:
        """What the parameters do, given the axes that grow."""
        named = self._still._replace(names=self.names)
        return roles_in(named, self._sketch, growing)

    def output_shape(self) -> tuple[int, ...]:
        """Of what the module returns for all points."""
        with state_restored(self._flat), torch.no_grad():
            _quiet(self._flat)
            return tuple(raw_outputs(self.module(self.x.clone())).shape)

    def state(self) -> State:
        """What can be read now."""
        question = self._question
        with state_restored(question.module):
            _quiet(self._flat)
            recorder, out = record(question, question.x1, self._sketch.fixed)
            inner = self.inner()
        uses: list[list[Use]] = [[] for _ in question.parameters]
        for use in (placed.use for placed in recorder.placed):
            if not use.direct:
                uses[use.view.parameter].append(use)
        values = tuple(p.detach().clone() for p in question.parameters)
        return State(values, tuple(map(tuple, uses)), out.detach(), inner.scores)

    def inner(self) -> Inner:
        """Products of data with data."""
        with state_restored(self._flat):
            _quiet(self._flat)
            return inner_of(self._flat, self._question.parameters, self._question.x1)

    def gradients(self) -> list[torch.Tensor]:
        """Of the loss of all points by every parameter, zero where it does not depend on one."""
        with state_restored(self._flat):
            _quiet(self._flat)
            loss = self._loss(raw_outputs(self.module(self.x.clone())), self.y)
            check_differentiable(loss)
            return _zeros_for_none(
                torch.autograd.grad(loss, self.parameters, allow_unused=True), self.parameters
            )

    def loss_of(self, outputs: torch.Tensor, y: Any) -> torch.Tensor:
        """The loss of given outputs."""
        return self._loss(outputs, y)

    def loss(self) -> float:
        """Of all points."""
        with state_restored(self._flat), torch.no_grad():
            _quiet(self._flat)
            return float(self._loss(raw_outputs(self.module(self.x.clone())), self.y))

    def shares(self, leaves: Sequence[int]) -> np.ndarray:
        """Part of these parameters in the tangent kernel, averaged over its diagonal, from random signals."""
        found = np.full(len(self.names), np.nan)
        chosen = [self.parameters[k] for k in leaves]
        draw = torch.Generator().manual_seed(0)
        total = np.zeros(len(leaves))
        with state_restored(self._flat):
            _quiet(self._flat)
            out = call(self._flat, self.x)
            for _ in range(_PROBES if chosen else 0):
                signs = torch.randint(0, 2, out.shape, generator=draw).to(out) * 2 - 1
                made = torch.autograd.grad(out, chosen, signs, retain_graph=True, allow_unused=True)
                total += [float(g.square().sum()) for g in _zeros_for_none(made, chosen)]
        found[list(leaves)] = total / (_PROBES * out.numel())
        return found

    @torch.no_grad()
    def put(self, values: Sequence[torch.Tensor]) -> None:
        """Put these values in."""
        for p, value in zip(self.parameters, values, strict=True):
            p.copy_(value)


def check_differentiable(loss: torch.Tensor) -> None:
    """Refuse a loss that no longer knows the parameters."""
    if not loss.requires_grad:
        raise InputError(
            "a loss must have a gradient by the parameters",
            received="a loss without a history",
            cause="detach(), item() or numpy() inside the loss, or an argmax",
            fix="compute it from the outputs by differentiable functions of PyTorch",
        )


def sizes_of(values: Sequence[torch.Tensor], axes: Sequence[int | None]) -> list[float]:
    """Norms; `axes` count the rows of parameters that are matrices, None for no matrix."""
    return [_size(value, axis) for value, axis in zip(values, axes, strict=True)]


def change_between(
    start: State, now: State, axes: Sequence[int | None], sizes: Sequence[float]
) -> Change:
    """What has changed; `sizes` are those of the start, with the same axes."""
    moved = [b - a for a, b in zip(start.values, now.values, strict=True)]
    changed = sizes_of(moved, axes)
    own = [_own(start.uses[k], start.values[k], now.uses[k], moved[k]) for k in range(len(moved))]
    scores = [_rms(b - a) for a, b in zip(start.scores, now.scores, strict=True)]
    return Change(
        displacement=np.array(
            [a / b if b > 0 else np.nan for a, b in zip(changed, sizes, strict=True)]
        ),
        own=np.array(own),
        output=_rms(now.outputs - start.outputs),
        scores=np.array(scores),
    )


def rms(values: torch.Tensor) -> float:
    """Root mean square of what is no NaN."""
    return _rms(values.detach())


def _own(
    first: Sequence[Use], before: torch.Tensor, uses: Sequence[Use], moved: torch.Tensor
) -> float:
    """How much its change makes of what it writes; of lookups alone where there are such."""
    lookups = [use.lookup for use in first]
    kept = [k for k in range(min(len(first), len(uses))) if lookups[k] or not any(lookups)]
    if not kept:
        return float("nan")
    made = _rms(torch.cat([written(uses[k], moved).flatten() for k in kept]))
    start = _rms(torch.cat([written(first[k], before).flatten() for k in kept]))
    return made / start if start > 0 else made


def _rms(values: torch.Tensor) -> float:
    return float(values.square().nanmean().sqrt()) if values.numel() else float("nan")


def _size(values: torch.Tensor, axis: int | None) -> float:
    if axis is None:
        return float(torch.linalg.vector_norm(values))
    return operator_norm(values.movedim(axis, 0).reshape(values.shape[axis], -1))


def _quiet(module: torch.nn.Module) -> None:
    """No dropout; norms over the batch as they were."""
    for each in module.modules():
        if not _of_batches(each):
            each.training = False


def _of_batches(module: torch.nn.Module) -> bool:
    return isinstance(module, torch.nn.modules.batchnorm._NormBase)


def _modes(module: torch.nn.Module) -> tuple[str, ...]:
    norms = [each for each in module.modules() if _of_batches(each)]
    found = []
    if norms:
        live = any(each.training for each in norms)
        mode = "in training mode (statistics of the batch)" if live else "frozen"
        found.append(f"Batch norm is {mode}, as build left it.")
    drops = [each for each in module.modules() if "Dropout" in type(each).__name__]
    if any(each.training and getattr(each, "p", 0) for each in drops):
        found.append("Dropout acts in the steps, seeded, and is off where things are measured.")
    return tuple(found)


def _zeros_for_none(
    made: Sequence[torch.Tensor | None], like: Sequence[torch.Tensor]
) -> list[torch.Tensor]:
    return [torch.zeros_like(p) if g is None else g for g, p in zip(made, like, strict=True)]


def _check_loss_outputs(module: Any) -> None:
    if not isinstance(module, torch.nn.Module):
        raise InputError(
            "a training of PyTorch needs a module",
            received=type(module).__name__,
            cause="a network of another library with an optimiser of torch.optim",
            fix="give an Optax transformation or the name of an optimiser",
        )
