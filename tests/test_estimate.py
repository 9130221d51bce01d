"""Is a number with its interval refused, kept and read back as it should be?"""

import json
import math

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.measure import Estimate, Verdict


def test_an_estimate_comes_back_from_json_as_it_went() -> None:
    decided = Verdict("contradicted", "The slope is not -1.", ("Four widths.",))
    told = Estimate(0.5, 0.25, 0.75, 0.9, "flow time", "3 seeds", decided)
    assert Estimate.from_json(json.loads(json.dumps(told.as_json()))) == told


def test_an_unknown_interval_excludes_nothing_and_has_no_width() -> None:
    nothing = Estimate(None)
    assert nothing.contains(1e300)
    assert nothing.half_width == float("inf")
    assert Estimate.from_json(nothing.as_json()) == nothing


def test_an_open_end_excludes_nothing_to_its_side_and_json_has_no_infinity() -> None:
    above = Estimate(2.0, 1.0, float("inf"))
    assert above.contains(1e300)
    assert not above.contains(0.9)
    assert above.as_json()["interval"] == [1.0, None]
    assert Estimate.from_json(above.as_json()).at_least(1.0) == "agrees"
    assert above.agreement(3.0) == "undecided"


def test_a_falling_function_changes_the_ends() -> None:
    assert Estimate(2.0, 1.0, 4.0).mapped(lambda x: 1 / x, falling=True).interval == (0.25, 1.0)


def test_ends_are_inside_the_interval_and_what_lies_beyond_is_not() -> None:
    found = Estimate(1.0, 0.5, 2.0)
    assert found.contains(0.5)
    assert found.contains(2.0)
    assert not found.contains(0.49)
    assert not found.contains(2.01)


@pytest.mark.parametrize(
    "ends",
    [
        (2.0, 1.0),
        (float("nan"), 1.0),
        (1.0, float("nan")),
        (float("inf"),) * 2,
        (-float("inf"),) * 2,
    ],
)
def test_ends_that_bound_nothing_are_refused(ends: tuple[float | None, float | None]) -> None:
    with pytest.raises(InputError, match="an upper end above it"):
        Estimate(1.0, *ends)


def test_a_verdict_is_one_of_three_answers() -> None:
    with pytest.raises(InputError, match="Answer must be one of"):
        Verdict("probably", "It seems so.")  # pyright: ignore[reportArgumentType]


def test_numbers_of_any_library_are_ready_for_json() -> None:
    found = Estimate(np.float32(1.0), np.float64(0.5), np.int64(2))  # pyright: ignore[reportArgumentType]
    assert json.loads(json.dumps(found.as_json()))["interval"] == [0.5, 2.0]


def test_an_end_at_which_a_function_overflows_excludes_nothing():
    logarithm = Estimate(1.0, 0.0, 1000.0)
    assert logarithm.mapped(math.exp).interval == (1.0, None)
    assert logarithm.mapped(lambda x: -math.exp(x), falling=True).interval == (None, -1.0)


def test_a_value_at_which_a_function_overflows_is_refused():
    with pytest.raises(InputError, match="overflows at 1000"):
        Estimate(1000.0).mapped(math.exp)


def test_an_interval_is_asked_for_numbers():
    with pytest.raises(InputError, match="Received: 'a'"):
        Estimate(0.0, -1.0, 1.0).contains("a")
