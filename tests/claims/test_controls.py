"""Are the wrong laws and kernels of the controls wrong, and do the assumptions look at the run?"""

import numpy as np
import pytest

from lazyscope.claims._verdict import under_assumptions
from lazyscope.claims.controls._catalogue import wrong_sign_law
from lazyscope.claims.controls._kernel import _time
from lazyscope.claims.controls._outside import _with_zero, theorem_assumptions
from lazyscope.data import Dataset, load_dataset
from lazyscope.forecast import limit_lambda_min
from lazyscope.model import Dense
from lazyscope.scaling import Scheme, displacement_exponents, relative_speed_exponents

INSIDE = {
    "regime": "theta-lazy",
    "outcome": "converged",
    "decay_rate": {"bound": 0.5, "bound_reason": None, "average": 1.0},
}


def test_the_wrong_law_differs_in_rho_alone():
    for scales in ((0.25, 0.25), (0.5, -0.1), (-0.3, 0.2, -0.5)):
        shifted = [scale - 2 * sum(scales) / len(scales) for scale in scales]
        assert sum(shifted) == pytest.approx(-sum(scales))
        ours, theirs = relative_speed_exponents(scales), relative_speed_exponents(shifted)
        np.testing.assert_allclose(np.diff(ours), np.diff(theirs))
        assert wrong_sign_law(scales) == displacement_exponents(shifted)


def test_right_and_wrong_law_are_farther_apart_than_any_tolerance():
    for scales in ((0.25, 0.25), (-0.25, -0.25)):
        assert abs(wrong_sign_law(scales)[0] - displacement_exponents(scales)[0]) >= 0.75


def test_time_under_a_fixed_kernel_is_the_closed_form():
    # one eigenvalue: loss exp(-2 lambda t / n), n = 4
    data = Dataset(np.eye(4), np.ones((4, 1)), np.zeros((0, 4)), np.zeros((0, 1)), (), "four", ())
    assert _time(3.0 * np.eye(4), data) == pytest.approx(np.log(10) * 4 / (2 * 3.0))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"regime": "critical"}, "theta-lazy"),
        ({"outcome": "stalled"}, "a run that converged"),
        ({"decay_rate": {"bound": 0.0, "bound_reason": None}}, "positive definite"),
        ({"decay_rate": {"bound": None, "bound_reason": "No. Received: 1."}}, "theorem: no"),
    ],
)
def test_each_assumption_that_fails_puts_the_run_outside(change, word):
    assert under_assumptions("agrees", theorem_assumptions(INSIDE)) == ("agrees", "")
    verdict, why = under_assumptions("agrees", theorem_assumptions(INSIDE | change))
    assert verdict == "outside"
    assert word in why
    assert "Received" not in why


def test_an_input_at_the_kink_has_no_positive_limit_kernel():
    data = load_dataset("digits", num_points=8, num_test=0, target="parity")
    model, scheme = Dense(64, 1, 16, 1), Scheme.from_exponents((0.5, 0.25))
    assert limit_lambda_min(scheme, model, data.x_train).min() > 1e-3
    assert limit_lambda_min(scheme, model, _with_zero(data).x_train).max() < 1e-12
