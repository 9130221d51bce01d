"""What was seen of a network while something trained it?

NumPy arrays and plain numbers only: whoever measures, in whatever library, fills the same record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float

from lazyscope._deprecated import warn_renamed
from lazyscope._plain import plain
from lazyscope._result import AbstractResult, AnswerPart
from lazyscope.measure import laziness

SERIES = (
    "probe_loss",
    "kernel_change",
    "kernel_alignment",
    "target_alignment",
    "linearisation_gap",
    "linearisation_share",
    "flipped",
    "largest_eigenvalue",
    "smallest_eigenvalue",
    "sharpness",
    "low_rank_distance",
    "total",
)
"""Quantities with one number for each look, by their names in `Measurement`."""

_UNKNOWN = float("nan")

OLD_NAMES = {
    "leaves": "parameters",
    "leaf_group": "parameter_group",
    "leaf_frobenius": "parameter_frobenius",
    "leaf_operator": "parameter_operator",
}
"""What records of the first format call their parts."""


def _by_old_name(record: Any, name: str) -> Any:
    """A part of a record that is asked for as it was called once."""
    new = OLD_NAMES.get(name)
    if new is None or new not in {each.name for each in fields(record)}:
        raise AttributeError(f"{type(record).__name__!r} object has no attribute {name!r}")
    warn_renamed(name, new, depth=4)
    return getattr(record, new)


@final
@dataclass(frozen=True)
class Subject:
    """What is observed, fixed for a whole record.

    Attributes:
        parameters: names of the parameter arrays, as the library that trains them names them.
        shapes: their shapes.
        groups: names of the groups (layers), in the order of their first array.
        parameter_group: number of the group that each array belongs to.
        num_points: probe points N.
        num_outputs: outputs C.
        has_targets: whether targets at the probe points were given.
        notes: what a reader has to know, one sentence each, such as what could not be measured.
        provenance: versions, the machine's clock at the start, and what the caller adds.
        loss: name of the loss that `probe_loss` and `sharpness` are of.
    """

    parameters: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    groups: tuple[str, ...]
    parameter_group: tuple[int, ...]
    num_points: int
    num_outputs: int
    has_targets: bool
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    loss: str = "squared"

    def __getattr__(self, name: str) -> Any:
        return _by_old_name(self, name)

    @property
    def num_parameters(self) -> int:
        """Entries of all arrays together."""
        return sum(int(np.prod(shape, dtype=int)) for shape in self.shapes)


@final
@dataclass(frozen=True)
class Measurement:
    """One look at the parameters theta(t), against where they started. NaN: not defined, or not finite.

    Attributes:
        parameter_frobenius: |w(t) - w(0)| / |w(0)| of every array, Frobenius norm; infinite for one that
            started at zero and moved.
        parameter_operator: the same in operator norm, for arrays that are matrices.
        group_frobenius: the same over all entries of a group.
        group_operator: operator norm over the matrices of a group, as of one block-diagonal matrix:
            max |dW| / max |W|.
        total: |theta(t) - theta(0)| / |theta(0)| over all entries.
        probe_loss: the loss that `Subject.loss` names, on the probe points: ``squared`` is
            1/(2N) sum_i |f(x_i) - y_i|^2, whatever training minimises.
        kernel_change: |K(t) - K(0)| / |K(0)| of the kernel averaged over outputs, on the probe points.
        kernel_alignment: cosine between K(t) and K(0).
        target_alignment: <K(t), Y Y^T> / (|K(t)| |Y Y^T|).
        linearisation_gap: rms of f - f_lin over probe points and outputs, in rms targets, with
            f_lin = f_0 + J_0 (theta(t) - theta(0)).
        linearisation_share: the same distance as a share of how far the outputs moved,
            |f - f_lin| / |f - f_0|.
        flipped: share of ReLU units, over units and probe points, that switched on or off since the start.
        largest_eigenvalue: lambda_max of the (N C, N C) kernel of the probe points.
        smallest_eigenvalue: the smallest one; 0 where it is not resolved, which is below N C eps lambda_max.
        sharpness: largest eigenvalue of the Gauss-Newton matrix of the probe loss, lambda_max / N if squared.
        low_rank_distance: D_LR = 1 - CKA of the features before the last layer with the projection onto
            the outputs (arXiv 2410.04264): 0 rich, 1 lazy.
        update_alignment: |dW h| / (|dW| |h|) of every array with what enters it now at the probe points,
            dW = W(t) - W(0), Frobenius norms: 1 if all of dW reads the one direction that all inputs have,
            1/sqrt(fan-in) if dW knows nothing of them.
        weight_alignment: |W h| / (|W| |h|) likewise.
        input_rank: (sum s^2)^2 / sum s^4 over the singular values s of what enters the array, one row for
            each position of each probe point: how many directions the features before it have.
    """

    parameter_frobenius: Float[np.ndarray, " parameters"]
    parameter_operator: Float[np.ndarray, " parameters"]
    group_frobenius: Float[np.ndarray, " groups"]
    group_operator: Float[np.ndarray, " groups"]
    total: float
    probe_loss: float
    kernel_change: float
    kernel_alignment: float
    target_alignment: float
    linearisation_gap: float
    linearisation_share: float
    flipped: float
    largest_eigenvalue: float = _UNKNOWN
    smallest_eigenvalue: float = _UNKNOWN
    sharpness: float = _UNKNOWN
    low_rank_distance: float = _UNKNOWN
    update_alignment: Float[np.ndarray, " parameters"] | None = None
    weight_alignment: Float[np.ndarray, " parameters"] | None = None
    input_rank: Float[np.ndarray, " parameters"] | None = None

    def __post_init__(self) -> None:
        for name in ("update_alignment", "weight_alignment", "input_rank"):
            if getattr(self, name) is None:  # records of before have none
                unknown = np.full(np.shape(self.parameter_frobenius), _UNKNOWN)
                object.__setattr__(self, name, unknown)

    def __getattr__(self, name: str) -> Any:
        return _by_old_name(self, name)


@final
@dataclass(frozen=True)
class Look:
    """A measurement with when it was taken.

    Attributes:
        step: the caller's step count.
        seconds: since the observer was made.
        loss: as the caller gave it, NaN if not.
        measurement: what was measured.
        rate: the learning rate of plain gradient descent as the caller gave it, NaN if not.
    """

    step: int
    seconds: float
    loss: float
    measurement: Measurement
    rate: float = _UNKNOWN


_OWN = ("seconds", "loss", "rate")


@final
@dataclass(frozen=True, repr=False)
class Observations(AbstractResult):
    """Everything seen so far, in the order of steps. Immutable: a further look makes a new record.

    Attributes:
        subject: what is observed.
        looks: at least the one at the start.
        observing_seconds: what looking cost training: the looks after the first, and what steps after
            them took longer.
        setup_seconds: time that making the observer took, compilation and the first look included.

    Example:
        >>> nothing = np.zeros(1)
        >>> still = Measurement(nothing, nothing, nothing, nothing, 0, 1, 0, 1, 0.5, 0, np.nan, 0)
        >>> subject = Subject(("w",), ((3, 2),), ("w",), (0,), 4, 2, True)
        >>> record = Observations(subject, (Look(0, 0.0, 1.0, still),))
        >>> record.kernel_change.tolist(), record.summary()["verdict"]
        ([0.0], 'lazy')
    """

    subject: Subject
    looks: tuple[Look, ...]
    observing_seconds: float = 0.0
    setup_seconds: float = 0.0

    def quantities(self) -> dict[str, Any]:
        """The series over looks, and what is observed."""
        own = {"step": self.steps, "seconds": self.seconds, "loss": self.loss, "rate": self.rate}
        groups = {name: self.series(name) for name in ("group_operator", "group_frobenius")}
        about = {"groups": self.subject.groups, "num_looks": len(self.looks)}
        cost = {name: getattr(self, name) for name in ("observing_seconds", "setup_seconds")}
        return {**about, **own, **groups, **{name: self.series(name) for name in SERIES}, **cost}

    def dims(self) -> dict[str, tuple[str, ...]]:
        """Looks are over steps."""
        found: dict[str, tuple[str, ...]] = dict.fromkeys(("step", *_OWN, *SERIES), ("step",))
        return found | dict.fromkeys(("group_operator", "group_frobenius"), ("step", "group"))

    def save(self, path: str | PathLike[str]) -> Path:
        """As `save_observations`, so that `open_observations` reads it; ``.csv`` is a table."""
        from lazyscope.observe._save import save_observations

        if str(path).endswith((".csv", ".nc")):
            return AbstractResult.save(self, path)
        return save_observations(self, path)

    def with_look(self, look: Look, seconds: float = 0.0) -> "Observations":
        """The record with one look more, by which looking cost `seconds` more; the same step is replaced."""
        before = self.looks[:-1] if look.step == self.looks[-1].step else self.looks
        spent = self.observing_seconds + seconds
        return replace(self, looks=(*before, look), observing_seconds=spent)

    @property
    def share(self) -> float:
        """What looking cost as a share of the time spent training; NaN before the first look of training."""
        looks = len(self.looks) - 1
        # The clock of a look is read when it begins: the last one is after the training it is compared with.
        before = self.observing_seconds * (looks - 1) / looks if looks else 0.0
        training = float(self.seconds[-1]) - before
        return self.observing_seconds / training if training > 0 else float("nan")

    @property
    def steps(self) -> np.ndarray:
        """(looks,) the caller's step counts."""
        return np.array([look.step for look in self.looks], int)

    @property
    def seconds(self) -> np.ndarray:
        """(looks,) seconds since the observer was made."""
        return np.array([look.seconds for look in self.looks], float)

    @property
    def loss(self) -> np.ndarray:
        """(looks,) as the caller gave it; NaN where it was not given."""
        return np.array([look.loss for look in self.looks], float)

    def series(self, name: str) -> np.ndarray:
        """One field of `Measurement` over all looks: (looks,), (looks, parameters) or (looks, groups)."""
        return np.array([getattr(look.measurement, name) for look in self.looks], float)

    @property
    def rate(self) -> np.ndarray:
        """(looks,) the learning rate as the caller gave it; NaN where it was not given."""
        return np.array([look.rate for look in self.looks], float)

    @property
    def stable_rate(self) -> np.ndarray:
        """(looks,) 2 / sharpness, which is 2N / lambda_max for the squared loss.

        Plain gradient descent on the probe points at a larger rate cannot stay where it is; training that
        comes near is at the edge of stability. Rates of Adam and its like, of momentum, and rates on other
        points or on a loss with another factor are not comparable with it.
        """
        return 2 / self.series("sharpness")

    @property
    def kernel_change(self) -> np.ndarray:
        """(looks,) relative change of the kernel."""
        return self.series("kernel_change")

    def scalars(self, prefix: str = "lazyscope/") -> dict[str, float]:
        """The last look as flat numbers for a logger (TensorBoard, W&B, MLflow); the finite ones.

        Args:
            prefix: of every name.

        Example:
            >>> nothing = np.zeros(1)
            >>> still = Measurement(nothing, nothing, nothing, nothing, 0, 1, 0.25, 1, 0.5, 0, np.nan, 0)
            >>> subject = Subject(("w",), ((3, 2),), ("w",), (0,), 4, 2, True)
            >>> record = Observations(subject, (Look(0, 0.0, 1.0, still),))
            >>> record.scalars()["lazyscope/kernel_change"], record.scalars()["lazyscope/displacement/w"]
            (0.25, 0.0)
        """
        last = self.looks[-1].measurement
        found = {name: float(getattr(last, name)) for name in SERIES}
        found |= {"stable_rate": float(self.stable_rate[-1]), "observing_share": self.share}
        found |= _by_name("displacement", self.subject.groups, last.group_frobenius)
        for name in ("update_alignment", "weight_alignment", "input_rank"):
            found |= _by_name(name, self.subject.parameters, getattr(last, name))
        return {prefix + name: value for name, value in found.items() if np.isfinite(value)}

    @property
    def verdict(self) -> str | None:
        """Of the last look, as in `summary`."""
        return _verdict(self.looks[-1].measurement)

    def summary(self) -> AnswerPart:
        """Where the last look left the network, with the keys of `train_run`; None: not defined, or infinite.

        ``verdict`` is ``lazy`` if neither a group nor the kernel changed by a tenth of its size,
        ``not-lazy`` if one changed by its own size or more, else ``borderline``. Groups that started at
        zero (biases, zero readouts) have no relative change and do not count; None if training left
        the finite numbers.
        """
        first, last = self.looks[0].measurement, self.looks[-1].measurement
        return AnswerPart(
            plain(
                {
                    "groups": list(self.subject.groups),
                    "steps": self.looks[-1].step,
                    "loss": {"initial": self.looks[0].loss, "final": self.looks[-1].loss},
                    "probe_loss": {"initial": first.probe_loss, "final": last.probe_loss},
                    "displacement": {
                        "operator": last.group_operator,
                        "frobenius": last.group_frobenius,
                        "total": last.total,
                    },
                    "kernel_change": last.kernel_change,
                    "kernel_alignment": last.kernel_alignment,
                    "target_alignment": last.target_alignment,
                    "linearisation_gap": {"probe": last.linearisation_gap},
                    "linearisation_share": last.linearisation_share,
                    "flipped": last.flipped,
                    "largest_eigenvalue": {
                        "initial": first.largest_eigenvalue,
                        "final": last.largest_eigenvalue,
                    },
                    "smallest_eigenvalue": last.smallest_eigenvalue,
                    "stable_rate": self.stable_rate[-1],
                    "rate": self.looks[-1].rate,
                    "low_rank_distance": {
                        "initial": first.low_rank_distance,
                        "final": last.low_rank_distance,
                    },
                    "observing": {
                        "looks": len(self.looks),
                        "seconds": self.observing_seconds,
                        "share": self.share,
                        "setup_seconds": self.setup_seconds,
                    },
                    "verdict": _verdict(last),
                    "notes": list(self.subject.notes),
                }
            )
        )


def _by_name(what: str, names: tuple[str, ...], values: Any) -> dict[str, float]:
    return {f"{what}/{name}": float(value) for name, value in zip(names, values, strict=True)}


def _verdict(last: Measurement) -> str | None:
    operator, frobenius = last.group_operator, last.group_frobenius
    sizes = np.where(np.isnan(operator), frobenius, operator)
    if np.isnan([*sizes, last.total]).any() or not np.isfinite(last.kernel_change):
        return None
    largest = float(np.max(sizes, where=np.isfinite(sizes), initial=0.0))
    return laziness(max(largest, last.kernel_change))
