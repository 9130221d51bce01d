"""How do labels and measurements become targets of a regression?"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Shaped

from lazyscope._checks import InputError

TargetKind: TypeAlias = Literal["classes", "parity", "value"]
"""Centred one-hot vectors, plus or minus one by the parity of the label, or standardised values."""


class Targets(NamedTuple):
    """Targets of the chosen points, the label of each output column, and what was done."""

    y_train: Float[np.ndarray, "n C"]
    y_test: Float[np.ndarray, "n_test C"]
    labels: tuple[int, ...]
    step: str


def default_target(y: Shaped[np.ndarray, "n ..."]) -> TargetKind:
    """``classes`` for integer labels, one for each point; ``value`` for everything else."""
    return "classes" if y.dtype.kind in "biu" and y.size == len(y) else "value"


def class_targets(
    pool: Shaped[np.ndarray, "n_pool ..."],
    train: Shaped[np.ndarray, "n ..."],
    test: Shaped[np.ndarray, "n_test ..."],
) -> Targets:
    """One-hot vectors minus 1/C, with the C classes of the whole pool in increasing order.

    Each target sums to zero over the outputs; it is 1 - 1/C at the class and -1/C elsewhere.
    """
    classes = np.unique(_as_labels(pool, "classes"))
    if len(classes) < 2:
        raise _one_class(f"only the label {classes[0]}")

    def encode(labels: np.ndarray) -> Float[np.ndarray, "n C"]:
        one_hot = _as_labels(labels, "classes")[:, None] == classes[None, :]
        return one_hot.astype(np.float64) - 1 / len(classes)

    step = f"labels became one-hot targets minus 1/C, with C = {len(classes)} classes"
    drawn = encode(train)
    missing = classes[~(drawn > 0).any(axis=0)]
    if missing.size:
        step += f"; {missing.size} classes have no training point"
    return Targets(drawn, encode(test), tuple(int(c) for c in classes), step)


def parity_targets(
    pool: Shaped[np.ndarray, "n_pool ..."],
    train: Shaped[np.ndarray, "n ..."],
    test: Shaped[np.ndarray, "n_test ..."],
) -> Targets:
    """One output: +1 for even labels, -1 for odd ones."""

    def encode(labels: np.ndarray) -> Float[np.ndarray, "n one"]:
        return (1.0 - 2.0 * (_as_labels(labels, "parity") % 2))[:, None]

    if len(np.unique(encode(pool))) < 2:
        raise _one_class("labels of one parity only")
    return Targets(encode(train), encode(test), (), "even labels became +1, odd labels -1")


def value_targets(
    train: Shaped[np.ndarray, "n ..."], test: Shaped[np.ndarray, "n_test ..."]
) -> Targets:
    """Values minus the mean, divided by the standard deviation, of the training points drawn."""
    columns = int(np.prod(train.shape[1:]))
    y_train = train.astype(np.float64).reshape(len(train), columns)
    y_test = test.astype(np.float64).reshape(len(test), columns)
    power = np.frexp(np.abs(y_train).max(axis=0, initial=0.0))[
        1
    ]  # squares neither over- nor underflow
    y_train, y_test = np.ldexp(y_train, -power), _scaled(y_test, -power)
    mean, spread = y_train.mean(axis=0), y_train.std(axis=0)
    flat = np.flatnonzero(spread <= 1e-12 * np.abs(y_train).max(axis=0))
    if flat.size:
        same = np.ldexp(mean, power)[flat[0]]
        raise InputError(
            "targets must take at least two values",
            received=f"the same value {same:g} for all {len(train)} training points",
            cause="a constant column, or a single training point",
            fix="use other targets or more points",
        )
    told = np.ldexp(mean, power)[:4], np.ldexp(spread, power)[:4]
    moments = ", ".join(f"{m:.6g} and {s:.6g}" for m, s in zip(*told, strict=True))
    step = f"values were standardised with mean and deviation of the training points: {moments}"
    return Targets((y_train - mean) / spread, (y_test - mean) / spread, (), step)


def _scaled(values: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Test targets times powers of two, or a refusal of those far beyond the training targets."""
    with np.errstate(over="ignore"):
        scaled = np.ldexp(values, power)
    if not np.isfinite(scaled).all():
        raise InputError(
            "test targets must be of a size with the training targets",
            received=f"values up to {np.abs(values).max():g}",
            cause="other units, or a mark for missing values",
            fix="give both in the same units, and remove what is missing",
        )
    return scaled


def _as_labels(y: np.ndarray, target: str) -> np.ndarray:
    """Labels as one integer for each point, or a refusal."""
    if y.size != len(y):
        raise InputError(
            f"target {target!r} needs one label for each point",
            received=f"targets of shape {y.shape}",
            cause="targets with several columns, perhaps one-hot vectors already",
            fix="use target 'value', or save integer labels",
        )
    labels = y.reshape(-1)
    if labels.dtype.kind == "f" and not (labels == np.floor(labels)).all():
        first = labels[labels != np.floor(labels)][0]
        raise InputError(
            f"target {target!r} needs whole numbers as labels",
            received=f"real numbers such as {first:g}",
            cause="measurements instead of labels",
            fix="use target 'value'",
        )
    if labels.size and not -(2**63) <= int(labels.min()) <= int(labels.max()) < 2**63:
        raise InputError(
            f"target {target!r} needs labels of at most 64 bits",
            received=f"labels from {labels.min():.15g} to {labels.max():.15g}",
            cause="hashes or measurements instead of labels",
            fix="number the classes, or use target 'value'",
        )
    return labels.astype(np.int64)


def _one_class(received: str) -> InputError:
    return InputError(
        "labels must belong to at least two classes",
        received=received,
        cause="a filtered data set, or the wrong column taken as label",
        fix="use data with two classes or more",
    )
