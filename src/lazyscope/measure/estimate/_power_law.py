"""Which power of one measured quantity does another follow, over the range that was measured?

For quantities plotted against kappa, not for the limit of large width: nothing is extrapolated.
"""

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_array, check_choice, check_fraction
from lazyscope._entry import checked
from lazyscope._estimate import RESOLUTION, Agreement, Estimate, Sign
from lazyscope.measure.estimate._offset import OffsetFit, fit_above_offset
from lazyscope.measure.estimate._student import robust_last, student_reach

MIN_GROUPS = 3
MIN_OFFSET_X = 4


@final
@dataclass(frozen=True)
class PowerLawFit:
    """Slope of log y against log x with an interval that trusts groups, not points.

    Attributes:
        slope: s in y = A x^s, or in y = E + A x^s where an offset was fitted; no unit.
        standard_error: cluster-robust standard error (CR2).
        interval: (low, high) at `level`, from Student's t with `dof` degrees of freedom; beside an offset
            the slopes that a test with these does not reject, infinite where it rejects none to a side.
        level: nominal coverage.
        dof: Satterthwaite degrees of freedom of the standard error.
        constant: A; with one intercept per group, the geometric mean of theirs.
        bend: coefficient of (log x)^2 when it is added, centred; 0 for a power law.
        bend_interval: its interval at `level`, infinite where it cannot be estimated.
        offset: E, zero where none was fitted; like `constant` a geometric mean over groups with an
            intercept each.
        offset_interval: smallest and largest offset that go with the slopes of `interval`.
        residual_sd: standard deviation of the log of y about the line.
        num_points, num_groups, num_missing: points used, their groups, points without a value.
        note: what a reader should know, in sentences.
    """

    slope: float
    standard_error: float
    interval: tuple[float, float]
    level: float
    dof: float
    constant: float
    bend: float
    bend_interval: tuple[float, float]
    offset: float
    offset_interval: tuple[float, float]
    residual_sd: float
    num_points: int
    num_groups: int
    num_missing: int
    note: str

    @property
    def estimate(self) -> Estimate:
        """The slope with its interval, as the record that is shared from here to the page."""
        return Estimate(self.slope, *self.interval, self.level, basis=self._basis)

    @property
    def _basis(self) -> str:
        return f"{self.num_points} points in {self.num_groups} groups"

    def sign_verdict(self) -> Sign:
        """The sign of the slope: ``undecided`` where the interval contains zero."""
        return self.estimate.sign()

    def agrees_with(self, prediction: float, *, resolution: float = RESOLUTION) -> Agreement:
        """Whether the interval confirms a predicted slope; see `ExponentEstimate.agrees_with`."""
        return self.estimate.agreement(prediction, resolution=resolution)

    def __call__(self, x) -> Float[np.ndarray, " n"]:
        """The fitted curve ``offset + constant * x**slope``, for a figure."""
        return self.offset + self.constant * np.asarray(x, float) ** self.slope


@checked(unbounded=("x", "y"), any_axes=("x", "y"))
def fit_power_law(
    x: Float[Any, " n"],
    y: Float[Any, " n"],
    *,
    groups: Any = None,
    intercepts: Literal["common", "per-group"] = "common",
    offset: Literal["none", "fitted"] = "none",
    level: float = 0.95,
) -> PowerLawFit:
    """Slope s of ``y = A x^s`` or ``y = E + A x^s`` by least squares of the logs, with cluster-robust errors.

    Points of one group (the runs of one scheme, or of one seed) share whatever moves them off the
    line; the error bar counts groups. It is the bias-reduced sandwich CR2 with the degrees of
    freedom of Bell and McCaffrey, which stays honest for few groups of unequal size. Without
    groups every point is its own: heteroscedasticity-robust errors (HC2).

    Args:
        x: positive values, e.g. kappa.
        y: positive values, e.g. relative displacements; NaN marks a run without a value.
        groups: (n,) labels of what is independent; default every point.
        intercepts: ``common`` for one line; ``per-group`` for parallel lines, when each group
            has its own constant and only the slope is shared.
        offset: ``fitted`` for ``y = E + A x^s`` with E >= 0, such as a loss that cannot fall below E; its
            interval is wide where the range of x does not show E.
        level: nominal coverage of the interval.

    Returns:
        A `PowerLawFit`.

    Raises:
        InputError: fewer than 3 groups, fewer than 2 distinct x (4 with an offset), values not positive,
            lengths that differ.

    Cost: O(n * groups); with an offset one or two tenths of a second.

    Trust: the interval is about the least-squares line over the measured range. A bent relation
    has no single slope; `bend_interval` and `note` say so. Coverage with an offset: ``docs/estimates.md``.

    Reference: Bell & McCaffrey 2002, Survey Methodology 28(2); Imbens & Kolesar 2016, Review of
    Economics and Statistics 98(4), sections II and IV.

    Example:
        >>> fit = fit_power_law([1.0, 2.0, 4.0, 8.0], [3.0, 1.5, 0.75, 0.375])
        >>> round(fit.slope, 6), round(fit.constant, 6), fit.sign_verdict()
        (-1.0, 3.0, 'negative')
        >>> n = np.array([1e3, 1e4, 1e5, 1e6, 1e7])
        >>> fit = fit_power_law(n, 1.7 + 20 * n**-0.3, offset="fitted")
        >>> round(fit.slope, 2), round(fit.offset, 2)
        (-0.3, 1.7)
    """
    level = check_fraction("level", level)
    check_choice("intercepts", intercepts, ("common", "per-group"))
    fitted = check_choice("offset", offset, ("none", "fitted")) == "fitted"
    x, y, labels, num_missing = _checked(x, y, groups, MIN_OFFSET_X if fitted else 2)
    names, member = np.unique(labels, return_inverse=True)
    log_x, log_y = np.log(x), np.log(y)
    centre = log_x.mean()
    if intercepts == "per-group":
        base = (member[:, None] == np.arange(len(names))).astype(float)
    else:
        base = np.ones((len(x), 1))
    if fitted:
        found = fit_above_offset(base, log_x - centre, log_y, member, level)
    else:
        found = _line(base, log_x - centre, log_y, member, level)
    parts = []
    if num_missing:
        parts.append(
            f"{num_missing} of {num_missing + len(x)} points have no value and are left out."
        )
    if found.bend_interval[0] > 0 or found.bend_interval[1] < 0:
        parts.append("The relation is bent: the slope is an average over the range of x.")
    if fitted and not np.isfinite(found.interval).all():
        parts.append("The range of x does not show the offset: the slope has no end to one side.")
    return PowerLawFit(
        slope=found.slope,
        standard_error=found.error,
        interval=found.interval,
        level=level,
        dof=found.dof,
        constant=float(np.exp(found.log_constant - found.slope * centre)),
        bend=found.bend,
        bend_interval=found.bend_interval,
        offset=found.offset,
        offset_interval=found.offset_interval,
        residual_sd=found.residual_sd,
        num_points=len(x),
        num_groups=len(names),
        num_missing=num_missing,
        note=" ".join(parts),
    )


def _line(base, log_x, log_y, member, level: float) -> OffsetFit:
    """The slope without an offset."""
    design = np.column_stack([base, log_x])
    coefficients, error, dof, residual = robust_last(design, log_y, member)
    slope, reach = float(coefficients[-1]), student_reach(level, dof) * error
    bend, bend_reach = _bend(design, log_y, member, level)
    return OffsetFit(
        slope=slope,
        error=float(error),
        dof=float(dof),
        interval=(float(slope - reach), float(slope + reach)),
        log_constant=float(coefficients[:-1].mean()),
        offset=0.0,
        offset_interval=(0.0, 0.0),
        bend=float(bend),
        bend_interval=(float(bend - bend_reach), float(bend + bend_reach)),
        residual_sd=float(np.sqrt(residual @ residual / max(len(log_y) - design.shape[1], 1))),
    )


def _checked(x: Any, y: Any, groups: Any, min_x: int):
    """Usable x, y and group labels, and the number of points without a value."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    labels = np.arange(x.size) if groups is None else _labels(groups)
    if x.ndim != 1 or x.shape != y.shape or labels.shape != x.shape:
        raise InputError(
            "x, y and groups must be one-dimensional and of one length",
            received=f"shapes {x.shape}, {y.shape} and {labels.shape}",
            cause="a table that was not flattened",
            fix="ravel the three arrays in the same order",
        )
    present = ~np.isnan(y)
    num_missing = int((~present).sum())
    x, y, labels = x[present], y[present], labels[present]
    if not (np.all(x > 0) and np.all(y > 0) and np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise InputError(
            "x and y must be positive and finite, or y NaN where a run gave no value",
            received=f"x from {x.min():g} to {x.max():g}, y from {y.min():g} to {y.max():g}",
            cause="a run that did not move or diverged, or logs in place of values",
            fix="give NaN for a run without a value; do not take logs beforehand",
        )
    num_groups, num_x = len(np.unique(labels)), len(np.unique(x))
    if num_groups < MIN_GROUPS or num_x < min_x:
        raise InputError(
            f"an interval needs at least {MIN_GROUPS} groups and {min_x} different x",
            received=f"{num_groups} groups with a value and {num_x} different x",
            cause="one seed or scheme only, or too many failed runs",
            fix=f"add {max(MIN_GROUPS - num_groups, 1)} or more groups; 5 are better"
            if num_groups < MIN_GROUPS
            else f"add {min_x - num_x} or more x",
        )
    return x, y, labels, num_missing


def _labels(groups: Any) -> np.ndarray:
    """Labels that can be told apart: text or numbers, without missing ones."""
    try:
        labels = np.asanyarray(groups)
    except Exception:  # lists of different lengths, and what gives no array
        labels = np.asarray(None)
    if labels.dtype.kind not in "biufUS" or isinstance(labels, np.ma.MaskedArray):
        raise InputError(
            "groups must be text or numbers",
            received=f"entries of type {labels.dtype}",
            cause="missing labels, or objects in place of names",
            fix="give one label for every point, such as its seed",
        )
    if labels.dtype.kind == "f":
        check_array("groups", labels)
    return labels


def _bend(design, log_y, member, level):
    """Coefficient of the centred square of log x, and the half-width of its interval."""
    square = design[:, -1:] ** 2
    wider = np.column_stack([design, square])
    if np.linalg.matrix_rank(wider) < wider.shape[1] or len(log_y) <= wider.shape[1]:
        return 0.0, np.inf
    coefficients, error, dof, _ = robust_last(wider, log_y, member)
    return coefficients[-1], student_reach(level, dof) * error
