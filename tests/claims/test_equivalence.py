"""Rows about proxies: which powers of the narrow width they find in numbers whose powers are known."""

import numpy as np
import pytest

from lazyscope.claims import CLAIMS
from lazyscope.claims.law._equivalence import (
    _PROBLEM,
    DRAW,
    EQUIVALENCE,
    METHODS,
    PROXIES,
    RHOS,
    WIDTH,
    dead_finding,
    equivalence_findings,
    mean_exponent,
    scatter_exponent,
    schemes,
    train,
)
from lazyscope.claims.law._equivalence_runs import trained
from lazyscope.sweep import SweepDesign, open_store, run_sweep


def numbers(mean=-1.0, scatter=-0.5, *, size=5.0, seeds=256, seed=0):
    """Errors of either sign like size m^mean, and scatter like m^scatter."""
    rng = np.random.default_rng(seed)
    widths = np.array([*PROXIES, WIDTH], float)
    shape = (len(RHOS), 4, 1, 1)
    error = size * rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 2.0, shape)
    noise = rng.standard_normal((len(RHOS), 4, len(widths), seeds)) * rng.uniform(0.3, 3.0, shape)
    found = error * widths[:, None] ** mean + noise * widths[:, None] ** scatter
    return [found[:, :, k] for k in range(len(widths))]


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


def test_a_share_of_dead_points_above_its_bound_is_refuted():
    assert dead_finding({16: 17, 32: 4, 64: 0}).as_expected
    assert dead_finding({16: 60, 32: 50, 64: 40}).verdict == "disagrees"


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_row_for_either_power(method):
    names = {row.name for row in EQUIVALENCE.rows}
    assert {f"{method}-mean", f"{method}-scatter"} <= names


@pytest.mark.slow
def test_numbers_are_those_of_a_sweep(tmp_path):
    told = {**_PROBLEM, **METHODS["flow"], "method": "flow", "width": 16, "virtual_width": 192.0}
    scales, speeds = schemes(DRAW)[1]
    found = trained(
        {**told, "scale_exponents": tuple(scales), "speed_exponents": tuple(speeds)}, range(3)
    )
    fixed = {**told, "scale_exponents": scales, "speed_exponents": speeds}
    design = SweepDesign(axes={"seed": [0, 1, 2]}, fixed=fixed, record=("displacement",))
    run_sweep(design, tmp_path / "runs")
    runs = open_store(tmp_path / "runs")
    np.testing.assert_allclose(found[-1], np.log(runs["time"].values), rtol=1e-6)
    own = np.log(runs["displacement_frobenius"].transpose("layer", "seed").values)
    own[1] += np.log(16) / 2
    assert (
        np.abs(own - found[:-1]).max() < 0.5
    )  # over the start that is expected, not that is drawn
    assert np.abs(own - found[:-1]).max() > 1e-3


@pytest.mark.slow
def test_proxies_of_a_run_are_near_the_wide_network_and_scatter_less_when_wider():
    found = train("flow", schemes(DRAW)[::5], seeds=(32, 32, 32))
    assert [each.shape for each in found] == [(2, 4, 32)] * 3
    means = [each.mean(-1) for each in found]
    assert np.abs(means[1] - means[2]).max() < 0.6
    assert np.var(found[1], axis=-1).mean() < np.var(found[0], axis=-1).mean()
