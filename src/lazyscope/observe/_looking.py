"""What does looking cost a training loop, before and after the look itself?

A look empties the queue of steps that a device has before it, and the caches of the processor; the steps
that follow are slower, which no clock around the look sees. Between the end of one look and the beginning
of the next, both of which wait for the device, k steps take T = k r + h: r is what the longest stretch
takes for a step, and h, the median over the others, is what a look costs afterwards.
"""

from typing import final

import numpy as np

_FEWEST = 4
_OFTEN = 4
"""A stretch tells what is after a look if it is this many times shorter than the longest."""


@final
class Looking:
    """The cost of the looks of one observer.

    Attributes:
        spent: seconds that looking has cost so far, with what followed the looks.
        cost: seconds that a look costs.
    """

    def __init__(self, cost: float) -> None:
        self.spent, self._slowest, self._took, self._count = 0.0, cost, 0.0, 0
        self._stretches: list[tuple[int, float]] = []

    @property
    def cost(self) -> float:
        """Seconds of a slow look of late, and after it: a budget must not rely on a lucky one."""
        return self._slowest + self.afterwards

    @property
    def afterwards(self) -> float:
        """Seconds that the steps after a look take longer, h; 0 while too little is known."""
        if len(self._stretches) < _FEWEST:
            return 0.0
        steps, took = np.array(self._stretches).T
        longest = int(np.argmax(steps))
        short = steps <= steps[longest] / _OFTEN
        if not short.any():
            return 0.0
        return max(0.0, float(np.median((took - steps * took[longest] / steps[longest])[short])))

    def add(self, steps: int, before: float, took: float) -> None:
        """Note a look.

        Args:
            steps: since the look before; 0 for a stretch that tells nothing, such as the first one, in
                which the training step is compiled.
            before: seconds between the two looks.
            took: seconds of the look itself.
        """
        if steps > 0:
            self._stretches.append((steps, before))
        self._slowest = max(took, 0.8 * self._slowest)
        self._took, self._count = self._took + took, self._count + 1
        self.spent = self._took + self._count * self.afterwards
