"""Rows about where proxies end: what they say of curves and kernels whose errors are known."""

import numpy as np
import pytest

from lazyscope.claims.law import _equivalence_ends as ends
from lazyscope.claims.law._attention_start import (
    NARROW,
    STARTS,
    WIDE,
    kernels_of,
    query_share,
    squared_error,
)
from lazyscope.claims.law._blocks import BLOCKS, blockwise, root_of
from lazyscope.claims.law._equivalence_ends import (
    crossing,
    extrapolated,
    size_of,
    square_of,
    square_of_units,
)


def curves(correction, noise=0.0, power=1, widths=(32, 64, 128)):
    """Losses with an error like the inverse width to a power."""
    rng = np.random.default_rng(0)
    steps = np.linspace(0, 1, 11)
    errors = correction * np.array([w**-power for w in map(float, widths)])[:, None] * steps
    return errors - 3 * steps + noise * rng.normal(size=(BLOCKS, len(widths), len(steps)))


def test_an_error_like_the_inverse_width_is_gone_on_the_line():
    assert size_of(extrapolated(curves(8.0), (32, 64, 128))) < 1e-12


def test_an_error_of_another_power_is_left_on_the_line():
    assert size_of(extrapolated(curves(4.0, power=0.5), (32, 64, 128))) > 0.02


def test_noise_alone_is_no_error():
    noisy = extrapolated(curves(0.0, noise=0.2), (32, 64, 128))
    assert size_of(noisy) < 0.5 * np.sqrt(np.mean(noisy.mean(0) ** 2))


def test_no_more_than_noise_is_no_proof_of_an_exact_zero():
    noisy = extrapolated(curves(0.0, noise=0.2), (32, 64, 128))
    found = root_of(blockwise(lambda kept: square_of(noisy[kept])))
    assert found.low == 0.0
    assert found.high > 0.01


def test_units_per_point_are_those_at_which_the_error_is_a_tenth_of_the_fall():
    """Errors and falls that are proportional along the curve, with noise and a second order beside."""
    known = curves(3 * 0.7 * 16, widths=(32, 64, 128, 512))  # 0.7 of the fall at one unit a point
    assert square_of_units(known, (32, 64, 128, 512), 16) == pytest.approx(7.0**2, rel=0.06)
    noisy = curves(3 * 0.7 * 16, noise=0.05, widths=(32, 64, 128, 512))
    found = root_of(blockwise(lambda kept: square_of_units(noisy[kept], (32, 64, 128, 512), 16)))
    assert found.low < 7.0 < found.high
    nothing = curves(0.0, noise=0.05, widths=(32, 64, 128, 512))
    found = root_of(blockwise(lambda kept: square_of_units(nothing[kept], (32, 64, 128, 512), 16)))
    assert found.low == 0.0


def test_every_end_has_a_number_for_curves_of_known_error(monkeypatch):
    """Three units a point; errors of the first order elsewhere, which the line takes away."""

    def known(build, data, widths, **told):
        found = curves(3 * 0.3 * len(data[0]), noise=0.02, widths=widths)
        return found * np.nan if told["rate"] > 1.4 else found  # diverged

    monkeypatch.setattr(ends, "curves_of", known)
    monkeypatch.setattr(ends, "largest_stable_rate_of", lambda build, data: 1.0)
    found = {each.name: each for each in ends.end_findings()}
    assert set(found) == {row.name for row in ends.end_rows()}
    assert {each.verdict for each in found.values()} == {"agrees"}
    assert found["end-points"].measured.value == pytest.approx(3.0, rel=0.1)
    assert found["end-edge"].measured.value == pytest.approx(1.2)


def test_the_place_of_a_bound_is_found_from_either_side_and_is_unknown_where_all_are_beyond():
    assert crossing((1.0, 4.0), (0.05, 0.2), 0.1) == pytest.approx(2.0)
    assert crossing((1.0, 4.0), (0.2, 0.05), 0.1) == pytest.approx(2.0)
    assert crossing((1.0, 4.0), (0.01, 0.02), 0.1) == 4.0  # rising, inside throughout
    assert np.isnan(crossing((1.0, 4.0), (0.2, 0.4), 0.1))
    assert crossing((1.0, 4.0), (0.02, 0.01), 0.1) == 1.0  # falling, inside throughout
    assert crossing((1.0, 4.0), (0.05, float("nan")), 0.1) == 1.0  # diverged beyond


def test_kernels_that_differ_by_a_tenth_differ_by_a_tenth_whatever_their_scatter():
    rng = np.random.default_rng(1)
    kernel = np.eye(4) + 0.5
    wide = kernel + 0.3 * rng.normal(size=(BLOCKS, 64, 1, 4, 4))
    narrow = 1.1 * kernel + 0.6 * rng.normal(size=(BLOCKS, 64, 1, 4, 4))
    assert squared_error(narrow, wide) == pytest.approx(0.01, abs=0.005)


@pytest.mark.slow
def test_queries_count_too_much_in_a_narrow_network_unless_heads_grow_in_number():
    shares = {
        name: [query_share(kernels_of(STARTS[name], width)) for width in (NARROW, WIDE)]
        for name in ("attention-root", "attention-heads")
    }
    narrow, wide = shares["attention-root"]
    assert narrow > 1.3 * wide
    narrow, wide = shares["attention-heads"]
    assert narrow == pytest.approx(wide, rel=0.15)
