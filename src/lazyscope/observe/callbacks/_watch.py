"""When does a loop look, and what does it hand to its logger?"""

from typing import Any, final

import numpy as np

from lazyscope.observe._abstract import AbstractObserver


@final
class Watch:
    """An observer beside a counter of steps: what the callbacks of all libraries do.

    Attributes:
        observer: that looks.
        seen: the last step it was told of.
    """

    def __init__(self, observer: AbstractObserver) -> None:
        self.observer = observer
        self.seen = observer.record.looks[-1].step

    def step(self, count: int, params: Any, loss: Any = None) -> dict[str, float] | None:
        """Look if a look is due at step `count`; returns the numbers for a logger if it did."""
        if count <= self.seen:  # within the accumulation of gradients the count stands still
            return None
        self.seen = count
        return self.look(params, loss) if self.observer.due(count) else None

    def finish(self, params: Any) -> dict[str, float] | None:
        """Look at the end, unless the last step was looked at."""
        if self.observer.record.looks[-1].step == self.seen:
            return None
        return self.look(params, None)

    def look(self, params: Any, loss: Any) -> dict[str, float]:
        """Look at the step that was told last."""
        self.observer.observe(params, step=self.seen, loss=_only(loss))
        return self.observer.record.scalars()


def _only(loss: Any) -> Any:
    """A loss that is one number; nothing for what a loop hands on instead of it."""
    size = getattr(loss, "size", None)
    size = size() if callable(size) else size
    if loss is None or isinstance(loss, str | dict | list):
        return None
    return loss if size is None or np.prod(size, dtype=int) == 1 else None
