"""Is the drift of kinks what a count of units says, and do the rows refute another one?"""

import numpy as np
import pytest

from lazyscope.claims import CLAIMS
from lazyscope.claims.law.kinks._kink_drift import (
    _LEFT,
    KINK_DRIFT,
    STOP,
    _finding,
    _slopes,
    trained_kernels,
    unbiased_size,
)


def counted(kappa, width, networks, seed=0):
    """Relative change of the kernel on one point from the units that leave it, drawn unit by unit."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(networks):
        a, z = draw.standard_normal((2, width))
        on = z > 0
        moved = (1 - STOP**0.5) * a / kappa  # y = 1: dz = s_1 a |x|^2 c, c = (1 - sqrt(s)) y / K
        left = on & (z + moved < 0)
        whole = (a**2 * on).sum() + (np.maximum(z, 0) ** 2).sum()
        found.append(-(a**2 * left).sum() / whole)
    return np.array(found)


def test_the_constants_of_one_point_are_those_of_a_count_of_units():
    kappa, width = 30.0, 20_000
    change = counted(kappa, width, 400)
    error = change.std() / np.sqrt(len(change))
    assert kappa * change.mean() == pytest.approx(-_LEFT, abs=3 * kappa * error)
    spread = kappa * width * change.var()
    assert spread == pytest.approx(4 * _LEFT, rel=3 * np.sqrt(2 / len(change)))


def test_the_size_of_a_mean_is_free_of_its_noise():
    draw = np.random.default_rng(1)
    signal = np.full((3, 3), 0.1)
    found = [unbiased_size(signal + draw.standard_normal((64, 3, 3))) for _ in range(400)]
    squares = np.nan_to_num(np.array(found)) ** 2
    known = np.isfinite(found)
    assert 0.3 < known.mean() < 1.0
    raw = np.linalg.norm(signal) ** 2 + 9 / 64
    assert squares.mean() < raw
    assert unbiased_size(np.tile(signal, (4, 1, 1))) == pytest.approx(0.3)


def test_a_drift_of_second_order_and_one_that_is_noise_are_refuted():
    kappas, widths = (96.0, 192.0, 384.0), (1024, 4096, 16384)
    noise = np.exp(0.05 * np.random.default_rng(2).standard_normal((4, 3)))
    first, second = (noise * np.array(kappas) ** power for power in (-1, -2))
    assert _finding("drift-kappa", "", _slopes(kappas, first), "").verdict == "agrees"
    assert _finding("drift-kappa", "", _slopes(kappas, second), "").verdict == "disagrees"
    fading = noise * np.array(widths) ** -0.5
    assert _finding("drift-width", "", _slopes(widths, noise), "").verdict == "agrees"
    assert _finding("drift-width", "", _slopes(widths, fading), "").verdict == "disagrees"


def test_sets_without_a_drift_leave_the_row_undecided():
    found = _finding("drift-kappa", "", np.array([-1.0, np.nan]), "", "Means.")
    assert found.verdict == "undecided"
    assert "No drift" in found.note


def test_the_claim_is_in_the_table_and_draws_what_it_runs():
    assert KINK_DRIFT in CLAIMS
    assert KINK_DRIFT.check_drawn is not None


@pytest.mark.slow
def test_trained_networks_lose_what_the_count_says():
    kappa, width, networks = 100.0, 4096, 64
    before, after = trained_kernels(
        np.eye(1, 3), np.ones((1, 1)), kappa, width, np.arange(networks)
    )
    change = ((after - before) / before).ravel()
    expected = -_LEFT + 2 * (1 - STOP**0.5) ** 2 / kappa
    error = kappa * change.std() / np.sqrt(networks)
    assert kappa * change.mean() == pytest.approx(expected, abs=3 * error)
    assert kappa * change.mean() < -2 * error
