"""Does a run learn a point at which a long step turned all units off, where the flow itself learns it?"""

import equinox as eqx
import jax
import pytest

from cases import dense_case
from lazyscope._outcome import Outcome
from lazyscope.flow import ExponentialFlow, trace_flow

pytestmark = pytest.mark.slow

STOP = 1e-2
LEARNED, LOST = 9, 76
"""Of 80 draws, the one that stalled at a tolerance of 0.1 alone, and one that stalls at every tolerance."""


@pytest.fixture(scope="module")
def trained():
    """Runs of small networks of three hidden layers with a condensed start, by seed and tolerance."""

    @eqx.filter_jit
    def run(problem, tolerance):
        method = ExponentialFlow(tolerance)
        return trace_flow(problem, method, STOP, float("inf"), max_steps=20_000, num_records=8)

    def of(seed, tolerance):
        with jax.enable_x64(True):
            case = dense_case("relu", num_points=4, width=16, depth=3, gain=0.2, seed=seed)
            return run(case.problem, jax.numpy.asarray(tolerance))

    return of


def test_a_point_that_only_a_long_step_turned_off_is_learned(trained):
    coarse, fine = trained(LEARNED, 0.1), trained(LEARNED, 0.01)
    assert coarse.outcome is fine.outcome is Outcome.CONVERGED
    assert coarse.num_tried > coarse.num_steps + 40, "the steps before it began anew are counted"
    assert float(coarse.time) == pytest.approx(float(fine.time), rel=0.1)


def test_the_curve_of_a_run_that_began_anew_is_that_of_its_last_attempt(trained):
    again, finer = trained(LEARNED, 0.1), trained(LEARNED, 0.1 / 3.0)
    assert again.num_steps == finer.num_steps
    for found, expected in zip(again.curve(), finer.curve(), strict=True):
        assert found == pytest.approx(expected, rel=1e-9)


def test_a_point_that_the_flow_itself_loses_stays_lost(trained):
    coarse, fine = trained(LOST, 0.1), trained(LOST, 0.001)
    assert coarse.outcome is fine.outcome is Outcome.STALLED
    assert float(coarse.loss) == pytest.approx(float(fine.loss), rel=1e-9)
    assert float(coarse.loss / coarse.initial_loss) > 2 * STOP
