"""The kernel's change: which of drift, fluctuation and kinks leads, against a network of single units."""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.scaling import kernel_change_exponent


def change(rho, kind, **more):
    """Layers of one relative speed."""
    return kernel_change_exponent((0.5, rho - 0.5), (1, 2 * rho - 1), activation_kind=kind, **more)


@pytest.mark.parametrize("rho", [0.1, 0.25, 0.5])
def test_drift_leads_up_to_one_with_kinks_and_up_to_a_half_without(rho):
    assert change(2 * rho, "kinks") == pytest.approx(-2 * rho)
    assert change(rho, "smooth") == pytest.approx(-2 * rho)


@pytest.mark.parametrize("rho", [1.0, 1.5, 2.0])
def test_fluctuations_lead_above(rho):
    assert change(rho, "kinks") == pytest.approx(-(1 + rho) / 2)
    assert change(rho, "smooth") == pytest.approx(-(rho + 0.5))


def test_one_point_has_units_that_leave_and_none_that_come():
    """ReLU units of one point, c = 1: z' = a and a' = z while z > 0, to the order 1/kappa."""
    rho, shares = 0.5, []
    for m in (2**10, 2**18):
        z, a = np.random.default_rng(0).standard_normal((2, 40, m))
        end = z + np.where(z > 0, a, 0.0) * m**-rho
        assert not ((z <= 0) & (end > 0)).any()
        shares.append(((z > 0) & (end <= 0)).mean())
    assert np.log(shares[1] / shares[0]) / np.log(2**8) == pytest.approx(
        change(rho, "kinks"), abs=0.03
    )


def test_uncentred_networks_stop_at_the_floor_of_their_displacement():
    assert change(2.0, "smooth", centred=False) == pytest.approx(-1)
    assert change(2.0, "kinks", centred=False) == pytest.approx(-0.5)
    assert change(0.25, "kinks", centred=False) == change(0.25, "kinks")


def test_a_network_that_is_not_lazy_is_refused():
    with pytest.raises(InputError, match="must be above zero"):
        change(0.0, "kinks")
