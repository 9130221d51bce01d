"""How is a PyTorch module trained as its user trains it, and measured on the way?"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

from lazyscope._checks import InputError
from lazyscope._loss import CrossEntropy, check_targets
from lazyscope._provenance import versions
from lazyscope._trace import ArrayRoles
from lazyscope.observe import DescribedModule, rates_of
from lazyscope.study.coordinates._readout import Growing, Outline
from lazyscope.study.coordinates.trained._asked import AskedTraining, called, undone
from lazyscope.study.coordinates.trained._family import UNKNOWN, Family, family_of
from lazyscope.study.coordinates.trained._steps import Steps


@final
class ModuleTraining:
    """A copy of a PyTorch module in double precision with its optimisers."""

    def __init__(
        self,
        described: DescribedModule,
        points: tuple[Any, Any],
        asked: AskedTraining,
        at: tuple[int, int],
    ) -> None:
        import torch

        from lazyscope.torch.steps import Looked

        x, y = points
        self._asked, (self._width, self._seed) = asked, at
        targets = torch.as_tensor(np.asarray(y))
        targets = targets.double() if targets.is_floating_point() else targets
        self._looked = Looked(described.module, x, _loss(asked.loss), targets)
        _check_targets(asked.loss, self._looked.output_shape(), targets)
        self.versions: Mapping[str, str] = versions("torch")
        self.notes: tuple[str, ...] = self._looked.notes
        self._grouping = described.groups
        self.rates: np.ndarray | None = None
        if described.rates is not None:
            outline = self.outline()
            self.rates = rates_of(described, outline.groups)[list(outline.leaf_group)]
        self._optimisers = self._made()
        _check_rates(self._optimisers or ())
        if any("initial_lr" in group for o in self._optimisers or () for group in o.param_groups):
            self.notes += (_SCHEDULED,)

    def outline(self) -> Outline:
        """What its parameters are called and how large they are."""
        groups, numbers = self._looked.groups(self._grouping)
        return Outline(groups, numbers, self._looked.shapes, self._looked.names)

    def roles(self, growing: Growing) -> ArrayRoles:
        """What its parameters do."""
        return self._looked.roles(growing)

    def zeros(self) -> tuple[bool, ...]:
        """Which parameters start at zero."""
        return tuple(not bool(p.any()) for p in self._looked.parameters)

    def products(self) -> tuple[tuple[int, frozenset[int]], ...]:
        """Products of data with data."""
        return self._looked.inner().products

    def families(self) -> tuple[Family, ...]:
        """What the optimisers do, seen on copies."""
        from lazyscope.torch.steps import answers_in

        if self._optimisers is None:
            return (UNKNOWN,) * len(self._looked.names)
        try:
            answers = answers_in(self._looked, self._optimisers)
        except Exception as error:  # a step that needs more than gradients, or others
            raise undone(error) from error
        return tuple(family_of(*each) for each in answers)

    def train(self, axes: Sequence[int | None], readouts: Sequence[int]) -> Steps:
        """Train it, and measure."""
        from lazyscope.torch.steps import measure_training, own_steps, steps_of

        looked, asked = self._looked, self._asked
        if self._optimisers is None:
            move = own_steps(looked, asked.train, self._seed)
        else:
            batches = asked.batches(len(looked.x), self._seed)
            move = steps_of(looked, self._optimisers, batches, self._seed)
        return Steps(*measure_training(looked, move, axes, readouts, asked.steps))

    def _made(self) -> list[Any] | None:
        """The optimisers; None where a function trains."""
        from lazyscope.torch.steps import check_optimisers

        asked, module = self._asked, self._looked.module
        if asked.by == "name":
            from lazyscope.proxy.library.module import named_optimisers

            rates = np.ones(len(self._looked.names)) if self.rates is None else self.rates
            return named_optimisers(
                asked.train,
                asked.decay,
                self._looked.parameters,
                [float(asked.rate * r) for r in rates],
            )
        if self.rates is not None:
            raise InputError(
                "learning rates must be said once",
                received="rates from build beside an optimiser with rates of its own",
                cause="rates in two places",
                fix="return the module alone, or give the optimiser by its name",
            )
        if asked.by == "optimisers":
            given = (module,) if asked.arguments == 1 else (module, self._width)
            return check_optimisers(_called(asked.train, given), module)
        if asked.by == "function" and asked.arguments == len(_TRAIN):
            return None
        raise InputError(
            "a PyTorch module must be trained by a name, by optimisers of torch.optim, or by "
            f"train({', '.join(_TRAIN)})",
            received="a transformation of Optax, or a function of other arguments",
            cause="a training of another library",
            fix="give for instance lambda module: torch.optim.AdamW(module.parameters(), lr=1e-3)",
        )


_TRAIN = ("module", "x", "y", "steps")
_SCHEDULED = (
    "A schedule of learning rates is set up for the optimiser, and stays at its start, since optimisers take "
    "steps here and schedules do not; a function that trains may have one."
)
_IGNORED = -100
"""The class of places that cross-entropy of PyTorch leaves out."""


def _check_rates(optimisers: Sequence[Any]) -> None:
    """Refuse rates that are all zero, as a scheduler of a warm-up leaves them."""
    groups = [group for each in optimisers for group in each.param_groups]
    if groups and not any(float(group["lr"]) for group in groups):
        scheduled = any("initial_lr" in group for group in groups)
        raise InputError(
            "an optimiser must have a learning rate above zero",
            received=f"the rate 0 for all {len(groups)} groups of parameters",
            cause="a scheduler whose warm-up begins at zero, which stands still here"
            if scheduled
            else "a rate that is set later, or nothing to train",
            fix="leave the scheduler out, or give a function that trains, which may have one"
            if scheduled
            else "give the rate to the optimiser",
        )


def _called(factory: Any, given: tuple[Any, ...]) -> Any:
    try:
        return factory(*given)
    except Exception as error:
        raise InputError(
            "train must make an optimiser of the module that it gets",
            received=f"{type(error).__name__}: {str(error)[:200]}",
            cause="an error in it",
            fix="call it on its own with a module that build returned",
        ) from error


def _loss(loss: Any) -> Any:
    """By name, for outputs and targets as people write them."""
    if callable(loss):
        return functools.partial(called, loss)
    import torch

    def squared(outputs: Any, y: Any) -> Any:
        return (outputs - y).square().sum() / (2 * len(y))

    def cross_entropy(outputs: Any, y: Any) -> Any:
        columns = outputs.shape[-1]
        if not y.is_floating_point():
            return torch.nn.functional.cross_entropy(outputs.reshape(-1, columns), y.flatten())
        if columns == 1:
            return torch.nn.functional.binary_cross_entropy_with_logits(outputs, y.clamp(min=0))
        # Centred classes have rows that sum to zero.
        chances = y + (1 - y.sum(dim=-1, keepdim=True)) / columns
        return torch.nn.functional.cross_entropy(
            outputs.reshape(-1, columns), chances.reshape(-1, columns)
        )

    return squared if loss == "squared" else cross_entropy


def _check_targets(loss: Any, outputs: tuple[int, ...], y: Any) -> None:
    """Refuse targets that a named loss would spread over outputs."""
    if callable(loss):
        return
    if loss == "squared" or y.is_floating_point():
        fits, form = tuple(y.shape) == outputs, f"targets of shape {outputs}"
        if fits and loss == "cross-entropy":
            check_targets(CrossEntropy(), y.numpy(force=True))
    else:
        classes = outputs[-1]
        counted = str(y.dtype) != "torch.bool"
        known = (y < classes) & ((y >= 0) | (y == _IGNORED))
        fits = tuple(y.shape) == outputs[:-1] and counted and bool(known.all())
        form = (
            f"classes from 0 to {classes - 1} of shape {outputs[:-1]}, or rows of shape {outputs}"
        )
    if not fits:
        raise InputError(
            "targets must fit the points and the outputs of the network",
            received=f"targets of shape {tuple(y.shape)} for outputs of shape {outputs}",
            cause="a network with another number of outputs than the data has, or classes for a squared loss",
            fix=f"give {form}",
        )
