"""Do weight decay and epsilon follow the width as the equivalence of widths and the papers say?"""

import math

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.scaling import (
    Branches,
    Scheme,
    array_transfer,
    epsilon_exponents,
    named_scheme,
    regime_report,
    weight_decay_exponents,
    with_branches,
)

ROLES = ("input", "hidden", "output")


@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adam", "adamw", "sign", "lion", "muon"])
def test_in_mup_they_are_those_that_keep_a_narrow_network_like_a_wide_one(optimiser):
    """`array_transfer` has them from powers of entries, changes and gradients, without exponents of ours."""
    scheme = named_scheme("mup", depth=2, optimiser=optimiser)
    narrow = [array_transfer(role, optimiser, width=1024, proxy_width=64) for role in ROLES]
    ratio = 64 / 1024
    for given, decay in zip(narrow, weight_decay_exponents(scheme), strict=True):
        assert given.decay == pytest.approx(ratio**decay)
    for given, power in zip(narrow, epsilon_exponents(scheme), strict=True):
        assert given.epsilon == pytest.approx(1.0 if power is None else ratio**power)


def test_they_are_those_of_completep():
    """Dey et al. 2025 (arXiv 2505.01618), table 1: hidden decay times m, epsilon 1/m and L^-alpha / m inside.

    The last layer of the source has weights behind 1/m: its epsilon over m is one over effective weights.
    """
    report = regime_report(named_scheme("completep", depth=3, optimiser="adamw", alpha=0.75))
    assert report["weight_decay_exponents"] == [0.0, 1.0, 1.0, 1.0]
    assert report["epsilon_exponents"] == [-1.0, -1.0, -1.0, 0.0]
    assert report["over_depth"]["weight_decay_exponents"] == [0.0] * 4
    assert report["over_depth"]["epsilon_exponents"] == [0.0, -0.75, -0.75, 0.0]


@pytest.mark.parametrize("name", ["standard", "mup", "ntk"])
def test_epsilon_follows_the_entries_of_gradients(name):
    """Of a two-layer network written down here: d loss / dW for targets of order one, any kappa."""
    rng, widths = np.random.default_rng(0), (64, 4096)
    x, y = rng.normal(size=(4, 5)), rng.choice([-1.0, 1.0], size=(4, 1))
    scheme = named_scheme(name, depth=1, input_dim=5, optimiser="adam")
    sizes = []
    for m in widths:
        first, last = scheme.weight_std(m)
        seen = []
        for _ in range(20):
            a, b = first * rng.normal(size=(m, 5)), last * rng.normal(size=(1, m))
            hidden = np.maximum(x @ a.T, 0)
            residual = hidden @ b.T - y
            grads = (residual @ b * (hidden > 0)).T @ x, residual.T @ hidden
            seen.append([math.log(np.sqrt(np.mean(g**2))) for g in grads])
        sizes.append(np.mean(seen, axis=0))
    slopes = (sizes[1] - sizes[0]) / math.log(widths[1] / widths[0])
    assert slopes == pytest.approx(epsilon_exponents(scheme), abs=0.1)


def test_layers_whose_optimiser_adds_nothing_have_no_epsilon():
    mixed = named_scheme("mup", depth=2, optimiser=("sign", "muon", "adam"))
    assert epsilon_exponents(mixed) == (None, 0.0, 0.0)
    deep = with_branches(mixed, Branches(-1.0))
    assert regime_report(deep)["over_depth"]["epsilon_exponents"] == [None, -1.0, 0.0]


def test_numbers_at_one_width_have_no_exponents_of_decay():
    with pytest.raises(InputError, match="law over widths"):
        weight_decay_exponents(Scheme.at_width(8, alpha=(1.0, 1.0)))
