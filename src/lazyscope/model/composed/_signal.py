"""What travels between the parts of a composed network?"""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Signal:
    """Positions and channels of a signal, at any width m of the network.

    Attributes:
        positions: lengths of the axes between the points and the channels; none after `flatten`.
        wide: channels are ``wide * m + fixed``.
        fixed: channels that do not grow with the width.
    """

    positions: tuple[int, ...]
    wide: int
    fixed: int

    def channels(self, width: int) -> int:
        """Channels at width m."""
        return self.wide * width + self.fixed

    @property
    def words(self) -> str:
        """The shape of one point, for messages: (8, 8, m)."""
        grown = {0: "", 1: "m"}.get(self.wide, f"{self.wide} m")
        last = " + ".join(part for part in (grown, str(self.fixed) if self.fixed else "") if part)
        return f"({', '.join([*map(str, self.positions), last])})"
