"""What do observers of networks of several widths say together: which powers of the width, and when?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_choice, check_count
from lazyscope._entry import checked
from lazyscope._plain import plain
from lazyscope._result import AbstractResult
from lazyscope.measure import ExponentMap, estimate_exponents
from lazyscope.observe._record import SERIES, Observations

GROUP_SERIES = ("group_operator", "group_frobenius")
JOINED_FORMAT = "lazyscope-joined-observations-1"


@final
@dataclass(frozen=True, repr=False)
class JoinedObservations(AbstractResult):
    """Records of the same training at several widths, at the steps that all of them looked at.

    Attributes:
        widths: the W widths, increasing.
        records: of every width, one for each seed.
        steps: (T,) steps at which all records have a look, after the start.
    """

    widths: tuple[int, ...]
    records: tuple[tuple[Observations, ...], ...]
    steps: tuple[int, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, the same at all widths."""
        return self.records[0][0].subject.groups

    def values(self, name: str) -> Float[np.ndarray, "T groups W S"]:
        """One quantity at the common steps: NaN where a width has fewer seeds, or where it is not defined.

        Args:
            name: of a field of `Measurement` with one number for each look (one group then), or of
                ``group_operator`` and ``group_frobenius``.
        """
        check_choice("a quantity of joined records", name, (*GROUP_SERIES, *SERIES))
        groups = len(self.groups) if name in GROUP_SERIES else 1
        seeds = max(map(len, self.records))
        found = np.full((len(self.steps), groups, len(self.widths), seeds), np.nan)
        for w, records in enumerate(self.records):
            for s, record in enumerate(records):
                seen = dict(zip(record.steps.tolist(), record.series(name), strict=True))
                for t, step in enumerate(self.steps):
                    found[t, :, w, s] = seen[step]
        return np.where(np.isfinite(found), found, np.nan)

    def exponents(self, name: str, *, level: float = 0.95) -> ExponentMap | None:
        """Power of the width of one quantity at every common step, and of every group of it, with intervals.

        Args:
            name: as for `values`.
            level: nominal coverage.

        Returns:
            `lazyscope.measure.ExponentMap` whose cells run over steps, then over groups: cell
            ``t * len(groups) + g``. None where no step has three widths and three runs more than one per
            width with positive values.

        Cost: about six milliseconds per cell. Trust: as `lazyscope.measure.estimate_exponent`.
        """
        values = self.values(name)
        positive = np.where(values > 0, values, np.nan).reshape(-1, *values.shape[2:])
        counts = np.isfinite(positive).sum(-1)
        usable = ((counts > 0).sum(-1) >= 3) & (np.maximum(counts - 1, 0).sum(-1) >= 3)
        if not usable.any():
            return None
        widths = np.asarray(self.widths, float)
        return estimate_exponents(widths, positive, level=level, missing="absent")

    def summary(self) -> dict[str, Any]:
        """Exponents over time of what says how lazy training was, ready for JSON; None: not estimated.

        ``exponents`` has for every quantity lists over steps (and over groups) of [value, low, high].
        """
        names = (*GROUP_SERIES, "kernel_change", "linearisation_share", "sharpness")
        return plain(
            {
                "format": JOINED_FORMAT,
                "widths": list(self.widths),
                "seeds": [len(records) for records in self.records],
                "steps": list(self.steps),
                "groups": list(self.groups),
                "exponents": {name: self._listed(name) for name in names},
            }
        )

    def quantities(self) -> dict[str, Any]:
        """The common axes, and every quantity over step, group, width and seed."""
        axes = {"widths": self.widths, "steps": self.steps, "groups": self.groups}
        return axes | {name: self.values(name) for name in (*GROUP_SERIES, *SERIES)}

    def dims(self) -> dict[str, tuple[str, ...]]:
        """Groups are ``all`` of a quantity of the whole network."""
        several = dict.fromkeys(GROUP_SERIES, ("step", "group", "width", "seed"))
        single = dict.fromkeys(SERIES, ("step", "all", "width", "seed"))
        return {"widths": ("width",), "steps": ("step",), **single, **several}

    def to_json(self) -> dict[str, Any]:
        """`summary`, which `lazyscope report` reads."""
        return self.summary()

    def _listed(self, name: str) -> list[list[list[float | None]]]:
        groups = len(self.groups) if name in GROUP_SERIES else 1
        found = self.exponents(name)
        if found is None:
            return [[[None] * 3] * groups for _ in self.steps]
        rows = [
            [_number(each[k]) for each in (found.exponent, found.low, found.high)]
            for k in range(len(found))
        ]
        return [rows[k : k + groups] for k in range(0, len(rows), groups)]


@checked(own=("records",))
def join_observations(
    records: Mapping[int, Observations | Sequence[Observations]],
) -> JoinedObservations:
    """Join the records of observers of several widths, trained alike.

    Observers look at common steps if they are told the length of training (``Cadence(steps=...)``): those
    owed are at the same steps whatever the time allows. Other steps that not all have seen are left out.

    Args:
        records: for every width its record, or a list of them, one for each seed.

    Raises:
        InputError: fewer than two widths, widths that are no whole numbers, records of other groups, other
            probe points or another loss, or no step that all have seen.

    Example:
        >>> from lazyscope.observe import Look, Measurement, Subject
        >>> def seen(width):
        ...     size = np.array([width**-0.5])
        ...     moved = Measurement(size, size, size, size, size[0], 1, size[0], 1, 0.5, 0, 0.1, 0)
        ...     subject = Subject(("w",), ((width, 2),), ("w",), (0,), 4, 2, True)
        ...     return Observations(subject, (Look(0, 0.0, 1.0, moved), Look(9, 1.0, 0.5, moved)))
        >>> joined = join_observations({w: [seen(w)] * 2 for w in (64, 256, 1024)})
        >>> joined.steps, round(float(joined.exponents("kernel_change").exponent[0]), 3)
        ((9,), -0.5)
    """
    if not isinstance(records, Mapping) or len(records) < 2:
        raise InputError(
            "records must be given for two widths at least",
            received=f"{len(records)} widths"
            if isinstance(records, Mapping)
            else type(records).__name__,
            cause="one record, or a list of them without their widths",
            fix="give a mapping from widths to records, {64: first.record, 256: second.record}",
        )
    given = {check_count("every width", width): width for width in records}
    widths = tuple(sorted(given))
    listed = tuple(_listed(width, records[given[width]]) for width in widths)
    every = [record for each in listed for record in each]
    groups = every[0].subject.groups
    other = next((r.subject.groups for r in every if r.subject.groups != groups), None)
    if other is not None:
        raise InputError(
            "joined records must have the same groups",
            received=f"{', '.join(other)} beside {', '.join(groups)}",
            cause="networks of another depth, or groups that were named otherwise",
            fix="observe networks that differ in their width alone, with the same groups",
        )
    _check_alike(every)
    common = set.intersection(*(set(record.steps.tolist()) for record in every)) - {0}
    if not common:
        raise InputError(
            "joined records must have looked at a common step",
            received=f"steps {sorted(every[0].steps.tolist())[:6]} and others",
            cause="observers that looked whenever they had time, which is elsewhere at every width",
            fix="tell every observer the length of training, cadence=Cadence(steps=...)",
        )
    return JoinedObservations(widths, listed, tuple(sorted(common)))


def _check_alike(records: Sequence[Observations]) -> None:
    """Refuse records whose numbers are of another question."""
    told = {
        name: [getattr(record.subject, name) for record in records]
        for name in ("num_points", "num_outputs", "loss")
    }
    other = [name for name, values in told.items() if len(set(values)) > 1]
    if other:
        raise InputError(
            "joined records must be of the same probe points and loss",
            received="; ".join(f"{name} {', '.join(map(str, told[name]))}" for name in other),
            cause="observers that were told about other points, another task or another loss",
            fix="give every observer the same x_probe, y_probe and loss",
        )


def _listed(width: Any, given: Any) -> tuple[Observations, ...]:
    found = tuple(given) if isinstance(given, Sequence) else (given,)
    if not found or not all(isinstance(record, Observations) for record in found):
        raise InputError(
            f"the records of width {width} must be records of observers",
            received=f"{given!r:.60}",
            cause="observers instead of their records, files, or none",
            fix="give observer.record, or open_observations(path)",
        )
    return found


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
