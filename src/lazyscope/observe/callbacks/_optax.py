"""How does an observer stand in a loop that Optax trains?"""

from collections.abc import Callable, Mapping
from typing import Any, final

import jax
import numpy as np

from lazyscope._checks import InputError
from lazyscope.observe._observer import Observer
from lazyscope.observe.callbacks._watch import Watch

Log = Callable[[Mapping[str, float], int], Any]
"""``log(scalars, step)``, as ``wandb.log`` and ``mlflow.log_metrics`` take their arguments."""


@final
class OptaxWatch:
    """An observer beside a loop of Optax: called after every update, it looks when a look is due.

    ::

        watch = OptaxWatch(Observer(apply, params, x_probe, y_probe), wandb.log)
        for batch in batches:
            params, state, loss = step(params, state, batch)        # yours, compiled or not
            watch(params, state, loss)

    It is called outside of the compiled step and counts its calls. Where it looks, it takes the number of
    updates from the state (the entry ``count`` of Adam, of schedules and others) and counts on from there, so
    that a training that was resumed keeps its steps. `optax.MultiSteps` counts the updates that were made.

    Args:
        observer: told about the network at its start.
        log: called as ``log(scalars, step)`` after every look; the names begin with ``lazyscope/``.

    Raises:
        InputError: an observer of another kind, or a log that cannot be called.
    """

    def __init__(self, observer: Observer, log: Log | None = None) -> None:
        if not isinstance(observer, Observer):
            raise InputError(
                "a loop of Optax is watched by an Observer of a JAX function",
                received=type(observer).__name__,
                cause="the observer of a PyTorch module, or the network itself",
                fix="give lazyscope.Observer(apply, params, x_probe, y_probe)",
            )
        if log is not None and not callable(log):
            raise InputError(
                "log must be a function of numbers by name and a step",
                received=f"{log!r:.60}",
                cause="a logger in place of the function that logs",
                fix="give for instance lambda scalars, step: writer.add_scalars('run', scalars, step)",
            )
        self._observer, self._watch, self._log = observer, Watch(observer), log
        self._calls = self._ahead = 0
        self._state: Any = None

    @property
    def observer(self) -> Observer:
        """The observer, whose `record` is what was seen."""
        return self._observer

    def __call__(self, params: Any, state: Any = None, loss: Any = None) -> bool:
        """Note one update; look if a look is due, and say whether it did.

        Args:
            params: after the update.
            state: of the optimiser after the update, kept, and read where a look is due and at the end only;
                None: every call counts.
            loss: the training loss, if known.
        """
        self._calls, self._state = self._calls + 1, state
        if not self.observer.due(self._calls + self._ahead):
            return False
        self._count()
        found = self._watch.step(self._calls + self._ahead, params, loss)
        return self._told(found)

    def finish(self, params: Any) -> bool:
        """Look at the end of training, unless the last step was looked at."""
        self._count()
        self._watch.seen = max(self._watch.seen, self._calls + self._ahead)
        return self._told(self._watch.finish(params))

    def _count(self) -> None:
        """Go by the updates that the last state has counted, if it has."""
        try:
            counted = count_of(self._state)
        except RuntimeError:  # given away to a step that the watch was not told of
            return
        if counted is not None:
            self._ahead = counted - self._calls

    def _told(self, found: dict[str, float] | None) -> bool:
        if found is not None and self._log is not None:
            self._log(found, self._watch.seen)
        return found is not None


def count_of(state: Any) -> int | None:
    """The largest number of updates that parts of a state of Optax have counted; None without a count.

    `optax.MultiSteps` has its own word for it, ``gradient_step``.
    """
    entries = jax.tree_util.tree_flatten_with_path(state)[0]
    found = [
        int(np.asarray(leaf))
        for path, leaf in entries
        if path
        and getattr(path[-1], "name", None) in ("count", "gradient_step")
        and not np.ndim(leaf)
    ]
    return max(found, default=None)
