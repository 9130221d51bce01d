"""The kernel's change: which of drift, fluctuation and kinks leads, against a network of single units."""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.scaling import kernel_change_exponent


def change(rho, kind, **more):
    """Layers of one relative speed."""
    return kernel_change_exponent((0.5, rho - 0.5), (1, 2 * rho - 1), activation_kind=kind, **more)


@pytest.mark.parametrize("rho", [0.1, 0.25, 0.3, 1 / 3])
def test_drift_leads_up_to_a_third_with_kinks_and_up_to_a_half_without(rho):
    assert change(rho, "kinks") == pytest.approx(-2 * rho)
    assert change(1.5 * rho, "smooth") == pytest.approx(-3 * rho)


@pytest.mark.parametrize("rho", [0.5, 0.75, 2.0])
def test_fluctuations_lead_above(rho):
    assert change(rho, "kinks") == pytest.approx(-(1 + rho) / 2)
    assert change(rho, "smooth") == pytest.approx(-(rho + 0.5))


def test_uncentred_networks_stop_at_the_floor_of_their_displacement():
    assert change(2.0, "smooth", centred=False) == pytest.approx(-1)
    assert change(2.0, "kinks", centred=False) == pytest.approx(-0.75)
    assert change(0.25, "kinks", centred=False) == change(0.25, "kinks")


def test_a_network_that_is_not_lazy_is_refused():
    with pytest.raises(InputError, match="must be above zero"):
        change(0.0, "kinks")


@pytest.mark.parametrize("lead", [-0.25, 0.25])
def test_orders_of_single_units_are_those_of_sums_over_many_of_them(lead):
    """Changes of K_1 and K_2 of ReLU units that move by m^e_l, at the first order, in units of all of K."""
    rho, widths = 0.6, np.array([2**10, 2**18])
    rng, found = np.random.default_rng(0), []
    p = min(lead, 0.0), min(-lead, 0.0)
    for m in widths:
        z, a = rng.standard_normal((2, 40, m))
        end, readout = z + a * m ** (p[0] - rho), a + np.maximum(z, 0) * m ** (p[1] - rho)
        first = (readout**2 * (end > 0) - a**2 * (z > 0)).mean(1) * m ** p[0]
        second = (np.maximum(end, 0) ** 2 - np.maximum(z, 0) ** 2).mean(1) * m ** p[1]
        found.append(np.hypot(first, second).mean())
    slope = np.diff(np.log(found))[0] / np.diff(np.log(widths))[0]
    law = kernel_change_exponent((0.0, rho), (lead, 2 * rho), activation_kind="kinks")
    assert slope == pytest.approx(law, abs=0.06)
