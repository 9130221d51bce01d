"""How do inputs of any shape become points of norm one?"""

import math

import numpy as np
from jaxtyping import Float, Shaped

from lazyscope._checks import InputError
from lazyscope._entry import checked

_CLOSE = 1e-12


def flatten_points(x: Shaped[np.ndarray, "n ..."]) -> Float[np.ndarray, "n d"]:
    """One row of float64 for each point."""
    return np.ascontiguousarray(x, dtype=np.float64).reshape(len(x), math.prod(x.shape[1:]))


def scale_to_norm_one(x: Float[np.ndarray, "n d"], which: str) -> Float[np.ndarray, "n d"]:
    """Each row divided by its Euclidean norm; rows of norm zero are refused."""
    largest = np.abs(x).max(axis=1, keepdims=True)
    zero = np.flatnonzero(largest == 0)
    if zero.size:
        raise InputError(
            "inputs must not be zero where they are brought to norm one",
            received=f"{zero.size} {which} inputs of norm zero, the first is number {zero[0]}",
            cause="blank images, or data centred so that a point lies at the origin",
            fix="remove those points, or load the data with normalise=False",
        )
    of_order_one = x / largest  # squares can neither overflow nor vanish
    return of_order_one / np.linalg.norm(of_order_one, axis=1, keepdims=True)


@checked()
def duplicate_groups(x: Float[np.ndarray, "n d"]) -> tuple[tuple[int, ...], ...]:
    """Groups of points that appear more than once.

    Two points count as the same when they differ by at most 1e-12 of the largest norm, so that
    multiples of one input are found after scaling to norm one. Any kernel has a zero eigenvalue
    for each repetition (lambda_min = 0); the loss can reach zero only if their targets agree.

    Args:
        x: points, shape (n, d).

    Returns:
        Tuples of two or more row numbers, in increasing order; empty if all points differ.

    Cost: n log n for the sort, and one comparison per point unless many points have the same
    projection on the direction that is used for sorting.

    Example:
        >>> duplicate_groups(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
        ((0, 2),)
    """
    points = np.asarray(x, dtype=np.float64)
    if len(points) == 0:
        return ()
    direction = np.cos(1.0 + np.arange(points.shape[1]))
    direction /= np.linalg.norm(direction)
    along = points @ direction
    reach = _CLOSE * max(float(np.linalg.norm(points, axis=1).max()), np.finfo(float).tiny)
    order = np.argsort(along, kind="stable")
    groups: list[list[int]] = []
    first_open = 0
    for index in order:
        while first_open < len(groups) and along[index] - along[groups[first_open][0]] > 2 * reach:
            first_open += 1
        for group in groups[first_open:]:
            if np.linalg.norm(points[index] - points[group[0]]) <= reach:
                group.append(int(index))
                break
        else:
            groups.append([int(index)])
    return tuple(sorted(tuple(sorted(group)) for group in groups if len(group) > 1))
