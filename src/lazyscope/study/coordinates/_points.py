"""Which points do networks of a user's own get, and in which shape?"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from lazyscope._checks import InputError
from lazyscope.data import Dataset, load_dataset

_SHAPE = "images and sequences: give --input-shape, such as 8,8, since inputs come as rows"


class OfPoints(Protocol):
    """Settings that say which points are taken."""

    @property
    def data(self) -> str: ...
    @property
    def num_points(self) -> int: ...
    @property
    def target(self) -> str | None: ...
    @property
    def raw_inputs(self) -> bool: ...
    @property
    def input_shape(self) -> tuple[int, ...] | None: ...


def points_of(settings: OfPoints) -> Dataset | tuple[Any, Any]:
    """The points as rows, or inputs of the shape asked for with their targets.

    Raises:
        InputError: rows that do not have this shape.
    """
    found = load_dataset(
        settings.data,
        num_points=settings.num_points,
        num_test=0,
        target=settings.target,  # pyright: ignore[reportArgumentType]
        normalise=not settings.raw_inputs,
    )
    if settings.input_shape is None:
        return found
    length = found.x_train.shape[1]
    if not settings.input_shape or math.prod(settings.input_shape) != length:
        raise InputError(
            f"the shape of an input must have as many numbers as one, {length}",
            received=f"input shape {','.join(map(str, settings.input_shape))}",
            cause="the shape of all inputs together, or other data",
            fix="give the lengths of the axes of one input without that of the points, such as 8,8",
        )
    return found.x_train.reshape(-1, *settings.input_shape), found.y_train


@contextmanager
def rows_explained(settings: OfPoints) -> Iterator[None]:
    """Say how inputs get a shape where a network refuses rows."""
    try:
        yield
    except InputError as error:
        if settings.input_shape is not None or "must accept a batch" not in error.rule:
            raise
        told = {
            "received": error.received,
            "cause": error.cause,
            "fix": f"{error.fix}; for {_SHAPE}",
        }
        raise InputError(error.rule, **told) from error
