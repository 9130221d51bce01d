"""How does a PyTorch module answer what is asked of a network?"""

import contextlib
import copy
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, final

import numpy as np
import torch

from lazyscope._checks import InputError
from lazyscope._trace import ArrayRoles
from lazyscope.observe import DescribedModule, group_parameters, rates_of
from lazyscope.proxy._training import Points, Training
from lazyscope.proxy.library._network import (
    AbstractNetwork,
    ArraySize,
    Numbers,
    Sharpness,
    Start,
    Trained,
    array_size,
    check_outputs_fit,
    row_axes,
    timed,
)
from lazyscope.proxy.library.module._calls import Factors, calls_of, with_factors
from lazyscope.proxy.library.module._descent import Given, descent_of, loss_of, sharpness_of
from lazyscope.proxy.library.module._own_optimiser import optimiser_of, own_optimiser
from lazyscope.torch.state import process_state_held
from lazyscope.torch.steps import operator_norm


@final
class ModuleNetwork(AbstractNetwork):
    """A copy of a module with the parameters of one draw, in its own precision.

    Attributes:
        calls: functions that a forward pass on two points calls.
        names: of the trainable parameters.
        own: what the optimiser of the build says of each of them; None without one.
    """

    def __init__(self, described: DescribedModule, points: Points, roles: ArrayRoles) -> None:
        given = described.module
        module = getattr(given, "_orig_mod", given)  # what torch.compile wraps
        _check_hooks(module)
        trained = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        frozen = [p for p in module.parameters() if not p.requires_grad]
        self.names = tuple(name for name, _ in trained)
        self.own: tuple[Given, ...] | None = None
        optimiser = optimiser_of(described)
        if optimiser is not None:
            self.own = own_optimiser(optimiser, self.names, [p for _, p in trained], frozen)
            self.rates = np.array([each.rate for each in self.own])
        else:
            groups, numbers = group_parameters(self.names, described.groups)
            self.rates = rates_of(described, groups)[list(numbers)]
        self._roles, self._rows = roles, row_axes(roles)
        self._module = _copied(module)
        self._factors: Factors = {}
        self._x = inputs_of(points.x, self._module)
        parameter = _trainable(self._module)[0]
        self._y = torch.as_tensor(points.y, dtype=parameter.dtype, device=parameter.device)
        with _alone():
            self.calls = calls_of(self._module, self._x[:2])
            outputs = self._outputs(self._module, self._x[:2])
        self.num_outputs = check_outputs_fit(int(outputs.shape[-1]), points.y)

    def as_wide(self, factors: Factors, own: tuple[Given, ...] | None) -> "ModuleNetwork":
        """The same network with factors and the optimiser of a wide one."""
        other = copy.copy(self)
        other._factors, other.own = factors, own
        return other

    def notes(self) -> tuple[str, ...]:
        """What is off or held fixed in it."""
        parts = list(self._module.modules())
        found = []
        if any(isinstance(each, torch.nn.modules.batchnorm._BatchNorm) for each in parts):
            found.append("Batch norm is trained with its running statistics held fixed.")
        if any(
            isinstance(each, torch.nn.modules.dropout._DropoutNd) and each.p > 0 for each in parts
        ):
            found.append("Dropout is off, as in the evaluation mode of the module.")
        still = [name for name, p in self._module.named_parameters() if not p.requires_grad]
        if still:
            found.append(
                f"Frozen arrays are as build draws them at the proxy's width: {', '.join(still[:4])}"
                f"{' and more' if len(still) > 4 else ''}."
            )
        return tuple(found)

    def sizes(self) -> tuple[ArraySize, ...]:
        """How large its parameters are."""
        return tuple(array_size(self.values(k)) for k in range(len(self._rows)))

    def norms(self) -> tuple[float, ...]:
        """Operator norm of every parameter as a matrix, the Euclidean norm of a vector."""
        return tuple(self._norms([p.detach() for p in _trainable(self._module)]))

    def values(self, array: int) -> np.ndarray:
        """One parameter."""
        return _trainable(self._module)[array].numpy(force=True)

    def outputs(self) -> np.ndarray:
        """Its own outputs at the start."""
        with _alone(), torch.no_grad():
            return self._outputs(self._module, self._x).numpy(force=True).astype(float)

    def start(self, numbers: Numbers) -> Start:
        """Sizes at the start, by one pass back."""
        signal = np.random.default_rng(0).choice([-1.0, 1.0], size=(1, self.num_outputs))
        with _alone():
            module = self._given(numbers)
            fixed = torch.as_tensor(signal, dtype=self._y.dtype, device=self._y.device)

            def gradient(x: torch.Tensor) -> Any:
                total = (self._outputs(module, x) * fixed).sum()
                return torch.autograd.grad(total, _trainable(module), allow_unused=True)

            gradient(self._x[:1])  # what PyTorch sets up at its first call is not timed
            found, seconds = timed(lambda: gradient(self._x))
            self._check_reached(found)
            norms = [
                0.0 if each is None else float(torch.linalg.vector_norm(_dense(each)))
                for each in found
            ]
            written = self._written(module, numbers.outputs)
        return Start(np.array(norms), float(written.square().mean().sqrt()), seconds)

    def train(self, training: Training, numbers: Numbers) -> Trained:
        """Train a copy by optimisers of PyTorch, with a group for every parameter."""
        with _alone():
            module = self._given(numbers)
            return self._descended(module, training, numbers, self._shift(module, numbers))

    def train_sharp(
        self, training: Training, numbers: Numbers, speed: Sequence[float]
    ) -> tuple[Trained, Sharpness]:
        """Train a copy, with the sharpness at both ends."""
        with _alone():
            module = self._given(numbers)
            shift = self._shift(module, numbers)

            def sharpness() -> float:
                outputs = self._outputs(module, self._x) + shift
                loss = loss_of(training.loss)(outputs, self._y)
                by_array = [float(each) for each in self.rates * np.asarray(speed)]
                return sharpness_of(outputs, loss, _trainable(module), by_array)

            first = sharpness()
            trained = self._descended(module, training, numbers, shift)
            return trained, Sharpness(first, sharpness())

    def _descended(
        self, module: torch.nn.Module, training: Training, numbers: Numbers, shift: torch.Tensor
    ) -> Trained:
        """A training of the module itself."""
        before = [p.detach().clone() for p in _trainable(module)]
        descent = descent_of(training, _trainable(module), numbers, self.own)
        by_array = self.rates * np.asarray(numbers.rate)
        measure = loss_of(training.loss)

        def loss(chosen: Any) -> torch.Tensor:
            return measure(self._outputs(module, self._x[chosen]) + shift[chosen], self._y[chosen])

        def steps() -> list[float]:
            losses = []
            for step, rate in enumerate(training.rates()):
                chosen = slice(None) if training.batches is None else training.batches[step]
                value = loss(chosen)
                value.backward()
                descent.step([float(rate * own) for own in by_array])
                losses.append(float(value.detach()))
            with torch.no_grad():
                return [*losses, float(loss(slice(None)))]

        losses, seconds = timed(steps)
        pairs = zip(_trainable(module), before, strict=True)
        moved = self._norms([p.detach() - old for p, old in pairs])
        return Trained(np.array(losses), np.array(moved), seconds)

    def identity(self) -> str:
        """What a forward pass calls, with the factors that were put in, its buffers and its optimiser."""
        stamp = hashlib.sha256()
        trained = {id(p) for p in _trainable(self._module)}
        parts = [vars(part).values() for part in self._module.modules()]
        plain = [each for held in parts for each in held if isinstance(each, torch.Tensor)]
        for each in (*self._module.parameters(), *self._module.buffers(), *plain):
            if id(each) not in trained:
                stamp.update(each.detach().cpu().contiguous().numpy().tobytes())
        told = (self.calls, dict(self._factors), self.own, str(self._module), self._y.dtype)
        return f"{told} {stamp.hexdigest()}"

    def _norms(self, arrays: Sequence[torch.Tensor]) -> list[float]:
        return [_norm(each, row) for each, row in zip(arrays, self._rows, strict=True)]

    def _outputs(self, module: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        """Outputs of a copy of the points, since a forward pass may write into its inputs."""
        if not self._factors:
            return module(x.clone())
        with with_factors(self._factors):
            return module(x.clone())

    def _given(self, numbers: Numbers) -> torch.nn.Module:
        """A copy with other numbers."""
        module = copy.deepcopy(self._module)
        with torch.no_grad():
            pairs = zip(_trainable(module), numbers.entries, strict=True)
            for k, (p, factor) in enumerate(pairs):
                if k in numbers.values:
                    p.copy_(torch.as_tensor(numbers.values[k].copy()))
                else:
                    p.mul_(factor)
        return module

    def _shift(self, module: torch.nn.Module, numbers: Numbers) -> torch.Tensor:
        """What is added to the outputs, so that the output arrays write the share that they are told."""
        return self._written(module, numbers.outputs) * (numbers.share - 1)

    def _written(self, module: torch.nn.Module, outputs: frozenset[int]) -> torch.Tensor:
        """What the output arrays write: outputs less those without them, or all where those have no value."""
        other = copy.deepcopy(module)
        with torch.no_grad():
            now = self._outputs(module, self._x)
            if not outputs:
                return torch.zeros_like(now)
            for k, p in enumerate(_trainable(other)):
                if k in outputs:
                    p.zero_()
            rest = self._outputs(other, self._x)
        return now - torch.where(torch.isfinite(rest), rest, torch.zeros_like(rest))

    def _check_reached(self, found: Sequence[torch.Tensor | None]) -> None:
        """Refuse parameters that the copy holds but does not use."""
        lost = [
            each.name
            for each, gradient in zip(self._roles, found, strict=True)
            if gradient is None and each.role != "unused"
        ]
        if lost:
            raise InputError(
                "a proxy needs a module whose copies use their own parameters",
                received=f"a copy that does not reach {', '.join(lost)}",
                cause="weights held in a closure or a global name, which copy.deepcopy leaves behind",
                fix="keep them as attributes of the module",
            )


def inputs_of(x: Any, module: torch.nn.Module) -> torch.Tensor:
    """Inputs on the device of the module, and of its precision where they are real."""
    parameter = next(iter(module.parameters()), torch.zeros(()))
    inputs = x if isinstance(x, torch.Tensor) else torch.from_numpy(np.array(x))
    inputs = inputs.to(parameter.device)
    return inputs.to(parameter.dtype) if inputs.is_floating_point() else inputs


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Gradients on and no autocast inside; random states as before afterwards."""
    with (
        process_state_held(),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast("cpu", enabled=False),
    ):
        yield


def _trainable(module: torch.nn.Module) -> list[torch.nn.Parameter]:
    return [p for p in module.parameters() if p.requires_grad]


def _copied(module: torch.nn.Module) -> torch.nn.Module:
    try:
        return copy.deepcopy(module)
    except (RuntimeError, TypeError, AttributeError, NotImplementedError) as error:
        raise InputError(
            "a proxy needs a module that can be copied",
            received=f"{type(error).__name__}: {str(error).splitlines()[0][:200]}",
            cause="tensors with a history, or handles to files and devices, inside the module",
            fix="leave them out of the module that build returns",
        ) from error


def _check_hooks(module: torch.nn.Module) -> None:
    """Refuse hooks on gradients, which are a part of the training that is not known to carry over."""
    for name, p in module.named_parameters():
        if p._backward_hooks or getattr(p, "_post_accumulate_grad_hooks", None):
            raise InputError(
                "gradients may not be changed on their way to the optimiser",
                received=f"a hook on the gradient of {name}",
                cause="clipping or masks by parameter.register_hook, whose effect has another size at "
                "another width",
                fix="remove the hook from what build returns; masks belong into forward",
            )


def _dense(gradient: torch.Tensor) -> torch.Tensor:
    return gradient.to_dense() if gradient.is_sparse else gradient


def _norm(array: torch.Tensor, row: int) -> float:
    """Operator norm of an array as a matrix, the Euclidean norm of a vector."""
    if not bool(torch.isfinite(array).all()):
        return float("nan")
    if array.dim() < 2:
        return float(torch.linalg.vector_norm(array))
    if array.dim() > 2:
        array = array.movedim(row, 0).reshape(array.shape[row], -1)
    return operator_norm(array)
