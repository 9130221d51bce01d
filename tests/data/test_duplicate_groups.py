"""Are repeated points found, all of them and no others?"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lazyscope.data import duplicate_groups


def naive(x, reach):
    """All pairs, compared one by one, joined into groups."""
    left, groups = list(range(len(x))), []
    while left:
        group = [k for k in left if np.linalg.norm(x[k] - x[left[0]]) <= reach]
        left = [k for k in left if k not in group]
        if len(group) > 1:
            groups.append(tuple(group))
    return tuple(sorted(groups))


@settings(derandomize=True, deadline=None)
@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 25), st.integers(1, 3)),
        elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
    )
)
def test_groups_are_those_of_comparing_all_pairs(x):
    assert duplicate_groups(x) == naive(x, 1e-12)


def test_multiples_of_one_input_are_equal_after_scaling():
    x = np.random.default_rng(1).standard_normal((200, 50))
    x[100:150] = x[:50] * np.linspace(0.1, 9.0, 50)[:, None]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    assert duplicate_groups(x) == tuple((k, 100 + k) for k in range(50))


def test_near_points_are_not_the_same_point():
    x = np.ones((2, 3))
    x[1, 0] += 1e-9
    assert duplicate_groups(x) == ()


def test_points_with_one_projection_are_told_apart():
    # two directions at right angles to the one that sorts
    direction = np.cos(1.0 + np.arange(3))
    across = np.cross(direction, [1.0, 0.0, 0.0])
    sizes = np.tile([1.0, 2.0, -3.0], 10)
    noise = 1e-14 * np.random.default_rng(0).standard_normal((30, 3))  # interleaves the three
    expected = tuple(tuple(range(k, 30, 3)) for k in range(3))
    assert duplicate_groups(np.outer(sizes, across) + noise) == expected


def test_one_point_repeated_many_times_is_one_group_and_quick():
    assert duplicate_groups(np.ones((20000, 4))) == (tuple(range(20000)),)


def test_zero_points_and_no_points():
    assert duplicate_groups(np.zeros((3, 2))) == ((0, 1, 2),)
    assert duplicate_groups(np.zeros((0, 2))) == ()
