"""Rows about proxies: which powers of the narrow width they find in numbers whose powers are known."""

import numpy as np
import pytest

from lazyscope.claims import CLAIMS
from lazyscope.claims.law._equivalence import (
    DRAW,
    EQUIVALENCE,
    PROXIES,
    RHOS,
    WIDTH,
    equivalence_findings,
    mean_exponent,
    scatter_exponent,
    schemes,
    train,
)


def numbers(mean=-1.0, scatter=-0.5, *, size=4.0, seeds=192, seed=0):
    """Errors of either sign like size m^mean, and scatter like m^scatter."""
    rng = np.random.default_rng(seed)
    widths = np.array([*PROXIES, WIDTH], float)
    shape = (len(RHOS), 4, 1, 1)
    error = size * rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 2.0, shape)
    noise = rng.standard_normal((len(RHOS), 4, len(widths), seeds)) * rng.uniform(0.3, 3.0, shape)
    found = error * widths[:, None] ** mean + noise * widths[:, None] ** scatter
    return [found[:, :, 0], found[:, :, 1], found[:, :, 2], found[:, :, 3, :8]]


def rows(found):
    return {row.name: row for row in equivalence_findings("flow", found)}


def test_powers_of_the_theory_are_found_and_confirmed():
    found = rows(numbers())
    assert found["flow-mean"].measured.value == pytest.approx(-1.0, abs=0.15)
    assert found["flow-scatter"].measured.value == pytest.approx(-0.5, abs=0.05)
    assert all(row.as_expected for row in found.values())


def test_an_error_like_the_root_of_the_width_is_refuted():
    assert rows(numbers(mean=-0.5, size=0.5))["flow-mean"].verdict == "disagrees"


def test_a_scatter_like_the_inverse_width_is_refuted():
    assert rows(numbers(scatter=-1.0))["flow-scatter"].verdict == "disagrees"


def test_noise_alone_decides_nothing_about_the_mean():
    assert rows(numbers(size=0.0))["flow-mean"].verdict == "undecided"


def test_noise_of_few_seeds_does_not_move_the_exponent_of_the_mean():
    found = [mean_exponent(numbers(seeds=16, seed=k)) for k in range(40)]
    assert np.mean(found) == pytest.approx(-1.0, abs=4 * np.std(found) / np.sqrt(40))
    assert np.std(found) < 0.3


def test_scale_of_one_quantity_moves_no_exponent():
    one = numbers()
    units = np.array([1.0, 100.0, 1.0, 0.01])[:, None]
    other = [each * units for each in one]
    assert mean_exponent(other) == pytest.approx(mean_exponent(one))
    assert scatter_exponent(other) == pytest.approx(scatter_exponent(one))


def test_a_run_that_failed_leaves_its_rows_undecided():
    lost = numbers()
    lost[0][0, 0, 0] = np.nan
    assert {row.verdict for row in rows(lost).values()} == {"undecided"}


def test_schemes_have_the_rhos_and_another_draw_is_another():
    for rho, (scales, speeds) in zip(RHOS, schemes(DRAW), strict=True):
        assert sum(scales) == pytest.approx(rho, abs=1e-3)
        assert len(scales) == len(speeds) == 3
    assert schemes(DRAW) != schemes(DRAW + 1)
    assert EQUIVALENCE in CLAIMS


@pytest.mark.slow
def test_proxies_of_a_run_are_near_the_wide_network_and_scatter_less_when_wider():
    found = train("flow", schemes(DRAW)[::5], seeds=4, wide_seeds=2)
    assert [each.shape for each in found] == [(2, 4, n) for n in (4, 4, 4, 2)]
    means = [each.mean(-1) for each in found]
    assert np.abs(means[2] - means[3]).max() < 0.6
    assert np.var(found[2], axis=-1).mean() < np.var(found[0], axis=-1).mean()
