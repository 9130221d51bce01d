"""What does one run of an opened store hold, as plain numbers?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import xarray as xr


@final
@dataclass(frozen=True)
class StoredRuns:
    """The variables of a store with its axes in front, in an order of one's own.

    Attributes:
        variables: arrays by name.
    """

    variables: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, runs: xr.Dataset, axes: tuple[str, ...]) -> "StoredRuns":
        """The runs of an opened store over the dims `axes`, which are all of its axes."""
        ordered = runs.transpose(*axes, ...)
        kept = {str(name): ordered[name].values for name in ordered.data_vars}
        return cls(kept)

    def at(self, *place: int) -> dict[str, Any]:
        """The quantities of the run at these indices along the axes."""
        return {name: values[place] for name, values in self.variables.items()}


def number(value: Any, known: bool = True) -> float | None:
    """A finite number, or None."""
    found = float(value)
    return found if known and np.isfinite(found) else None


def numbers(values: Any, known: bool = True) -> list[float | None]:
    """Finite numbers, None for others."""
    return [number(value, known) for value in np.asarray(values)]
