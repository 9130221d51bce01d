"""How is the wide network trained?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, final

import numpy as np
from scipy.special import logsumexp

from lazyscope._checks import (
    InputError,
    check_array,
    check_count,
    check_finite,
    check_fraction,
    check_not_negative,
    check_positive,
    is_known,
)
from lazyscope._entry import check_fields
from lazyscope._loss import are_probabilities, no_classes
from lazyscope.data import points_and_targets
from lazyscope.scaling import OptimiserName

_SINGLE = 2e-5
"""Of probabilities in single precision: how far they may be from summing to one."""
LossName: TypeAlias = Literal["squared", "cross-entropy"]
Rate: TypeAlias = float | Callable[[int], Any]
"""A learning rate, or what gives it for every step from 0 on, as schedules of Optax do."""
BLOWN_UP = 1e4
"""Loss over that of the start from which on nothing comes back; catapults reach hundreds of times."""


@final
@dataclass(frozen=True)
class Training:
    """The training of the wide network, in its own numbers; proxies get theirs from these.

    Attributes:
        optimizer: sgd, momentum, adam, adamw, sign, lion or muon.
        rate: learning rate (of Muon: of updates of operator norm one), multiplied by that of an array's
            group where `build` gives rates; a function of the step (a schedule, warm-up) as well.
        steps: number of steps.
        loss: ``squared``, 1/(2n) sum |f - y|^2, or ``cross-entropy``, the mean over points of that of
            softmax(f) against the class; targets are then rows that sum to one, or centred classes.
        momentum: share of the earlier step that is kept, of ``momentum`` and of ``muon``.
        betas: both memories of Adam or Lion; None: 0.9 and 0.999, for Lion 0.9 and 0.99.
        epsilon: added to the root of Adam's second moment, and to the norm of Muon's gradients.
        decay: weight decay, so that an array shrinks by rate times decay per step; not for ``adam``,
            whose gradient it would be added to (use ``adamw``).
        clip: clipping by the norm of all gradients, which does not carry over and is refused.
        batches: numbers of the points of every step, shape (steps, size), in the order in which the wide
            network sees them; None: all points at every step.
    """

    optimizer: OptimiserName = "adamw"
    rate: Rate = 1e-3
    steps: int = 500
    loss: LossName = "squared"
    momentum: float = 0.9
    betas: tuple[float, float] | None = None
    epsilon: float = 1e-8
    decay: float = 0.0
    clip: float | None = None
    batches: Any = None

    def __post_init__(self) -> None:
        check_fields(self)
        check_count("steps", self.steps, minimum=1)
        if not callable(self.rate):
            check_positive("rate", self.rate)
        for name in ("epsilon", "decay"):
            check_not_negative(name, getattr(self, name))
        for memory in (self.momentum, *(self.betas or ())):
            if memory != 0:
                check_fraction("a memory of the optimiser", memory)
        if self.clip is not None:
            raise InputError(
                "gradients may not be clipped by the norm of all arrays together",
                received=f"clip {self.clip:g}",
                cause="arrays have other shares in that norm at another width",
                fix="leave clip out, or clip every array by itself inside apply",
            )
        if self.decay and self.optimizer == "adam":
            raise InputError(
                "weight decay of Adam must be that of AdamW",
                received=f"optimizer adam with decay {self.decay:g}",
                cause="decay that is added to the gradient, which has another size at another width",
                fix="use optimizer='adamw'",
            )
        object.__setattr__(self, "batches", self._checked_batches())

    def _checked_batches(self) -> np.ndarray | None:
        if self.batches is None:
            return None
        given = np.asarray(check_array("batches", self.batches))
        if (
            (given.ndim, len(given)) != (2, self.steps)
            or given.dtype.kind not in "iu"
            or not given.size
        ):
            raise InputError(
                "batches must hold the numbers of the points of every step",
                received=f"{given.dtype} of shape {given.shape} for {self.steps} steps",
                cause="batches of one epoch, of several sizes, or the points themselves",
                fix=f"give whole numbers of shape ({self.steps}, size)",
            )
        return given

    @property
    def both_betas(self) -> tuple[float, float]:
        """Memories of Adam or Lion."""
        return self.betas or ((0.9, 0.99) if self.optimizer == "lion" else (0.9, 0.999))

    def rates(self) -> np.ndarray:
        """The learning rate of every step.

        Raises:
            InputError: a schedule that is not a finite number of at least zero.
        """
        if not callable(self.rate):
            return np.full(self.steps, float(self.rate))
        found = [
            check_finite("a learning rate", np.asarray(self.rate(t)).item())
            for t in range(self.steps)
        ]
        if min(found) < 0 or max(found) == 0:
            raise InputError(
                "learning rates of a schedule must be at least zero, and some above",
                received=f"from {min(found):g} to {max(found):g}",
                cause="a schedule of another length, or an offset",
                fix="give a function of the number of the step, from 0 on",
            )
        return np.array(found)

    def described(self) -> dict[str, Any]:
        """What identifies it, ready for JSON; a schedule by its rates."""
        rate = [float(each) for each in self.rates()] if callable(self.rate) else float(self.rate)
        return {
            "optimizer": self.optimizer,
            "rate": rate,
            "steps": self.steps,
            "loss": self.loss,
            "momentum": self.momentum,
            "betas": list(self.both_betas),
            "epsilon": self.epsilon,
            "decay": self.decay,
            "batches": None if self.batches is None else self.batches.tolist(),
        }


def start_loss(loss: LossName, outputs: np.ndarray, y: np.ndarray) -> float:
    """The loss of given outputs, both of shape (n, C)."""
    if loss == "squared":
        return float(((outputs - y) ** 2).sum() / (2 * len(y)))
    return float((logsumexp(outputs, axis=1) * y.sum(1) - (outputs * y).sum(1)).mean())


class Points(NamedTuple):
    """What is trained on: inputs as the library of the network takes them, and targets (n, C)."""

    x: Any
    y: np.ndarray


def points_of(data: Any, loss: LossName) -> Points:
    """Finite inputs and targets of a data set or of a pair, as the loss takes them.

    Raises:
        InputError: neither of both, or targets that are no classes where classes are needed.
    """
    pair = points_and_targets(data)
    x, y = (each.detach().cpu() if hasattr(each, "detach") else each for each in pair)
    y = np.array(check_array("targets", y))
    x = x if hasattr(x, "numel") or is_known(x) else np.asarray(x)
    if y.ndim != 2 or np.ndim(x) == 0 or len(y) != len(x):
        raise InputError(
            "there must be a row of targets for every point",
            received=f"points of shape {tuple(np.shape(x))} and targets of shape {y.shape}",
            cause="numbers of classes or values without their axis, or rows that were dropped",
            fix="give x of shape (n, ...) and y of shape (n, C), for one output y[:, None]",
        )
    return Points(x, y if loss == "squared" else _classes(y))


def check_batches(batches: np.ndarray | None, num_points: int) -> None:
    """Refuse numbers of points that are not there, which JAX would take for the nearest ones."""
    if batches is not None and not 0 <= batches.min() <= batches.max() < num_points:
        raise InputError(
            f"batches must hold numbers of points from 0 to {num_points - 1}",
            received=f"numbers from {batches.min()} to {batches.max()}",
            cause="counting from one, or points that were left out",
            fix="give the places of points in the data of this call",
        )


def _classes(y: np.ndarray) -> np.ndarray:
    """Rows that sum to one; centred classes become that again."""
    if y.ndim == 2 and y.shape[1] > 1:
        if are_probabilities(y, _SINGLE):
            return y
        hot = np.eye(y.shape[1])[y.argmax(1)]
        if all(np.allclose(y[hot == kind], y[hot == kind][0]) for kind in (0, 1)):
            return hot
    raise no_classes(
        y, "probabilities of two classes or more, one column for each, or those centred"
    )


def blown_up(loss: np.ndarray) -> bool:
    """Whether a loss left the numbers, or rose above `BLOWN_UP` times that of its start."""
    return not np.isfinite(loss).all() or bool(loss.max() > BLOWN_UP * loss[0])
