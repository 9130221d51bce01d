"""Do the rows about directions follow the weights, and does what they predict hold by itself?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.claims import CLAIMS
from lazyscope.claims.papers.directions import _deeper, _staircase, _transition
from lazyscope.claims.papers.directions._deeper import line_of
from lazyscope.claims.papers.directions._directions import DIRECTIONS
from lazyscope.claims.papers.directions._multiplicity import (
    _RULES,
    judged,
    multiplicity_findings,
    one_input,
    predicted_share,
    units_that_carry,
)
from lazyscope.claims.papers.directions._staircase import directions_of, published_target
from lazyscope.claims.papers.directions._training import Trained, numbered, train
from lazyscope.claims.papers.directions._transition import GAMMA_PRIMES, half_at
from lazyscope.model import build_network


def planted(weights, output):
    return Trained(weights, weights, output, 1.0, converged=True)


def on_the_eigenvectors(seed, size=40):
    data = one_input(seed)
    matrix = (data.x_train.T * data.y_train[:, 0]) @ data.x_train
    lowest, highest = np.linalg.eigh(matrix)[1].T
    draw = np.random.default_rng(seed)
    output = draw.standard_normal(size)
    side = draw.choice([-1.0, 1.0], (size, 1))
    return side * np.where(output[:, None] > 0, highest, lowest), output


def test_the_matrix_of_the_drawn_targets_has_two_eigenvalues_of_one_size():
    for seed in range(4):
        data = one_input(seed)
        found = np.linalg.eigvalsh((data.x_train.T * data.y_train[:, 0]) @ data.x_train)
        assert found[0] == pytest.approx(-found[1])
        assert found[1] > 0


def test_the_predicted_share_is_one_on_the_four_directions_and_none_with_the_signs_exchanged():
    weights, output = on_the_eigenvectors(3)
    assert predicted_share(planted(weights, output), 3) == pytest.approx(1.0)
    assert predicted_share(planted(weights, -output), 3) == 0.0


def test_a_flow_of_one_unit_turns_to_the_eigenvector_that_its_sign_says():
    data = one_input(5)
    x, y = data.x_train, data.y_train[:, 0] * 1e4
    matrix = (x.T * y) @ x / len(y)
    for sign in (1.0, -1.0):
        w, a = np.array([0.8, -0.6]), sign
        for _ in range(4000):  # w' = 2 a Q w, a' = w Q w, in a time that keeps their size
            w, a = w + 0.01 * 2 * a * matrix @ w, a + 0.01 * w @ matrix @ w
            w, a = w / np.linalg.norm(w), a / abs(a)
        target = np.linalg.eigh(matrix)[1][:, 1 if sign > 0 else 0]
        assert abs(w @ target) > 1 - 1e-6


def test_one_unit_and_all_units_alike_are_told_apart():
    weights = np.ones((50, 2))
    assert units_that_carry(planted(weights, np.ones(50))) == pytest.approx(50.0)
    assert units_that_carry(planted(weights, np.eye(50)[0])) == pytest.approx(1.0)


@pytest.mark.parametrize(("number", "verdict"), [(4.1, "agrees"), (2.0, "disagrees")])
def test_two_directions_are_not_four(number, verdict):
    values = number + 0.1 * np.random.default_rng(0).standard_normal(16)
    found = judged("four-directions", "", values, _RULES["four-directions"], 4.0, "")
    assert found.verdict == verdict


def test_a_set_that_did_not_come_down_leaves_its_row_undecided():
    found = judged("x", "", np.array([4.0, np.nan]), _RULES["four-directions"], 4.0, "")
    assert found.verdict == "undecided"
    assert found.measured is None


@pytest.mark.parametrize("place", [0.3, 0.5, 1.2])
def test_the_transition_is_found_where_it_is_planted(place):
    share = 1 / (1 + np.exp(20 * (place - np.array(GAMMA_PRIMES))))
    assert half_at(share) == pytest.approx(place)
    assert np.isnan(half_at(share**0))


def test_kernels_of_a_convolution_grow_along_the_gradient_of_its_output():
    draw = np.random.default_rng(7)
    x, y = draw.standard_normal((6, 64)), draw.standard_normal(6)
    network = build_network("convolution", 64, 1, 1, 1, "linear")

    def fit(kernel):
        params = jax.tree.map(jnp.ones_like, start)
        leaves, tree = jax.tree.flatten(params)
        outputs = network.apply(jax.tree.unflatten(tree, [kernel, *leaves[1:]]), jnp.asarray(x))
        return jnp.vdot(jnp.asarray(y, outputs.dtype), outputs[:, 0]) / len(y)

    start = network.init_from_std(jax.random.key(0), np.ones(2))
    kernel = jax.tree.leaves(start)[0]
    expected = np.asarray(jax.jit(jax.grad(fit))(jnp.zeros_like(kernel))).ravel()
    found = line_of(numbered(x, y, "drawn"))
    np.testing.assert_allclose(found / expected, found[0] / expected[0], rtol=1e-4)


def test_the_published_target_has_the_values_of_its_formula():
    data = published_target()
    x = data.x_train[-1, 0]
    assert x == 1.0
    assert data.y_train[-1, 0] == pytest.approx(-1.0 + 2.6 - 0.9 + 0.1)


def test_small_units_and_near_ones_make_no_direction_of_their_own():
    angles = np.radians([0.0, 3.0, 90.0, 180.0, 270.0])
    size = np.array([1.0, 1.0, 1.0, 0.001, 0.5])
    weights = size[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert directions_of(planted(weights, np.ones(5))) == 3.0
    assert directions_of(Trained(weights, weights, np.ones(5), 1.0, True, stalled=True)) == 3.0
    assert np.isnan(directions_of(Trained(weights, weights, np.ones(5), 1.0, False)))


def test_the_claim_is_in_the_table_with_rows_of_their_own():
    assert DIRECTIONS in CLAIMS
    names = [row.name for row in DIRECTIONS.rows]
    assert len(set(names)) == len(names) == 12
    assert _deeper.SETS == _transition.SETS == 8
    assert _staircase.FIRST_SEED >= 40


@pytest.mark.slow
def test_networks_of_x_tanh_x_gather_on_the_four_directions():
    found = {row.name: row for row in multiplicity_findings(range(200, 203))}
    assert found["which-four"].measured.value > 0.9
    assert found["four-directions"].verdict != "disagrees"
    assert found["few-units"].measured.value == pytest.approx(0.0, abs=0.1)


@pytest.mark.slow
def test_the_first_of_three_layers_is_a_line_at_two_thirds_of_kappa():
    data = one_input(1)
    runs = [
        train(data, (kappa ** (1 / 3),) * 3, width=32, activation="tanh", seed=1, stop=0.9)
        for kappa in (1e-12, 1e-15)
    ]
    assert all(run.converged for run in runs)
    across = [np.linalg.svd(run.after, compute_uv=False)[1] ** 2 for run in runs]
    assert np.log10(across[0] / across[1]) / 3 == pytest.approx(2 / 3, abs=0.02)
    assert np.log10(runs[1].time / runs[0].time) / 3 == pytest.approx(1 / 3, abs=0.02)
