"""What is one run, once it has ended?"""

from collections.abc import Iterator, KeysView, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from lazyscope._outcome import Outcome
from lazyscope._result import AbstractResult, AnswerPart, field_of
from lazyscope.experiment._settings import Value
from lazyscope.measure import laziness
from lazyscope.scaling import Scheme

VERSION = 1
"""Of what a record holds."""


@final
@dataclass(frozen=True, eq=False, repr=False)
class RunRecord(AbstractResult, Mapping[str, Any]):
    """One run: what it was, how it ended and what was measured.

    By item it gives what is told of the run, which is ready for JSON; where nothing was told, the
    measured quantities, ``record["loss_final"]``. ``record["outcome"]`` and ``record["loss"]`` (``initial``
    and ``final``) are there either way. Items are fields too, ``record.displacement.frobenius``; `outcome` as
    a field is an `Outcome`.

    Attributes:
        settings: of the run, by their names in sweep files; of a problem of one's own only those of training.
        outcome: how it ended.
        num_steps: steps that were taken.
        seconds: wall time, without compilation.
        measurements: quantities by name, see `record_names`.
        method: kind and numbers of what trained it.
        width: units of every hidden layer; None where it is not known.
        virtual_width: width that the run stands for, where it is another one.
        scheme: scales and speeds of the layers.
        optimizer: None for gradient flow and gradient descent.
        criterion: the loss that was trained.
        data: digest of the points and targets; empty where it is not known.
        seed: of the initial weights; None where somebody else drew them.
        versions: of the packages that made the numbers.
        told: what is said of the run, ready for JSON.
        version: of this record.
    """

    settings: Mapping[str, Value]
    outcome: Outcome
    num_steps: int
    seconds: float
    measurements: Mapping[str, Any]
    method: Mapping[str, Any]
    width: int | None = None
    virtual_width: float | None = None
    scheme: Scheme | None = None
    optimizer: str | None = None
    criterion: str = "squared"
    data: str = ""
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    version: int = VERSION

    _told_first = ("outcome", "verdict", "displacement", "kernel_change", "steps")

    def __getitem__(self, name: str) -> Any:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def keys(self) -> KeysView[str]:
        """Names of the items."""
        return self._items.keys()

    def __len__(self) -> int:
        return len(self._items)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in self.__dataclass_fields__:  # of a copy in the making
            raise AttributeError(name)
        return field_of(self._items, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in self if name.isidentifier())})

    @property
    def verdict(self) -> str | None:
        """``lazy`` if neither a layer nor the kernel changed by a tenth; None if that is not known."""
        if self.told:
            return self.told.get("verdict")
        seen = self.measurements
        known = self.outcome.ok and {"displacement_operator", "kernel_change"} <= set(seen)
        if not known:
            return None
        moved = float(np.max(seen["displacement_operator"]))
        return laziness(max(moved, float(seen["kernel_change"])))

    @property
    def displacement(self) -> AnswerPart:
        """Relative, ``operator`` and ``frobenius`` of every layer or group, and ``total``."""
        if self.told:
            return AnswerPart(self.told["displacement"])
        names = ("operator", "frobenius", "total")
        return AnswerPart({name: self.measurements.get(f"displacement_{name}") for name in names})

    def telling(self, told: Mapping[str, Any]) -> "RunRecord":
        """The same run with what is said of it."""
        return replace(self, told=told)

    @property
    def _items(self) -> Mapping[str, Any]:
        if self.told:
            return self.told
        seen = self.measurements
        loss = {end: seen.get(f"loss_{end}") for end in ("initial", "final")}
        return {"outcome": self.outcome.label, "loss": loss, **seen}
