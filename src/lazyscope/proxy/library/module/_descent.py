"""How is a PyTorch module trained with a rate, an epsilon and a decay of its own for every parameter?"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

import numpy as np
import torch

from lazyscope._checks import InputError
from lazyscope.proxy._training import LossName, Training
from lazyscope.proxy.library._descent import POWER_STEPS
from lazyscope.proxy.library._network import Numbers, own_numbers
from lazyscope.scaling import OptimiserName


class Given(NamedTuple):
    """What an optimiser was told of one parameter by whoever made it.

    Attributes:
        kind: its class.
        rate: learning rate.
        options: everything else that the class takes.
    """

    kind: type[torch.optim.Optimizer]
    rate: float
    options: dict[str, Any]


class Descent(NamedTuple):
    """Optimisers of all parameters of a module, one group each.

    Attributes:
        groups: the group of every parameter.
        optimisers: what takes the steps.
        decays: what every parameter loses per step and rate, beside what its optimiser takes off itself.
        factors: of the rate of every parameter.
    """

    groups: list[dict[str, Any]]
    optimisers: list[torch.optim.Optimizer]
    decays: list[float]
    factors: list[float]

    def step(self, rates: Sequence[float]) -> None:
        """One step with the rate of every parameter; gradients are those that the parameters hold."""
        told = zip(self.groups, self.decays, self.factors, rates, strict=True)
        for group, decay, factor, rate in told:
            group["lr"] = rate * factor
            (parameter,) = group["params"]
            if parameter.grad is not None and parameter.grad.is_sparse:
                parameter.grad = parameter.grad.to_dense()
            if decay:
                with torch.no_grad():
                    parameter.mul_(1 - rate * decay)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()


def loss_of(name: LossName) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The loss by name, a mean over points."""
    if name == "cross-entropy":
        return torch.nn.functional.cross_entropy
    return lambda outputs, y: (outputs - y).square().sum() / (2 * len(y))


def sharpness_of(
    outputs: torch.Tensor,
    loss: torch.Tensor,
    parameters: Sequence[torch.Tensor],
    speed: Sequence[float],
) -> float:
    """Largest eigenvalue of J D J' H: D the rates, H the second derivative of the loss by the outputs."""
    if not bool(torch.isfinite(loss)):
        return float("nan")
    start = np.random.default_rng(0).normal(size=tuple(outputs.shape))
    vector, value = torch.as_tensor(start).to(outputs), float("nan")
    (slope,) = torch.autograd.grad(loss, outputs, create_graph=True)
    for _ in range(POWER_STEPS):
        (curved,) = torch.autograd.grad(slope, outputs, vector, retain_graph=True)
        given = curved.detach().requires_grad_()
        gradient = torch.autograd.grad(
            outputs, parameters, given, create_graph=True, allow_unused=True
        )
        # The derivative of <J'v, D J'w> by v is J D J'w.
        pairs = [
            (rate * each * each.detach()).sum()
            for rate, each in zip(speed, gradient, strict=True)
            if each is not None
        ]
        (image,) = torch.autograd.grad(torch.stack(pairs).sum(), given)
        value = float((curved * image).sum() / (curved * vector).sum())
        length = float(torch.linalg.vector_norm(image))
        if not length > 0:
            return 0.0
        vector = image / length
    return value


def descent_of(
    training: Training,
    parameters: Sequence[torch.Tensor],
    numbers: Numbers,
    own: Sequence[Given] | None,
) -> Descent:
    """Optimisers by the name in the training, or as the build made them."""
    if own is None:
        given = [_named(training, p.shape) for p in parameters]
        decays = [training.decay * factor for factor in numbers.decay]
        factors = [each.rate for each in given]
    else:
        given, decays, factors = list(own), [0.0] * len(parameters), [1.0] * len(parameters)
    groups: list[dict[str, Any]] = []
    for p, each, epsilon, decay in zip(
        parameters, given, numbers.epsilon, numbers.decay, strict=True
    ):
        options = dict(each.options)
        if "eps" in options:
            options["eps"] *= epsilon
        if "weight_decay" in options:
            options["weight_decay"] *= decay
        groups.append({"params": [p], **options})
    optimisers = []
    for kind in dict.fromkeys(each.kind for each in given):
        mine = [k for k, each in enumerate(given) if each.kind is kind]
        made = kind([groups[k] for k in mine])  # pyright: ignore[reportCallIssue]
        optimisers.append(made)
        for k, group in zip(mine, made.param_groups, strict=True):
            groups[k] = group
    return Descent(groups, optimisers, decays, factors)


def named_optimisers(
    name: OptimiserName,
    decay: float,
    parameters: Sequence[torch.Tensor],
    rates: Sequence[float],
) -> list[torch.optim.Optimizer]:
    """Optimisers by name with a rate of its own for every parameter; Muon takes vectors as Adam does.

    Raises:
        InputError: decay of Adam, which is to be that of AdamW, or of one that has none of its own.
    """
    if decay and name != "adamw":
        raise InputError(
            "weight decay by name belongs to adamw",
            received=f"decay {decay:g} for {name}",
            cause="an optimiser whose decay would be added to the gradient",
            fix="use adamw, or give the optimiser itself",
        )
    if name == "adamw":
        groups = [{"params": [p], "lr": rate} for p, rate in zip(parameters, rates, strict=True)]
        return [torch.optim.AdamW(groups, weight_decay=decay)]
    numbers = own_numbers(len(parameters))
    descent = descent_of(Training(optimizer=name), parameters, numbers, None)
    for group, factor, rate in zip(descent.groups, descent.factors, rates, strict=True):
        group["lr"] = rate * factor
    return descent.optimisers


def _named(training: Training, shape: Sequence[int]) -> Given:
    """What the training says of a parameter of a shape, for a rate of one and weight decay aside."""
    adam = {"betas": training.both_betas, "eps": training.epsilon, "weight_decay": 0.0}
    match training.optimizer:
        case "sgd":
            return Given(torch.optim.SGD, 1.0, {})
        case "momentum":
            return Given(torch.optim.SGD, 1.0, {"momentum": training.momentum})
        case "sign":
            return Given(SignDescent, 1.0, {"betas": (0.0, 0.0)})
        case "lion":
            return Given(SignDescent, 1.0, {"betas": training.both_betas})
        case "muon" if len(shape) == 2:
            # PyTorch multiplies the rate by a factor of the shape, which belongs to the wide network's rate.
            factor = max(1.0, shape[0] / shape[1]) ** -0.5
            told = {"momentum": training.momentum, "eps": training.epsilon, "weight_decay": 0.0}
            return Given(_muon(), factor, told)
        case _:
            return Given(torch.optim.Adam, 1.0, adam)


def _muon() -> type[torch.optim.Optimizer]:
    """The Muon of PyTorch."""
    made: Any = getattr(torch.optim, "Muon", None)
    if made is None:
        raise InputError(
            "muon needs a PyTorch that has it",
            received=f"PyTorch {torch.__version__}",
            cause="torch.optim.Muon came with 2.9",
            fix="upgrade PyTorch, use another optimiser, or give the network as a JAX function",
        )
    return made


@final
class SignDescent(torch.optim.Optimizer):
    """Every entry moves by the rate: along signs of gradients, or with two memories as Lion does."""

    def __init__(
        self, params: Any, lr: float = 1.0, betas: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step."""
        del closure
        for group in self.param_groups:
            one, two = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                memory = self.state[p].setdefault("memory", torch.zeros_like(p))
                p.sub_(torch.sign(one * memory + (1 - one) * p.grad), alpha=group["lr"])
                memory.mul_(two).add_(p.grad, alpha=1 - two)
