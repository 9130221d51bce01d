"""What do narrow networks say of a wide one, as a record?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from lazyscope._checks import InputError
from lazyscope._estimate import LEVEL, Estimate, Verdict
from lazyscope._plain import plain
from lazyscope._result import AbstractResult
from lazyscope.measure import LAZY
from lazyscope.proxy._extrapolation import Extrapolated

ArrayRegime = Literal["lazy", "order-one", "condensed", "undecided"]
CONDENSED = 3.0
"""Displacement from which on it counts as condensed: nothing of its start is left."""
FLUCTUATIONS = ("kernel-change", "kernel-change-by-layer", "limit-distance")
"""Quantities that are asked for by name and refused: they go with the real width's m^-1/2."""
RECORD = 1
_NOTHING = -600.0
"""Logarithm of what is zero: numbers are cut off at 1e-300 before their logarithm is taken."""


@final
@dataclass(frozen=True)
class ArrayAnswer:
    """What is predicted of one array of the wide network.

    Attributes:
        name: of the array.
        role: ``input``, ``hidden``, ``output``, ``fixed`` or ``unused``.
        displacement: operator norm of its change after the training over that of its start; over nothing
            where it starts at zero. A vector has its Euclidean norm.
        relative: whether it is relative to the start.
        regime: ``lazy`` up to 0.1, ``condensed`` from 3 on, ``order-one`` between; ``undecided`` where the
            interval leaves two, or where nothing is there to be relative to.
    """

    name: str
    role: str
    displacement: Estimate
    relative: bool
    regime: ArrayRegime


@final
@dataclass(frozen=True)
class Verification:
    """Predictions against the wide network itself.

    Attributes:
        seeds: wide networks that were trained.
        loss_error: mean over the curve of |log predicted - log measured|.
        loss_standard_error: of the measured mean, and of the predicted one from seeds alone.
        displacement_errors: predicted over measured less one, by array.
        covered: share of the predicted intervals, widened by the scatter of so few wide networks, that hold
            what was measured.
        loss: measured, in the mean of logarithms over seeds, at the same steps.
        seconds: processor time of one training of the wide network.
        verdict: whether at least nine in ten intervals held.
    """

    seeds: int
    loss_error: float
    loss_standard_error: float
    displacement_errors: Mapping[str, float]
    covered: float
    loss: tuple[float, ...]
    seconds: float
    verdict: Verdict


@final
@dataclass(frozen=True, repr=False)
class NarrowProxy(AbstractResult):
    """A wide network as narrow ones predict it.

    Attributes:
        width: M.
        proxy_widths: m', increasing.
        seeds: networks of every proxy width.
        training: of the wide network, in its own numbers.
        steps: numbers of steps at which the loss is predicted.
        loss: at these steps, geometric mean over seeds.
        proxy_loss: the same of every proxy width as it was measured, for pictures.
        arrays: what is predicted of every array.
        regime: ``theta-lazy``, ``critical``, ``partially-lazy``, ``condensed`` or ``undecided``.
        order_holds: share of the numbers that a third width found on the line; None without one.
        seconds: processor time of all proxies together, without compilation.
        wide_seconds: processor time of one wide training, at least: its gradient was timed once.
        start_errors: logarithms by which gradients at the start are off, by array.
        notes: what a reader has to know, a sentence each.
        verification: against the wide network, where it was asked for.
    """

    width: int
    proxy_widths: tuple[int, ...]
    seeds: int
    training: Mapping[str, Any]
    steps: tuple[int, ...]
    loss: tuple[Estimate, ...]
    proxy_loss: tuple[tuple[float, ...], ...]
    arrays: tuple[ArrayAnswer, ...]
    regime: str
    order_holds: float | None
    seconds: float
    wide_seconds: float
    start_errors: Mapping[str, float]
    notes: tuple[str, ...]
    verification: Verification | None = None

    @property
    def saved(self) -> float:
        """Processor time saved, in units of one wide training; negative where proxies cost more than it."""
        return 1 - self.seconds / self.wide_seconds if self.wide_seconds else 0.0

    def __getitem__(self, name: str) -> ArrayAnswer:
        """What is predicted of an array.

        Raises:
            InputError: no such array; for what lives on fluctuations, why it has no answer.
        """
        found = {each.name: each for each in self.arrays}
        if name in found:
            return found[name]
        if name.replace("_", "-") in FLUCTUATIONS:
            raise InputError(
                "a proxy is asked for what narrow networks have in the mean",
                received=repr(name),
                cause="it lives on fluctuations of the real width, of order M^-1/2, which narrow networks do "
                "not have",
                fix="measure it on networks of the real width: lazyscope sweep, or lazyscope.measure",
            )
        raise InputError(
            "a proxy answers for the arrays of the network",
            received=repr(name),
            cause="a misspelt name",
            fix=f"use names among {', '.join(found)}",
        )

    def to_json(self) -> dict[str, Any]:
        """A dict ready for JSON."""
        checked = self.verification
        return plain(
            {
                "format": RECORD,
                "width": self.width,
                "proxy_widths": self.proxy_widths,
                "seeds": self.seeds,
                "training": dict(self.training),
                "steps": self.steps,
                "loss": [each.as_json() for each in self.loss],
                "proxy_loss": [
                    [value if math.isfinite(value) else None for value in curve]
                    for curve in self.proxy_loss
                ],
                "arrays": [
                    {
                        "name": each.name,
                        "role": each.role,
                        "displacement": each.displacement.as_json(),
                        "relative": each.relative,
                        "regime": each.regime,
                    }
                    for each in self.arrays
                ],
                "regime": self.regime,
                "order_holds": self.order_holds,
                "seconds": self.seconds,
                "wide_seconds": self.wide_seconds,
                "saved": self.saved,
                "start_errors": {
                    k: v if math.isfinite(v) else None for k, v in self.start_errors.items()
                },
                "notes": self.notes,
                "verification": None
                if checked is None
                else {
                    "seeds": checked.seeds,
                    "loss_error": checked.loss_error,
                    "loss_standard_error": checked.loss_standard_error,
                    "displacement_errors": dict(checked.displacement_errors),
                    "covered": checked.covered,
                    "loss": checked.loss,
                    "seconds": checked.seconds,
                    "verdict": checked.verdict.as_json(),
                },
            }
        )

    def __str__(self) -> str:
        cost = f"{self.seconds:.3g} s of processor time for at least {self.wide_seconds:.3g} s"
        lines = [
            f"width {self.width} from {', '.join(map(str, self.proxy_widths))}, {self.seeds} seeds each",
            f"loss {_shown(self.loss[0])} -> {_shown(self.loss[-1])} after {self.steps[-1]} steps",
            *(
                f"{each.name}  {each.role}  displacement {_shown(each.displacement)}  {each.regime}"
                for each in self.arrays
            ),
            f"regime {self.regime}; {cost}",
            *self.notes,
        ]
        return "\n".join(lines)


def basis_of(seeds: int, proxy_widths: Sequence[int], width: int) -> str:
    """What an estimate from narrow networks rests on, in words."""
    return f"{seeds} seeds at widths {', '.join(map(str, proxy_widths))}, read at {width}"


def estimates_of(found: Extrapolated, basis: str) -> list[Estimate]:
    """Estimates from logarithms: none where a proxy had none, zero where all proxies had that."""
    pairs = zip(np.ravel(found.value), np.ravel(found.half_width), strict=True)
    made = []
    for value, half in pairs:
        if not math.isfinite(value) or not math.isfinite(half):
            made.append(Estimate(None, basis=f"{basis}; a proxy had no finite value"))
            continue
        if value < _NOTHING:
            made.append(Estimate(0.0, 0.0, 0.0, level=LEVEL, basis=basis))
            continue
        ends = (math.exp(min(each, 700.0)) for each in (value - half, value + half))
        made.append(Estimate(math.exp(value), *ends, level=LEVEL, basis=basis))
    return made


def regime_of(displacement: Estimate, *, relative: bool) -> ArrayRegime:
    """The regime that the whole interval lies in."""
    low, high = displacement.interval
    if not relative or low is None or high is None:
        return "undecided"
    if high <= LAZY:
        return "lazy"
    if low >= CONDENSED:
        return "condensed"
    return "order-one" if low > LAZY and high < CONDENSED else "undecided"


def network_regime_of(arrays: Sequence[ArrayAnswer]) -> str:
    """The regime of the network from those of its growing arrays that start from something, and move."""
    found = [
        each.regime
        for each in arrays
        if each.relative and each.role not in ("fixed", "unused") and each.displacement.value != 0
    ]
    if "condensed" in found:
        return "partially-lazy" if "lazy" in found else "condensed"
    if "order-one" in found:
        return "critical" if "undecided" not in found else "undecided"
    return "theta-lazy" if found and set(found) == {"lazy"} else "undecided"


def _shown(each: Estimate) -> str:
    if each.value is None:
        return "-"
    return f"{each.value:.3g} [{each.low:.3g}, {each.high:.3g}]"
