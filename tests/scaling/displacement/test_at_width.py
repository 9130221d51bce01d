"""The displacement law at one width: exact cases, its limit, and what it refuses."""

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.scaling import (
    displacement_exponents,
    displacements_at_width,
    initial_operator_norms,
    slowest_correction,
)
from naive.two_neurons import grown

RNG = np.random.default_rng(3)
SCHEMES = [
    (RNG.uniform(-0.6, 0.6, layers).tolist(), RNG.uniform(-1, 1, layers).tolist())
    for layers in (2, 2, 3, 3, 4, 4, 5)
]


@pytest.mark.parametrize(
    ("alpha", "speed", "gap"),
    [
        ((3.0, 2.0), (1.0, 1.0), 1.0),
        ((0.1, 0.1), (1.0, 1.0), 1.0),
        ((2.0, 0.01), (1.0, 1.0), 1.0),
        ((0.02, 1.0), (0.3, 5.0), 0.7),
    ],
)
def test_two_layers_move_as_their_neurons_do(alpha, speed, gap):
    expected = grown(alpha, speed, gap)
    assert displacements_at_width(alpha, speed, gap=gap) == pytest.approx(expected, rel=1e-4)


def test_small_displacements_are_those_of_the_linear_network():
    alpha, speed = np.array([30.0, 5.0, 20.0]), np.array([1.0, 0.5, 2.0])
    weights, gap = np.array([0.5, 0.3, 0.2]), 0.7
    relative, kappa = speed / alpha**2, np.prod(alpha)
    kernels = weights * kappa**2 * relative
    push = gap / kernels.sum()
    frobenius = speed * push * np.sqrt(weights) * kappa / alpha  # s_l sqrt(c K_l c)
    found = displacements_at_width(alpha, speed, gap=gap, kernel_weights=weights)
    assert found == pytest.approx(frobenius / alpha, rel=1e-4)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: f"{len(s[0])} layers {s[0][0]:.2f}")
def test_the_exponents_are_the_limit_of_local_slopes(scheme):
    scales, speeds = (np.array(part) for part in scheme)
    rho = scales.sum()

    def log_moved(m):
        gap = np.hypot(1.0, m ** (rho - 0.5))
        return np.log(displacements_at_width(m**scales, m**speeds, gap=gap))

    # Far enough for the slowest correction to have died.
    far = 10.0 ** min(60.0, 8 / slowest_correction(*scheme))
    slopes = (log_moved(2 * far) - log_moved(far)) / np.log(2)
    assert slopes == pytest.approx(displacement_exponents(*scheme), abs=2e-3)


def test_all_layers_rise_by_one_level():
    alpha, speed = np.array([1e-4, 2e-3, 3e-4]), np.array([1.0, 2.0, 0.5])
    moved = displacements_at_width(alpha, speed, gap=1.0)
    # Far beyond the start |W|^2 = (alpha d)^2 = s C, and the product of all |W| is the gap.
    assert np.prod(alpha * moved) == pytest.approx(1.0, rel=0.01)
    assert (alpha * moved) ** 2 / speed == pytest.approx(np.ones(3), rel=0.01)


def test_a_common_factor_of_speeds_changes_nothing():
    alpha, speed = (0.3, 0.7, 0.2), np.array([1.0, 3.0, 0.2])
    reference = displacements_at_width(alpha, speed, gap=2.0)
    assert displacements_at_width(alpha, 17 * speed, gap=2.0) == pytest.approx(reference)


def test_gap_and_scale_enter_through_their_ratio():
    reference = displacements_at_width((0.3, 0.7), (1.0, 1.0), gap=1.0)
    # alpha_2 and gap ten times larger, s_2 hundred times larger: the same relative speeds.
    moved = displacements_at_width((0.3, 7.0), (1.0, 100.0), gap=10.0)
    assert moved == pytest.approx(reference)


def test_sizes_beyond_double_precision_squares_are_solved():
    assert displacements_at_width((1e120, 1e60), (1.0, 1.0), gap=1.0)[1] == pytest.approx(1e-180)
    grown_far = displacements_at_width((1e-90, 1e-90), (1.0, 1.0), gap=1.0)
    assert grown_far == pytest.approx([1e90, 1e90])


def test_the_slowest_correction_vanishes_at_every_tie():
    assert slowest_correction((0.0, 0.0)) == 0  # rho = 0
    assert slowest_correction((0.5, 0.0), (0.0, 0.0)) == 0  # rho = 1/2
    assert slowest_correction((0.15, 0.15)) == 0  # two layers tie
    assert slowest_correction((0.1, -0.4), (0.9, 0.4)) == pytest.approx(
        0.025
    )  # a layer at order one
    assert slowest_correction((0.3, -0.1), (0.0, 0.6)) == pytest.approx(0.4)  # 2 rho


def test_initial_norms_are_those_of_gaussian_matrices():
    rng = np.random.default_rng(0)
    width = 400
    sizes = [(width, 6), (width, width), (3, width)]
    drawn = [np.linalg.norm(rng.standard_normal(s), 2) / np.sqrt(width) for s in sizes]
    found = initial_operator_norms(width, depth=2, input_dim=6, output_dim=3)
    assert found == pytest.approx(drawn, rel=0.05)


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(
        InputError, match="one scale, one speed, one kernel weight and one leverage"
    ):
        displacements_at_width((1.0, 1.0), (1.0,), gap=1.0)


@pytest.mark.parametrize(
    ("alpha", "gap", "message"),
    [((1.0, -1.0), 1.0, "Alpha must be above zero"), ((1.0, 1.0), 0.0, "Gap must be above zero")],
)
def test_numbers_that_are_not_positive_are_refused(alpha, gap, message):
    with pytest.raises(InputError, match=message):
        displacements_at_width(alpha, (1.0, 1.0), gap=gap)
