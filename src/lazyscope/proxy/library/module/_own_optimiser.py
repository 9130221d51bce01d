"""What does the optimiser that a build returned beside its module do with every parameter?"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from lazyscope._checks import InputError
from lazyscope.observe import DescribedModule
from lazyscope.proxy._training import Training
from lazyscope.proxy.library.module._descent import Given
from lazyscope.torch.steps import check_new

_KINDS = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
_SAID_TWICE = frozenset({"optimizer", "rate", "momentum", "betas", "epsilon", "decay"})


def optimiser_of(described: DescribedModule) -> torch.optim.Optimizer | None:
    """The optimiser beside a module, or what a function of its parameters, or of itself, makes of them.

    A function of the name of a parameter says its group, and makes no optimiser.

    Raises:
        InputError: rates beside an optimiser, which has its own.
    """
    made = described.groups
    if isinstance(made, list | tuple) and any(isinstance(o, torch.optim.Optimizer) for o in made):
        raise _refusal(
            f"{len(made)} of them: {', '.join(type(each).__name__ for each in made)}",
            "an optimiser for matrices and another for the rest, whose arrays follow two rules",
            "return one with parameter groups, or the module alone and name muon, which leaves vectors "
            "to Adam",
        )
    if callable(made):
        for given in (list(described.module.parameters()), described.module):
            with contextlib.suppress(Exception):
                found = described.groups(given)
                made = found if isinstance(found, torch.optim.Optimizer) else made
    if not isinstance(made, torch.optim.Optimizer):
        return None
    if described.rates is not None:
        raise _refusal(
            "an optimiser and rates",
            "rates in two places",
            "return (module, optimizer), or (module, groups, rates)",
        )
    return made


def own_optimiser(
    optimiser: torch.optim.Optimizer,
    names: Sequence[str],
    parameters: Sequence[torch.Tensor],
    frozen: Sequence[torch.Tensor] = (),
) -> tuple[Given, ...]:
    """What it was told of every trained parameter; one that it does not hold has the rate zero.

    Those of `frozen` it may hold too, as ``module.parameters()`` has them.

    Raises:
        InputError: a class, an option, or a hook whose effect does not carry over to another width; an
            optimiser of other parameters.
    """
    kind = type(optimiser)
    if kind not in _KINDS:
        raise _refusal(
            kind.__name__,
            "a state that is not known to carry over to another width",
            "return SGD, Adam or AdamW of torch.optim, or the module alone and name sign, lion or muon",
        )
    if optimiser._optimizer_step_pre_hooks or optimiser._optimizer_step_post_hooks:
        raise _refusal(
            f"{kind.__name__} with hooks on its steps",
            "gradients that are clipped or changed there, by the norm of all of them for instance, whose "
            "shares differ at another width",
            "remove the hooks",
        )
    if any("initial_lr" in group for group in optimiser.param_groups):
        raise _refusal(
            f"{kind.__name__} with a scheduler",
            "rates that a scheduler changes, which are not seen beforehand",
            "leave the scheduler out and give rate=, a function of the step that is a factor of all rates",
        )
    found = {id(p): group for group in optimiser.param_groups for p in group["params"]}
    if set(found) - {id(p) for p in (*parameters, *frozen)}:
        raise _refusal(
            f"{kind.__name__} of tensors that are no parameters of the module",
            "an optimiser made before the module was converted or copied",
            "make it from module.parameters(), as the last thing that build does",
        )
    check_new([optimiser], {id(p): name for name, p in zip(names, parameters, strict=True)})
    if not any(float(group["lr"]) for group in optimiser.param_groups):
        raise _refusal(
            f"{kind.__name__} with the learning rate 0",
            "a warm-up whose scheduler was left out, or nothing to train",
            "give the largest rate, and the warm-up as rate=, a function of the step that is a factor of it",
        )
    return tuple(
        _given(kind, name, found.get(id(p))) for name, p in zip(names, parameters, strict=True)
    )


def _given(kind: type[torch.optim.Optimizer], name: str, group: dict[str, Any] | None) -> Given:
    if group is None:
        return Given(kind, 0.0, {})
    if (
        kind is torch.optim.Adam
        and group["weight_decay"]
        and not group.get("decoupled_weight_decay")
    ):
        raise _refusal(
            f"Adam with weight decay {group['weight_decay']:g} of {name}",
            "decay that is added to the gradient, which has another size at another width",
            "use AdamW",
        )
    kept = {
        key: value
        for key, value in group.items()
        if key not in ("params", "lr", "initial_lr", "param_names", "capturable", "fused")
    }
    numbers = {k: float(v) for k, v in kept.items() if isinstance(v, torch.Tensor)}
    return Given(kind, float(group["lr"]), kept | numbers)


def own_training(training: Training, own: Sequence[Given], told: frozenset[str]) -> Training:
    """The training with the optimiser of the build; its rates are factors of those of the build.

    Raises:
        InputError: something that the optimiser says was given beside it.
    """
    twice = sorted(told & _SAID_TWICE - ({"rate"} if callable(training.rate) else set()))
    if twice:
        raise InputError(
            "optimiser and rates must be said once",
            received=f"{', '.join(twice)} beside the optimiser that build returns",
            cause="numbers of the optimiser in two places",
            fix="leave them out (rate may be a function of the step: a factor of all rates), or let build "
            "return the module alone",
        )
    memory = max(each.options.get("momentum", 0.0) for each in own)
    name = {torch.optim.Adam: "adam", torch.optim.AdamW: "adamw"}.get(own[0].kind)
    return replace(
        training,
        optimizer=name or ("momentum" if memory else "sgd"),
        rate=training.rate if callable(training.rate) else 1.0,
    )


def told_of(own: Sequence[Given], names: Sequence[str]) -> str:
    """A sentence on what the build's optimiser says."""
    rates = sorted({each.rate for each in own})
    shown = f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g} to {rates[-1]:g}"
    left = [name for name, each in zip(names, own, strict=True) if not each.options]
    rest = f"; not trained: {', '.join(left)}" if left else ""
    return f"Trained as the optimiser of build says: {own[0].kind.__name__}, rates {shown}{rest}."


def _refusal(received: str, cause: str, fix: str) -> InputError:
    return InputError(
        "the optimiser of a build must carry over to a narrow network",
        received=received,
        cause=cause,
        fix=fix,
    )
