"""Are the numbers of a narrow network refused where they would not stand for the wide one?"""

import pytest

from lazyscope import InputError
from lazyscope.scaling import array_transfer, start_share


def test_a_network_is_its_own_proxy():
    for role in ("input", "hidden", "output", "fixed"):
        for kind in ("sgd", "adam", "muon"):
            assert array_transfer(role, kind, width=64, proxy_width=64) == (1, 1, 1, 1, 1)
    assert start_share(64, 64) == 1


def test_two_steps_of_width_are_one():
    def found(wide, narrow):
        return array_transfer("output", "muon", width=wide, proxy_width=narrow)

    pairs = zip(found(4096, 512), found(512, 64), found(4096, 64), strict=True)
    assert all(a * b == pytest.approx(c) for a, b, c in pairs)


def test_widths_are_any_numbers_up_to_a_limit():
    found = array_transfer("output", "adam", width=1e30, proxy_width=128)
    assert found.rate == pytest.approx(1e30 / 128)
    with pytest.raises(InputError, match="at most 1e\\+30"):
        array_transfer("output", "adam", width=2e30, proxy_width=128)


@pytest.mark.parametrize("wide", [63.9, 0.0, -1.0])
def test_a_proxy_that_is_not_narrower_is_refused(wide):
    with pytest.raises(InputError, match=r"narrower|above zero|positive"):
        start_share(wide, 64)


def test_unknown_roles_and_optimisers_are_refused():
    with pytest.raises(InputError, match=r"(?i)optimiser"):
        array_transfer("hidden", "adafactor", width=128, proxy_width=64)
    with pytest.raises(InputError, match=r"(?i)role"):
        array_transfer("tied", "adam", width=128, proxy_width=64)


def test_a_vector_is_left_to_adam_by_muon():
    kinds = (("muon", False), ("adam", True))
    one, other = (array_transfer("input", k, width=128, proxy_width=64, matrix=m) for k, m in kinds)
    assert one == other
