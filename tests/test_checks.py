"""Is bad input refused with the rule, what was received, a cause and a fix?"""

import numpy as np
import pytest

from lazyscope._checks import (
    InputError,
    check_array,
    check_choice,
    check_count,
    check_finite,
    check_fraction,
    check_positive,
    check_sequence,
)


def test_a_refusal_has_four_parts_and_keeps_them():
    error = InputError("width must be positive", received=0, cause="a typo", fix="try 64")
    assert str(error) == ("Width must be positive. Received: 0. Likely cause: a typo. Fix: try 64.")
    assert (error.rule, error.received) == ("width must be positive", 0)
    assert (error.cause, error.fix) == ("a typo", "try 64")
    assert isinstance(error, ValueError)


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.float32(3), np.uint8(3)])
def test_whole_numbers_of_any_kind_become_ints(value):
    found = check_count("width", value)
    assert found == 3
    assert type(found) is int


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "3", None, float("nan"), float("inf")])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(
        InputError, match=r"Width must be a whole number of at least 1\. Received: "
    ):
        check_count("width", value)


def test_a_count_has_the_minimum_that_was_asked_for():
    assert check_count("records", 4, minimum=4) == 4
    with pytest.raises(InputError, match=r"at least 4. Received: 3. .* such as 4"):
        check_count("records", 3, minimum=4)


def test_a_caller_can_say_the_cause_and_the_fix():
    with pytest.raises(InputError, match=r"Likely cause: no data\. Fix: load some\."):
        check_count("points", 0, cause="no data", fix="load some")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1", None, 1j])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(InputError, match="Scale must be a finite number"):
        check_finite("scale", value)


@pytest.mark.parametrize("value", [0, -1e-300, 0.0])
def test_what_is_not_positive_is_refused(value):
    assert check_positive("step", np.float64(1e-300)) == 1e-300
    with pytest.raises(InputError, match=r"Step must be above zero\. Received: "):
        check_positive("step", value)


@pytest.mark.parametrize("value", [0, 1, 1.5, -0.1])
def test_what_is_no_fraction_is_refused(value):
    assert check_fraction("stop", 1e-4) == 1e-4
    with pytest.raises(InputError, match="Stop must lie strictly between 0 and 1"):
        check_fraction("stop", value)


def test_a_misspelt_choice_is_answered_with_the_nearest():
    assert check_choice("colour", "red", ("red", "blue")) == "red"
    with pytest.raises(InputError, match=r"one of blue, red\. Received: 'bleu'.*use 'blue'"):
        check_choice("colour", "bleu", ("red", "blue"))
    with pytest.raises(InputError, match=r"that lazyscope does not know.*from the list"):
        check_choice("colour", 7, ("red", "blue"))


def test_a_received_text_of_several_lines_makes_a_message_of_one():
    assert "\n" not in str(InputError("x must be so", received="a\nb\r\nc", cause="d\ne", fix="f"))


def test_an_array_without_axes_is_no_list():
    for value in (np.array(1.0), np.ma.masked):
        with pytest.raises(InputError, match="must be a list"):
            check_sequence("widths", value)


def test_a_number_beyond_double_precision_is_refused_in_an_array_too():
    wide = np.array([1.0, np.longdouble("1e4000")])
    if wide.dtype.itemsize > 8:
        with pytest.raises(InputError, match="Rows must be finite"):
            check_array("rows", wide)
    assert check_array("rows", wide[:1]) is not None
