"""Which points, with which targets, does an experiment train and test on?"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import (
    InputError,
    as_numpy,
    check_array,
    check_choice,
    check_count,
    check_flag,
    check_text,
)
from lazyscope._entry import check_fields
from lazyscope._result import AbstractShown
from lazyscope.data._inputs import duplicate_groups, flatten_points, scale_to_norm_one
from lazyscope.data._pair import from_tensor
from lazyscope.data._raw import RawData, check_raw
from lazyscope.data._source import read_source
from lazyscope.data._targets import (
    TargetKind,
    Targets,
    class_targets,
    default_target,
    parity_targets,
    value_targets,
)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Dataset(AbstractShown):
    """Points and targets, float64, read-only, with a record of how they came about.

    Args:
        x_train: training inputs, shape (n, d).
        y_train: training targets, shape (n, C).
        x_test: test inputs, shape (n_test, d); n_test may be zero.
        y_test: test targets, shape (n_test, C).
        labels: class of each output column; empty where outputs are no classes.
        name: short name of the source.
        description: what was done, in order, one sentence each.

    Raises:
        InputError: arrays that are no finite real numbers, or that do not fit together.
    """

    x_train: Float[np.ndarray, "n d"]
    y_train: Float[np.ndarray, "n C"]
    x_test: Float[np.ndarray, "n_test d"]
    y_test: Float[np.ndarray, "n_test C"]
    labels: tuple[int, ...]
    name: str
    description: tuple[str, ...]

    def __post_init__(self) -> None:
        check_fields(self, unbounded=("labels",))
        for field in ("x_train", "y_train", "x_test", "y_test"):
            array = np.array(getattr(self, field), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, field, array)
        train, test = (
            (self.x_train.shape, self.y_train.shape),
            (self.x_test.shape, self.y_test.shape),
        )
        lengths = [(x[0], y[0]) for x, y in (train, test)]
        sizes = [(x[1], y[1]) for x, y in (train, test)]
        if any(x != y for x, y in lengths) or sizes[0] != sizes[1] or 0 in (*train[0], *train[1]):
            raise InputError(
                "a data set needs one target for every point, and test points like its training points",
                received=f"training points {train[0]} with targets {train[1]}, "
                f"test points {test[0]} with targets {test[1]}",
                cause="rows that were dropped from one array, or arrays in another order",
                fix="give (n, d), (n, C), (n_test, d) and (n_test, C); n_test may be zero",
            )

    @classmethod
    def from_arrays(
        cls,
        x: Any,
        y: Any,
        x_test: Any = None,
        y_test: Any = None,
        *,
        target: TargetKind | None = None,
        normalise: bool = False,
        name: str = "arrays",
    ) -> "Dataset":
        """A data set of points and targets that somebody has, whatever library holds them.

        Arrays of NumPy and JAX, tensors of PyTorch on any device, DataFrames and Series, and lists are
        taken. They are copied to float64 and stay as they were.

        Args:
            x: training inputs, points first; any trailing shape, flattened to (n, d).
            y: training targets, (n,) or (n, C).
            x_test: test inputs; none unless given.
            y_test: test targets, given together with `x_test`.
            target: None for targets as they are, also whole numbers; ``classes``, ``parity`` and ``value`` as
                in `load_dataset`, with the classes of training and test points together.
            normalise: bring every input to Euclidean norm one, as `load_dataset` does.
            name: short name of the data.

        Raises:
            InputError: entries that are no finite real numbers, lengths or shapes that do not fit, test
                points without targets, or targets that do not fit `target`.

        Example:
            >>> data = Dataset.from_arrays([[0.0, 1.0], [1.0, 0.0]], [1, -1])
            >>> data.x_train.shape, data.y_train.tolist()
            ((2, 2), [[1.0], [-1.0]])
        """
        check_flag("normalise", normalise)
        kind = None if target is None else check_choice("target", target, _KINDS)
        given = {"x": x, "y": y, "x_test": x_test, "y_test": y_test}
        known = {key: _known(key, each) for key, each in given.items() if each is not None}
        raw = _raw_of(check_text("name", name), known, list(given)[:2])
        test = raw.x_train[:0] if raw.x_test is None else raw.x_test
        values = raw.y_train[:0] if raw.y_test is None else raw.y_test
        if kind is None:
            y_train, y_kept = flatten_points(raw.y_train), flatten_points(values)
            targets = Targets(y_train, y_kept, (), "targets as they were given")
        else:
            drawn = _Drawn(raw.x_train, raw.y_train, test, values, "")
            targets = _targets(kind, raw, drawn)
        x_train, x_kept = flatten_points(raw.x_train), flatten_points(test)
        if normalise:
            x_train = scale_to_norm_one(x_train, "training")
            x_kept = scale_to_norm_one(x_kept, "test")
        steps = (
            raw.origin,
            f"inputs flattened to {x_train.shape[1]} numbers and "
            + ("brought to norm one" if normalise else "left at their size"),
            targets.step,
            *_duplicates(x_train, targets.y_train),
        )
        return cls(
            x_train, targets.y_train, x_kept, targets.y_test, targets.labels, raw.name, steps
        )

    @classmethod
    def in_place_of(cls, given: Any) -> Any:
        """A pair (x, y), or (x, y, x_test, y_test), as a data set; anything else as it is."""
        is_arrays = isinstance(given, tuple | list) and len(given) in (2, 4)
        return cls.from_arrays(*given) if is_arrays else given

    def quantities(self) -> dict[str, Any]:
        """Sizes and what was done; the arrays are fields."""
        told = self.summary()
        return {key: told[key] for key in _SHOWN if told[key] not in (0, [])}

    def summary(self) -> dict[str, Any]:
        """Name, sizes, labels, description and a digest of the arrays, ready for JSON."""
        return {
            "name": self.name,
            "num_points": len(self.x_train),
            "num_test": len(self.x_test),
            "input_dim": self.x_train.shape[1],
            "output_dim": self.y_train.shape[1],
            "labels": list(self.labels),
            "description": list(self.description),
            "digest": digest_of(self.x_train, self.y_train, self.x_test, self.y_test),
        }


def _known(name: str, given: Any) -> np.ndarray:
    """An array of real numbers in main memory."""
    if hasattr(given, "aval"):  # of JAX, which is then loaded
        from lazyscope._jax import known_array

        return known_array(name, given)
    return as_numpy(name, check_array(name, from_tensor(given)))


def _raw_of(name: str, known: Mapping[str, np.ndarray], needed: Sequence[str]) -> RawData:
    """Arrays that fit together; one refusal, with every shape, of those that do not."""
    shapes = {key: array.shape for key, array in known.items()}
    fit = set(needed) <= set(known) and len(known) != len(needed) + 1
    fit = fit and all(shape and 0 not in shape for shape in shapes.values())
    for x, y in (("x", "y"), ("x_test", "y_test")) if fit else ():
        if x in shapes:
            fit = fit and shapes[x][0] == shapes[y][0]
            fit = fit and all(shapes[k][1:] == shapes[k[0]][1:] for k in (x, y))
    if not fit:
        raise InputError(
            "arrays of a data set need one target for every point, and test points like its training points",
            received=", ".join(f"{key} {shape}" for key, shape in shapes.items()) or "nothing",
            cause="arrays in another order, rows dropped from one of them, or test points without targets",
            fix="give from_arrays(x, y) or from_arrays(x, y, x_test, y_test) with points on the first axes",
        )
    arrays = {f"{key}_train" if key in needed else key: array for key, array in known.items()}
    return RawData(name, "arrays that were given", **arrays)


def digest_of(*arrays: Float[np.ndarray, "..."]) -> str:
    """What arrays of real numbers are, in a few letters."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode() + array.tobytes())
    return digest.hexdigest()[:16]


def load_dataset(
    source: str | PathLike[str],
    *,
    num_points: int,
    num_test: int | None = None,
    target: TargetKind | None = None,
    normalise: bool = True,
    seed: int = 0,
) -> Dataset:
    """Training and test points drawn from a source, with targets for squared loss.

    Points are drawn without replacement, in random order. Training points are the first of one
    permutation and test points the last, so that for one seed the training points of a smaller
    `num_points` are among those of a larger one, and the test points stay the same. A source with
    test points of its own keeps the two apart.

    Args:
        source: ``digits`` or ``diabetes`` (always there); the path of an ``.npz`` file with
            ``x_train, y_train`` and optionally ``x_test, y_test``, or ``x, y``; the path of an IDX
            file of images or of a folder with IDX files, plain or gzipped, named as in MNIST; or
            ``openml:NAME``, which needs a network. Inputs may have any trailing shape and any real
            or integer type; they are flattened to d numbers.
        num_points: training points n.
        num_test: test points; None for as many as there are, at most 1000.
        target: ``classes``: one-hot vectors minus 1/C, C outputs. ``parity``: one output, +1 for
            even labels and -1 for odd ones. ``value``: real targets, standardised with mean and
            deviation of the training points drawn. None: ``classes`` for labels of an integer
            type, ``value`` otherwise.
        normalise: bring every input to Euclidean norm one, the convention of the scale of the
            first layer.
        seed: chooses the points.

    Returns:
        The data set; its description says what was done and names duplicate inputs.

    Raises:
        InputError: no such source, a file that is damaged or of another format, arrays missing,
            pickled, not numbers, not finite, empty or of different lengths, too few points, a
            single class, targets that do not fit `target`, or an input of norm zero with
            `normalise`.

    Cost: one pass over the source.

    Example:
        >>> data = load_dataset("digits", num_points=128, num_test=200)
        >>> data.x_train.shape, data.y_train.shape, data.x_test.shape
        ((128, 64), (128, 10), (200, 64))
        >>> print(round(float(data.y_train.sum()), 12) + 0.0)
        0.0
    """
    n = check_count("num_points", num_points)
    n_test = None if num_test is None else check_count("num_test", num_test, minimum=0)
    seed = check_count("seed", seed, minimum=0)
    check_flag("normalise", normalise)
    raw = check_raw(read_source(source))
    kind = default_target(raw.y_train) if target is None else check_choice("target", target, _KINDS)
    drawn = _draw(raw, n, n_test, seed)
    targets = _targets(kind, raw, drawn)
    x_train, x_test = flatten_points(drawn.x_train), flatten_points(drawn.x_test)
    if normalise:
        x_train = scale_to_norm_one(x_train, "training")
        x_test = scale_to_norm_one(x_test, "test")
    steps = (
        raw.origin,
        f"{n} training and {len(x_test)} test points drawn with seed {seed} from {drawn.available}",
        f"inputs flattened to {x_train.shape[1]} numbers and "
        + ("brought to norm one" if normalise else "left at their size"),
        targets.step,
        *_duplicates(x_train, targets.y_train),
    )
    return Dataset(
        x_train, targets.y_train, x_test, targets.y_test, targets.labels, raw.name, steps
    )


class _Drawn(NamedTuple):
    """The points drawn, as the source has them."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    available: str


def _draw(raw: RawData, n: int, n_test: int | None, seed: int) -> _Drawn:
    """Draw training and test points by seed, disjoint."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(raw.x_train))
    if raw.x_test is None or raw.y_test is None:
        x_pool, y_pool, test_order = raw.x_train, raw.y_train, order[::-1][: max(len(order) - n, 0)]
        _check_pool(n, n_test or 0, len(order))
        available = f"a pool of {len(order)}"
    else:
        x_pool, y_pool = raw.x_test, raw.y_test
        test_order = generator.permutation(len(x_pool))
        _check_enough("training points", n, len(order), "a smaller file than expected")
        _check_enough("test points", n_test or 0, len(x_pool), "a smaller file than expected")
        available = f"{len(order)} training and {len(x_pool)} test points"
    test = test_order[: _MOST_TEST_POINTS if n_test is None else n_test]
    return _Drawn(
        raw.x_train[order[:n]], raw.y_train[order[:n]], x_pool[test], y_pool[test], available
    )


def _check_pool(n: int, n_test: int, there: int) -> None:
    """Refuse more training and test points than one pool has."""
    if n + n_test > there:
        raise InputError(
            "the source must hold as many points as are asked for",
            received=f"{n + n_test} asked, {there} there; {n} training and {n_test} test points",
            cause="training and test points come from one pool",
            fix=f"ask for at most {there - n} test points"
            if n < there
            else f"ask for at most {there} points in all",
        )


def _check_enough(what: str, asked: int, there: int, cause: str) -> None:
    if asked > there:
        raise InputError(
            f"the source must hold as many {what} as are asked for",
            received=f"{asked} asked, {there} there",
            cause=cause,
            fix=f"ask for at most {there}",
        )


def _targets(kind: str, raw: RawData, drawn: _Drawn) -> Targets:
    """Targets of one kind for the points drawn."""
    if kind == "value":
        return value_targets(drawn.y_train, drawn.y_test)
    pool = raw.y_train if raw.y_test is None else np.concatenate([raw.y_train, raw.y_test])
    encode = class_targets if kind == "classes" else parity_targets
    return encode(pool, drawn.y_train, drawn.y_test)


def _duplicates(x: np.ndarray, y: np.ndarray) -> tuple[str, ...]:
    """A sentence on inputs that appear more than once, if any do."""
    groups = duplicate_groups(x)
    if not groups:
        return ()
    clash = any(np.ptp(y[list(group)], axis=0).max() > 0 for group in groups)
    ending = (
        "their targets differ, so no network can bring the loss to zero"
        if clash
        else "their targets agree, so the loss can still reach zero"
    )
    repeated = sum(len(group) - 1 for group in groups)
    return (
        f"{repeated} training inputs repeat another one (first: points "
        f"{', '.join(map(str, groups[0][:5]))}): the smallest eigenvalue of every kernel is zero; "
        + ending,
    )


_SHOWN = ("name", "num_points", "num_test", "input_dim", "output_dim", "labels", "description")
_KINDS = ("classes", "parity", "value")
_MOST_TEST_POINTS = 1000
