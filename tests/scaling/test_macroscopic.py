"""Do the numbers of a scheme at one width, given to a network of another, keep what decides training?"""

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.scaling import (
    Scheme,
    displacement_exponents,
    law_corrections,
    macroscopic_form,
    named_scheme,
    slowest_correction,
)

SCHEME = Scheme.from_exponents((0.5, -0.1, -0.25), (0.3, -1.0, 0.2))


@pytest.mark.parametrize("keeping", ["scales", "entries"])
@pytest.mark.parametrize("virtual", [3.5, 100, 1e6, 1e30])
def test_kappa_and_every_relative_speed_are_those_at_the_virtual_width(keeping, virtual):
    form = macroscopic_form(SCHEME, virtual, 64, keeping=keeping)
    alpha, speed = form.alpha(64), form.speed(64)
    assert form.kappa(64) == pytest.approx(virtual**0.15, rel=1e-12)
    u = np.array([-0.7, -0.8, 0.7])
    np.testing.assert_allclose(speed / alpha**2, virtual**u, rtol=1e-12)


def test_entries_keep_their_standard_deviation_in_the_first_layer_and_scale_in_the_others():
    wide, form = SCHEME.weight_std(4096), macroscopic_form(SCHEME, 4096, 64, keeping="entries")
    np.testing.assert_allclose(form.weight_std(64) / wide, [1.0, 8.0, 64.0], rtol=1e-12)
    np.testing.assert_allclose(form.speed(64) / SCHEME.speed(4096), [1 / 64, 1.0, 64.0], rtol=1e-12)


def test_at_its_own_width_a_scheme_is_itself():
    scheme = named_scheme("xavier", depth=2, input_dim=5, output_dim=3)
    for keeping in ("scales", "entries"):
        form = macroscopic_form(scheme, 32, 32, keeping=keeping)
        np.testing.assert_allclose(form.alpha(32), scheme.alpha(32), rtol=1e-12)
        np.testing.assert_allclose(form.speed(32), scheme.speed(32), rtol=1e-12)


@pytest.mark.parametrize("virtual", [0.5, 1e31, -3, "wide"])
def test_virtual_widths_below_one_and_above_1e30_are_refused(virtual):
    with pytest.raises(InputError, match="irtual width must"):
        macroscopic_form(SCHEME, virtual, 64)


def test_numbers_at_one_width_say_nothing_of_another():
    given = Scheme.at_width(64, alpha=[1.0, 2.0])
    assert macroscopic_form(given, 64, 32).alpha(32).tolist() == [1.0, 2.0]
    with pytest.raises(InputError, match=r"hold at that width only, here 64.*1e\+12"):
        macroscopic_form(given, 1e12, 64)


def test_scales_whose_kernel_leaves_double_precision_are_refused():
    far = Scheme.from_exponents((3.0, 2.0), (0.0, 0.0))
    assert macroscopic_form(far, 1e12, 64).kappa(64) == pytest.approx(1e60)
    with pytest.raises(InputError, match="must stay far inside double precision"):
        macroscopic_form(far, 1e30, 64)


@pytest.mark.parametrize("seed", range(20))
def test_the_corrections_of_the_law_hold_the_slowest_one(seed):
    rng = np.random.default_rng(seed)
    scales, speeds = rng.uniform(-0.5, 0.6, 3).tolist(), rng.uniform(-1, 1, 3).tolist()
    rates = law_corrections(scales, speeds)
    assert np.min(np.abs(np.array(rates) - slowest_correction(scales, speeds))) < 1e-8
    assert min(rates) > 0
    assert list(rates) == sorted(rates)
    if sum(scales) < 0:
        for e in displacement_exponents(scales, speeds):
            assert e == 0 or np.min(np.abs(np.array(rates) - abs(e))) < 1e-8
