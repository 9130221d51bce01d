"""Who trains the networks of a check, and by which loss?"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, final

import numpy as np

from lazyscope._checks import (
    OPTIMISERS,
    InputError,
    check_choice,
    check_count,
    check_not_negative,
    check_positive,
)
from lazyscope._loss import LOSSES

Train: TypeAlias = Any
"""A name, a transformation of Optax, ``f(module)`` -> optimisers, or a function that trains."""
By = Literal["name", "optax", "optimisers", "function"]
DEFAULT_RATES = {"sgd": 0.1, "momentum": 0.01}
DEFAULT_RATE = 1e-3
_OWN = {"module": ("module", "x", "y", "steps"), "function": ("apply", "params", "x", "y", "steps")}
_COUNTS = (1, 2, *map(len, _OWN.values()))
"""Arguments of what makes optimisers, and of what trains."""


def called(loss: Callable[..., Any], outputs: Any, targets: Any) -> Any:
    """The loss, one number; or a refusal in the words of whoever wrote it."""
    try:
        found = loss(outputs, targets)
    except Exception as error:
        raise _no_loss(f"{type(error).__name__}: {str(error)[:200]}", "an error in it") from error
    if not hasattr(found, "reshape") or np.prod(found.shape, dtype=int) != 1:
        received = (
            f"an array of shape {tuple(found.shape)}"
            if hasattr(found, "shape")
            else f"{found!r:.80}, of the type {type(found).__name__}"
        )
        raise _no_loss(received, "losses of the examples without a mean, or a number of Python")
    return found.reshape(())


def _no_loss(received: str, cause: str) -> InputError:
    return InputError(
        "loss(outputs, targets) must return one number as an array",
        received=received,
        cause=cause,
        fix="call it on its own with outputs of the network and the targets, and return their mean",
    )


def undone(error: Exception) -> InputError:
    """A refusal of an optimiser that cannot take a step from gradients alone."""
    return InputError(
        "an optimiser must take its steps from gradients alone",
        received=f"{type(error).__name__}: {str(error)[:200]}",
        cause="one that searches along a line (LBFGS), or is set up for other parameters",
        fix="give another one, or a function that trains",
    )


@final
@dataclass(frozen=True)
class AskedTraining:
    """The training of a check.

    Attributes:
        by: what `train` is.
        train: a name, a transformation, or a function.
        rate: learning rate, of a training by name.
        decay: weight decay, of a training by name.
        loss: a name, or ``loss(outputs, targets)``.
        batch_size: points of every step; None for all.
        steps: number of steps.
        arguments: how many `train` takes, where it is a function.
    """

    by: By
    train: Any
    rate: float
    decay: float
    loss: Any
    batch_size: int | None
    steps: int
    arguments: int = field(default=0)

    @property
    def words(self) -> str:
        """How it is called in a sentence."""
        if self.by == "name":
            decay = f", weight decay {self.decay:g}" if self.decay else ""
            return f"{self.train}, learning rate {self.rate:g}{decay}"
        kinds = {"optax": "a transformation of Optax", "optimisers": "optimisers made by"}
        name = getattr(self.train, "__name__", "")
        return f"{kinds.get(self.by, 'the function')} {name if self.by != 'optax' else ''}".strip()

    def batches(self, num_points: int, seed: int) -> np.ndarray | None:
        """Numbers of the points of every step, the same at every width."""
        if self.batch_size is None:
            return None
        if self.batch_size > num_points:
            raise InputError(
                "a batch must not be larger than the data",
                received=f"batches of {self.batch_size} of {num_points} points",
                cause="fewer points than the training takes",
                fix="leave batch_size out for all points, or give more of them",
            )
        rng = np.random.default_rng(seed)
        return np.array(
            [rng.choice(num_points, self.batch_size, replace=False) for _ in range(self.steps)]
        )


def asked_training(
    train: Train,
    *,
    lr: float | None = None,
    decay: float = 0.0,
    loss: Any = "squared",
    batch_size: int | None = None,
    steps: int,
) -> AskedTraining:
    """What was asked for, checked.

    Raises:
        InputError: an unknown name, a rate beside something that has its own, an unknown loss.
    """
    by, arguments = _kind_of(train)
    decay = check_not_negative("decay", decay)
    if by == "name":
        check_choice("optimizer", train, OPTIMISERS)
        lr = check_positive("lr", DEFAULT_RATES.get(train, DEFAULT_RATE) if lr is None else lr)
    elif lr is not None or decay:
        raise InputError(
            "learning rates must be said once",
            received=f"lr or decay beside {train!r:.60}",
            cause="an optimiser with rates of its own",
            fix="leave lr and decay out, or give the optimiser by its name",
        )
    if not callable(loss):
        check_choice("loss", loss, LOSSES)
    if batch_size is not None:
        batch_size = check_count("batch_size", batch_size, minimum=1)
    if by == "function" and batch_size is not None:
        raise InputError(
            "batches belong to whoever makes them",
            received=f"batch_size {batch_size} beside a function that trains",
            cause="a function that gets all points and draws batches itself",
            fix="leave batch_size out",
        )
    steps = check_count("steps", steps)
    return AskedTraining(by, train, lr or 0.0, decay, loss, batch_size, steps, arguments)


def _kind_of(train: Train) -> tuple[By, int]:
    if isinstance(train, str):
        return "name", 0
    if all(callable(getattr(train, name, None)) for name in ("init", "update")):
        return "optax", 0
    if any(kind.__module__.startswith("torch.optim") for kind in type(train).__mro__):
        raise InputError(
            "train must make an optimiser for every network that is drawn",
            received=f"an optimiser of the class {type(train).__name__}",
            cause="an optimiser that holds the parameters of one model",
            fix="give a function: lambda module: torch.optim.AdamW(module.parameters(), lr=1e-3)",
        )
    count = _arguments(train) if callable(train) else None
    if count in _COUNTS:
        return ("optimisers" if count < min(map(len, _OWN.values())) else "function"), count
    raise InputError(
        "train must be a name, f(module) or f(module, width) that makes optimisers, a transformation of "
        "Optax, or a function that trains",
        received=f"{train!r:.60}" + _told(count),
        cause="a decorator that hides what a function takes"
        if count is ...
        else "a function of other arguments",
        fix=f"one that trains is train({', '.join(_OWN['module'])}) for PyTorch and "
        f"train({', '.join(_OWN['function'])}) -> params for JAX"
        + ("; functools.wraps in a decorator says so" if count is ... else ""),
    )


def _told(count: Any) -> str:
    if count is ...:
        return " with any number of arguments (*args)"
    return "" if count is None else f" with {count} argument{'s' * (count != 1)}"


def _arguments(function: Callable[..., Any]) -> Any:
    """How many arguments it must be given in order; an ellipsis where a wrapper hides it, None if unknown."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    count = sum(p.kind in kinds and p.default is p.empty for p in parameters)
    hidden = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return ... if hidden and count not in _COUNTS else count
