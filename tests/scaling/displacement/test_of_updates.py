"""The law at one width where steps do not know the size of the gradient: exact cases, limits, refusals."""

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.scaling import (
    displacement_exponents,
    slowest_correction,
    update_displacements_at_width,
    update_exponents,
    update_norms,
)
from naive.two_signed_neurons import grown_by_signs

RNG = np.random.default_rng(3)
SCHEMES = [
    (RNG.uniform(-0.6, 0.6, layers).tolist(), RNG.uniform(-1, 1, layers).tolist())
    for layers in (2, 2, 3, 3, 4, 4, 5)
]
GAUSSIAN = np.sqrt(2 / np.pi)


def by_law(relative_speed, gap, alignment=None):
    ones = np.ones(len(relative_speed))
    return update_displacements_at_width(ones, relative_speed, ones, gap=gap, alignment=alignment)


@pytest.mark.parametrize("speeds", [(1.0, 1.0), (1.0, 0.1), (0.01, 1.0)])
@pytest.mark.parametrize("gap", [0.01, 0.3, 3.0, 300.0])
def test_two_layers_move_as_neurons_that_follow_signs(speeds, gap):
    expected = grown_by_signs(speeds, gap)
    within = 0.03 if gap in (0.01, 300.0) else 0.2  # signs turn in between
    found = by_law(speeds, gap, (GAUSSIAN, GAUSSIAN))
    assert found == pytest.approx(expected, rel=within)


def test_signs_that_never_change_make_two_layers_exact():
    rng = np.random.default_rng(0)
    w, a = np.abs(rng.standard_normal((2, 400_000)))
    first, second, time = 0.7, 0.2, 1.3
    risen = np.mean((w + first * time) * (a + second * time)) - np.mean(w * a)
    found = by_law((first, second), risen, (w.mean() * 0 + a.mean(), w.mean()))
    assert found == pytest.approx([first * time, second * time], rel=3e-3)


def test_small_displacements_are_those_of_the_linear_network():
    alpha, rate = np.array([30.0, 5.0, 20.0]), np.array([1.0, 0.5, 2.0])
    norms, aligned, gap = np.array([4.0, 16.0, 4.0]), np.array([0.6, 0.5, 0.8]), 0.7
    pace = np.prod(alpha) * np.sum(aligned * rate * norms / alpha)  # of the output
    found = update_displacements_at_width(alpha, rate, norms, gap=gap, alignment=aligned)
    assert found == pytest.approx(gap / pace * rate * norms / alpha, rel=1e-3)


def test_what_has_grown_far_is_aligned_whatever_the_start_was():
    speeds, gap = (1.0, 0.4, 2.0), 1e9
    plain, spread = by_law(speeds, gap), by_law(speeds, gap, (0.5, 0.6, 0.7))
    assert np.prod(plain) == pytest.approx(gap, rel=0.01)
    assert spread == pytest.approx(plain, rel=0.01)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: f"{len(s[0])} layers {s[0][0]:.2f}")
@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_the_exponents_are_the_limit_of_local_slopes(scheme, optimiser):
    scales, speeds = (np.array(part) for part in scheme)
    rho, sizes = scales.sum(), np.array(update_exponents(optimiser, len(scales)))

    def log_moved(m):
        gap = np.hypot(1.0, m ** (rho - 0.5))
        moved = update_displacements_at_width(m**scales, m**speeds, m**sizes, gap=gap)
        return np.log(moved)

    # Far enough for the slowest correction to have died.
    far = 10.0 ** min(60.0, 8 / slowest_correction(*scheme, optimiser=optimiser))
    slopes = (log_moved(2 * far) - log_moved(far)) / np.log(2)
    law = displacement_exponents(*scheme, optimiser=optimiser)
    assert slopes == pytest.approx(law, abs=2e-3)


def test_a_common_factor_of_rates_changes_nothing():
    speeds = np.array([1.0, 3.0, 0.2])
    assert by_law(17 * speeds, 2.0) == pytest.approx(by_law(speeds, 2.0))


def test_moving_a_factor_between_rate_and_scale_changes_nothing():
    reference = update_displacements_at_width((0.3, 0.7), (1.0, 1.0), (5.0, 5.0), gap=1.0)
    # alpha_2 and gap ten times larger, eta_2 ten times larger: descent would need a hundred times.
    moved = update_displacements_at_width((0.3, 7.0), (1.0, 10.0), (5.0, 5.0), gap=10.0)
    assert moved == pytest.approx(reference)


def test_sizes_beyond_double_precision_are_solved():
    ones = (1.0, 1.0)
    assert update_displacements_at_width((1e150, 1e150), ones, ones, gap=1.0) == pytest.approx(
        [0.5e-300, 0.5e-300]
    )
    grown = update_displacements_at_width((1e-90, 1e-90), ones, ones, gap=1.0)
    assert grown == pytest.approx([1e90, 1e90])


@pytest.mark.parametrize("optimiser", ["sign", "muon", ("adam", "muon", "lion")])
def test_norms_of_updates_are_those_of_matrices(optimiser):
    width, rng = 60, np.random.default_rng(0)
    sides = [(width, 5), (width, width), (3, width)]
    names = (optimiser,) * 3 if isinstance(optimiser, str) else optimiser
    drawn = []
    for name, (rows, columns) in zip(names, sides, strict=True):
        rank_one = np.outer(rng.standard_normal(rows), rng.standard_normal(columns))
        norm = np.linalg.norm(np.sign(rank_one), 2)
        drawn.append(1.0 if name == "muon" else norm)
    found = update_norms(optimiser, width, depth=2, input_dim=5, output_dim=3)
    assert found == pytest.approx(drawn)


def test_gradient_descent_has_no_size_of_an_update():
    with pytest.raises(InputError, match="size that does not depend on the gradient"):
        update_norms("momentum", 8, depth=1, input_dim=2, output_dim=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rate": (1.0,)}, "one scale, rate and update norm for each"),
        ({"alpha": (1.0, -1.0)}, "Alpha must be above zero"),
        ({"update_norm": (0.0, 1.0)}, "Update norm must be above zero"),
        ({"gap": 0.0}, "Gap must be above zero"),
        ({"alignment": (1.0, 1.0, 1.0)}, "one scale, rate and update norm for each"),
    ],
)
def test_numbers_that_no_network_has_are_refused(wrong, message):
    given = {"alpha": (1.0, 1.0), "rate": (1.0, 1.0), "update_norm": (1.0, 1.0), "gap": 1.0} | wrong
    ends = {name: given.pop(name) for name in ("gap", "alignment") if name in given}
    with pytest.raises(InputError, match=message):
        update_displacements_at_width(**given, **ends)
