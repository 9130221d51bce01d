"""How far did arrays and groups move, as shares of where they started?"""

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from lazyscope._checks import check_alike, check_array
from lazyscope.observe._record import Subject


def relative_changes(moved: ArrayLike, start: ArrayLike) -> Float[np.ndarray, " entries"]:
    """Changes as shares of the start: infinite where the start is zero, 0 where the change is too.

    NaN where a number is not finite.

    Raises:
        InputError: arrays of different shapes, or of anything but real numbers.

    Example:
        >>> relative_changes([1.0, 0.0, 2.0], [4.0, 0.0, 0.0]).tolist()
        [0.25, 0.0, inf]
    """
    check_alike(may_be_empty=True, moved=moved, start=start)
    change, size = (
        np.asarray(check_array(name, given, finite=False), float)
        for name, given in (("moved", moved), ("start", start))
    )
    known = np.isfinite(change) & np.isfinite(size)
    ratio = np.where(known, np.where(change == 0, 0.0, np.inf), np.nan)
    return np.divide(change, size, where=known & (size > 0), out=ratio)


def displacement_fields(
    subject: Subject,
    frobenius: tuple[ArrayLike, ArrayLike],
    operator: tuple[ArrayLike, ArrayLike],
) -> dict[str, Any]:
    """The displacement fields of a `Measurement` from norms (of the change, of the start) of every leaf.

    Operator norms are NaN for leaves that are not matrices.

    Example:
        >>> subject = Subject(("w", "b"), ((2, 2), (2,)), ("layer",), (0, 0), 1, 1, False)
        >>> fields = displacement_fields(subject, ([3, 4], [5, 0]), ([3, np.nan], [4, np.nan]))
        >>> fields["group_frobenius"].tolist(), fields["group_operator"].tolist(), fields["total"]
        ([1.0], [0.75], 1.0)
    """
    with np.errstate(over="ignore", invalid="ignore"):  # norms of a run that diverged
        return _displacement_fields(subject, frobenius, operator)


def _displacement_fields(
    subject: Subject, frobenius: tuple[ArrayLike, ArrayLike], operator: tuple[ArrayLike, ArrayLike]
) -> dict[str, Any]:
    group = np.asarray(subject.parameter_group, int)
    count = len(subject.groups)

    def joined(norms: ArrayLike) -> np.ndarray:
        return np.sqrt(np.bincount(group, np.asarray(norms, float) ** 2, minlength=count))

    def largest(norms: ArrayLike) -> np.ndarray:
        out = np.full(count, -np.inf)
        values = np.asarray(norms, float)
        matrix = np.array([len(shape) == 2 for shape in subject.shapes])
        np.maximum.at(out, group[matrix], values[matrix])  # NaN stays NaN
        return np.where(np.isneginf(out), np.nan, out)

    totals = [float(np.sqrt(np.sum(np.asarray(norms, float) ** 2))) for norms in frobenius]
    return {
        "parameter_frobenius": relative_changes(*frobenius),
        "parameter_operator": relative_changes(*operator),
        "group_frobenius": relative_changes(joined(frobenius[0]), joined(frobenius[1])),
        "group_operator": relative_changes(largest(operator[0]), largest(operator[1])),
        "total": float(relative_changes(totals[:1], totals[1:])[0]),
    }
