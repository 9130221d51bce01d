"""Do the rows about condensation follow the weights: true for planted directions, false for random ones?"""

import numpy as np
import pytest
import xarray as xr

from lazyscope.claims import CLAIMS
from lazyscope.claims.papers._condensation import CONDENSATION, _predicted_direction, _rows
from lazyscope.claims.papers._condensation_power import GAMMA, off_line_share, power_rows

WIDTHS, SEEDS, NEURONS = (100, 1000), 4, 128
CONDENSED = {(2, 0): 0.02, (2, 1): 0.01, (1, 0): 3.0, (1, 1): 0.3}
"""Size of the noise about the two directions, by place of gamma and of the width."""


def made_up_runs(noise, direction=None):
    """Weights on plus and minus a direction with noise, and random ones where none is given."""
    draw = np.random.default_rng(4)
    weights = draw.standard_normal((3, len(WIDTHS), SEEDS, NEURONS, 5))
    direction = _predicted_direction() if direction is None else direction
    for (gamma, width), size in noise.items():
        side = draw.choice([-1.0, 1.0], (SEEDS, NEURONS, 1))
        weights[gamma, width] = side * direction + size * weights[gamma, width]
    dims = ("gamma", "width", "seed", "neuron", "feature")
    coords = {"gamma": [0.5, 2.0, 3.0], "width": list(WIDTHS), "seed": np.arange(SEEDS)}
    return xr.Dataset({"input_weights_final": (dims, weights)}, coords)


def verdicts(runs):
    return {row.name: row.verdict for row in _rows(runs, "tanh", "made up")}


def test_weights_on_the_predicted_directions_make_every_row_agree():
    found = verdicts(made_up_runs(CONDENSED))
    assert set(found) == {
        f"{name}-tanh"
        for name in ("condensed", "directions", "direction", "not-condensed", "sharper")
    }
    assert set(found.values()) == {"agrees"}


def test_random_weights_contradict_condensation():
    found = verdicts(made_up_runs({}))
    assert [found[f"{name}-tanh"] for name in ("condensed", "directions", "direction")] == [
        "disagrees"
    ] * 3
    assert found["not-condensed-tanh"] == "agrees"


def test_other_directions_than_the_predicted_ones_are_noticed():
    predicted = _predicted_direction()
    other = np.eye(5)[0] - predicted[0] * predicted
    found = verdicts(made_up_runs(CONDENSED, other / np.linalg.norm(other)))
    assert found["condensed-tanh"] == "agrees"
    assert found["direction-tanh"] == "disagrees"


def test_a_lazy_network_that_condenses_is_noticed():
    found = verdicts(made_up_runs({**CONDENSED, (0, 1): 0.05}))
    assert found["not-condensed-tanh"] == "disagrees"


def test_the_predicted_direction_is_the_sum_over_points_of_target_times_input():
    from lazyscope.data import sphere_teacher

    data = sphere_teacher(num_points=20, input_dim=5)
    total = sum(y[0] * x for x, y in zip(data.x_train, data.y_train, strict=True))
    assert _predicted_direction() == pytest.approx(total / np.linalg.norm(total))


def test_the_claim_is_in_the_table():
    assert CONDENSATION in CLAIMS


def test_share_across_the_line_is_that_of_the_smaller_singular_values():
    along = np.outer(np.arange(1.0, 9.0), [0.6, 0.8])
    assert off_line_share(along) == pytest.approx(0.0, abs=1e-15)
    square = np.array([[1e3, 0.0], [0.0, 1e-5]])
    assert off_line_share(square) == pytest.approx(1e-16, rel=1e-6)
    assert off_line_share(np.eye(5)) == pytest.approx(0.8)


def test_powers_of_condensation_are_those_of_kappa():
    predicted = {row.name: row.prediction for row in power_rows()}
    assert predicted == {name: -abs(1 - gamma) for name, gamma in GAMMA.items()}
