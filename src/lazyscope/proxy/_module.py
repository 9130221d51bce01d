"""How does a PyTorch module answer what is asked of a network?"""

import copy
from typing import Any, final

import numpy as np
import torch

from lazyscope._checks import InputError
from lazyscope.observe import Build, DescribedModule, call_build, group_parameters, rates_of
from lazyscope.proxy._network import (
    AbstractLibrary,
    AbstractNetwork,
    ArraySize,
    Numbers,
    Start,
    Trained,
    array_size,
    row_axes,
    timed,
)
from lazyscope.proxy._training import LossName, Points, Training
from lazyscope.torch import roles_of

_NOTE = (
    "Constants inside a module are not compared between the widths; gradients at the start were."
)


@final
class ModuleLibrary(AbstractLibrary):
    """PyTorch modules that a build makes; every training is that of a copy."""

    def __init__(self, build: Build, points: Points, widths: tuple[int, int], seed: int) -> None:
        self._build, self._points = build, points
        first = _made(call_build(build, widths[0], seed))
        self.roles = roles_of(build, _inputs(points.x, first.module)[:4], widths, seed=seed)
        self._rows = row_axes(self.roles)

    def draw(self, width: int, seed: int) -> "ModuleNetwork":
        """A network."""
        return ModuleNetwork(_made(call_build(self._build, width, seed)), self._points, self._rows)

    def with_constants(
        self, narrow: AbstractNetwork, wide: AbstractNetwork, ratio: float
    ) -> tuple[AbstractNetwork, tuple[str, ...]]:
        """The network as it is: what a module computes with is not seen."""
        return narrow, (_NOTE,)


@final
class ModuleNetwork(AbstractNetwork):
    """A copy of a module with the parameters of one draw."""

    def __init__(self, described: DescribedModule, points: Points, rows: tuple[int, ...]) -> None:
        self._module = copy.deepcopy(described.module)
        self._rows = rows
        names = [name for name, p in self._module.named_parameters() if p.requires_grad]
        groups, numbers = group_parameters(names, described.groups)
        self.rates = rates_of(described, groups)[list(numbers)]
        self._x = _inputs(points.x, self._module)
        parameter = self._parameters(self._module)[0]
        self._y = torch.as_tensor(points.y, dtype=parameter.dtype, device=parameter.device)
        with torch.no_grad():
            self.num_outputs = int(self._module(self._x[:1]).shape[-1])
        if tuple(self._y.shape) != (len(self._x), self.num_outputs):
            raise InputError(
                "targets must fit the points and the outputs of the network",
                received=f"{tuple(self._y.shape)} for {len(self._x)} points and {self.num_outputs} outputs",
                cause="a network with another number of outputs than the data has",
                fix=f"give targets of shape ({len(self._x)}, {self.num_outputs})",
            )

    def sizes(self) -> tuple[ArraySize, ...]:
        """How large its parameters are."""
        return tuple(array_size(self.values(k)) for k in range(len(self._rows)))

    def norms(self) -> tuple[float, ...]:
        """Operator norm of every parameter as a matrix, the Euclidean norm of a vector."""
        arrays = [p.detach() for p in self._parameters(self._module)]
        return tuple(_norm(each, row) for each, row in zip(arrays, self._rows, strict=True))

    def values(self, array: int) -> np.ndarray:
        """One parameter."""
        return self._parameters(self._module)[array].numpy(force=True)

    def start(self, numbers: Numbers) -> Start:
        """Sizes at the start, by one pass back."""
        signal = np.random.default_rng(0).choice([-1.0, 1.0], size=(1, self.num_outputs))
        module = self._given(numbers)
        fixed = torch.as_tensor(signal, dtype=self._y.dtype, device=self._y.device)

        def gradient() -> Any:
            total = (module(self._x) * fixed).sum()
            return torch.autograd.grad(total, self._parameters(module), allow_unused=True)

        found, seconds = timed(gradient)
        norms = [0.0 if each is None else float(torch.linalg.vector_norm(each)) for each in found]
        written = self._written(module, numbers.outputs)
        return Start(np.array(norms), float(written.square().mean().sqrt()), seconds)

    def train(self, training: Training, numbers: Numbers) -> Trained:
        """Train a copy by an optimiser of PyTorch, with parameter groups of its own."""
        module = self._given(numbers)
        parameters = self._parameters(module)
        before = [p.detach().clone() for p in parameters]
        shift = self._written(module, numbers.outputs) * (numbers.share - 1)
        optimiser = _optimiser(training, parameters, numbers)
        rates = self.rates * np.asarray(numbers.rate)

        def loss(chosen: Any) -> torch.Tensor:
            return _loss(training.loss, module(self._x[chosen]) + shift[chosen], self._y[chosen])

        def steps() -> list[float]:
            losses = []
            for step, rate in enumerate(training.rates()):
                chosen = slice(None) if training.batches is None else training.batches[step]
                for group, own in zip(optimiser.param_groups, rates, strict=True):
                    group["lr"] = float(rate * own)
                optimiser.zero_grad()
                value = loss(chosen)
                value.backward()
                optimiser.step()
                losses.append(float(value.detach()))
            with torch.no_grad():
                return [*losses, float(loss(slice(None)))]

        losses, seconds = timed(steps)
        changes = [(p.detach() - old) for p, old in zip(parameters, before, strict=True)]
        moved = [_norm(each, row) for each, row in zip(changes, self._rows, strict=True)]
        return Trained(np.array(losses), np.array(moved), seconds)

    def identity(self) -> str:
        """Its modules and their code, as far as Python tells it."""
        code = [getattr(type(part).forward, "__code__", None) for part in self._module.modules()]
        return f"{self._module} {[each.co_code.hex() for each in code if each is not None]}"

    def _given(self, numbers: Numbers) -> torch.nn.Module:
        """A copy with other numbers."""
        module = copy.deepcopy(self._module)
        with torch.no_grad():
            for k, (p, factor) in enumerate(
                zip(self._parameters(module), numbers.entries, strict=True)
            ):
                if k in numbers.values:
                    p.copy_(torch.as_tensor(numbers.values[k].copy()))
                else:
                    p.mul_(factor)
        return module

    def _written(self, module: torch.nn.Module, outputs: frozenset[int]) -> torch.Tensor:
        """What the output arrays write: outputs less those without them, or all where those have no value."""
        other = copy.deepcopy(module)
        with torch.no_grad():
            now = module(self._x)
            if not outputs:
                return torch.zeros_like(now)
            for k, p in enumerate(self._parameters(other)):
                if k in outputs:
                    p.zero_()
            rest = other(self._x)
        return now - torch.where(torch.isfinite(rest), rest, torch.zeros_like(rest))

    @staticmethod
    def _parameters(module: torch.nn.Module) -> list[torch.nn.Parameter]:
        return [p for p in module.parameters() if p.requires_grad]


def _made(described: Any) -> DescribedModule:
    if isinstance(described, DescribedModule):
        return described
    raise InputError(
        "build must return networks of one library",
        received="a JAX function beside a PyTorch module",
        cause="a build that chooses by the width",
        fix="return the same kind for every width and seed",
    )


def _inputs(x: Any, module: torch.nn.Module) -> torch.Tensor:
    """Inputs on the device of the module, and of its precision where they are real."""
    parameter = next(iter(module.parameters()))
    inputs = torch.as_tensor(x, device=parameter.device)
    return inputs.to(parameter.dtype) if inputs.is_floating_point() else inputs


def _loss(name: LossName, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The loss by name, a mean over points."""
    if name == "squared":
        return (outputs - y).square().sum() / (2 * len(y))
    return torch.nn.functional.cross_entropy(outputs, y)


def _optimiser(
    training: Training, parameters: list[torch.nn.Parameter], numbers: Numbers
) -> torch.optim.Optimizer:
    """The optimiser of PyTorch, with a group for every parameter."""
    groups: list[dict[str, Any]] = [
        {"params": [p], "weight_decay": training.decay * factor}
        for p, factor in zip(parameters, numbers.decay, strict=True)
    ]
    if training.optimizer in ("sgd", "momentum"):
        memory = training.momentum if training.optimizer == "momentum" else 0.0
        return torch.optim.SGD(groups, lr=1.0, momentum=memory)
    if training.optimizer in ("adam", "adamw"):
        for group, factor in zip(groups, numbers.epsilon, strict=True):
            group["eps"] = training.epsilon * factor
        return torch.optim.AdamW(groups, lr=1.0, betas=training.both_betas)
    raise InputError(
        "a PyTorch module must be trained by sgd, momentum, adam or adamw",
        received=training.optimizer,
        cause="an optimiser that PyTorch does not have in every version",
        fix="use one of these, or give the network as a JAX function",
    )


def _norm(array: torch.Tensor, row: int) -> float:
    """Operator norm of an array as a matrix, the Euclidean norm of a vector."""
    if not bool(torch.isfinite(array).all()):
        return float("nan")
    if array.dim() < 2:
        return float(torch.linalg.vector_norm(array))
    if array.dim() > 2:
        array = array.movedim(row, 0).reshape(array.shape[row], -1)
    return float(torch.linalg.matrix_norm(array.double(), 2))
