"""Do the measures of condensation give known values, respect symmetries and know their null?"""

import numpy as np
import pytest
from scipy.special import betainc

from lazyscope._checks import InputError
from lazyscope.measure import condensation, cosine_similarity, orientation_scatter


def isotropic(m, d, seed=0):
    return np.random.default_rng(seed).standard_normal((m, d))


def rotation(d, seed=0):
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def numbers(found):
    return [
        found.order_parameter,
        found.share.value,
        found.effective_directions.value,
        found.effective_dimensions.value,
    ]


def test_equal_directions_are_one_direction():
    w = np.outer(np.linspace(0.1, 5, 40), [1.0, -2.0, 0.5])
    found = condensation(w)
    np.testing.assert_allclose(numbers(found), [1, 1, 1, 1])
    np.testing.assert_allclose(found.shares, [1, 0])
    np.testing.assert_allclose(found.directions[0], w[0] / np.linalg.norm(w[0]))
    np.testing.assert_allclose(cosine_similarity(w), 1)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_equal_orthogonal_clusters_are_counted(k):
    w = np.repeat(np.eye(6)[:k], 20, axis=0)
    found = condensation(w, num_directions=k)
    assert found.effective_directions.value == pytest.approx(k)
    assert found.effective_dimensions.value == pytest.approx(k)
    assert found.order_parameter == pytest.approx(1)
    np.testing.assert_allclose(found.shares, 1 / k)


def test_more_clusters_than_leading_directions_lower_the_order_parameter():
    w = np.repeat(np.eye(6), 20, axis=0)
    found = condensation(w, num_directions=2)
    null = found.share.null
    assert found.share.value == pytest.approx(1 / 3)
    assert found.order_parameter == pytest.approx((1 / 3 - null) / (1 - null))


def test_three_directions_in_the_plane_are_three_although_the_plane_has_two_dimensions():
    angles = np.repeat([0.0, 2.1, 4.2], 30)
    found = condensation(np.column_stack([np.cos(angles), np.sin(angles)]))
    assert found.effective_directions.value == pytest.approx(3)
    assert found.effective_dimensions.value < 2 + 1e-9


def test_unequal_masses_give_the_inverse_simpson_number():
    w = np.repeat(np.eye(3)[:2], [30, 10], axis=0)
    found = condensation(w)
    assert found.effective_directions.value == pytest.approx(1 / (0.75**2 + 0.25**2))
    np.testing.assert_allclose(found.shares, [0.75, 0.25])


def test_amplitude_weighs_neurons_by_output_weight_times_input_norm():
    w = np.array([[2.0, 0, 0], [0, 1.0, 0], [0, 1.0, 0]])
    found = condensation(w, [3.0, -1.0, 1.0])
    np.testing.assert_allclose(found.shares, [6 / 8, 2 / 8])
    many = condensation(w, [[3.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    np.testing.assert_allclose(many.shares, [6 / 8, 2 / 8])


def test_opposite_directions_are_two_or_one_by_symmetry():
    w = np.array([[1.0, 1.0, 0]] * 10 + [[-1.0, -1.0, 0]] * 10)
    apart = condensation(w)
    folded = condensation(w, symmetry="sign")
    assert apart.effective_directions.value == pytest.approx(2)
    assert folded.effective_directions.value == pytest.approx(1)
    np.testing.assert_allclose(folded.shares, [1, 0])
    np.testing.assert_allclose(np.abs(folded.directions[0]), np.array([1, 1, 0]) / np.sqrt(2))
    assert apart.effective_dimensions.value == pytest.approx(1)
    np.testing.assert_allclose(cosine_similarity(w, symmetry="sign"), 1)


def test_isotropic_weights_are_within_the_null():
    found = [condensation(isotropic(300, 4, seed), seed=100 + seed) for seed in range(20)]
    for name in ("share", "effective_directions", "effective_dimensions"):
        pulls = np.array([getattr(f, name).deviations for f in found])
        assert abs(pulls.mean()) < 4 / np.sqrt(20)
        assert pulls.std() < 2
    assert np.mean([f.order_parameter for f in found]) < 0.01


@pytest.mark.parametrize("symmetry", ["none", "sign"])
@pytest.mark.parametrize("d", [2, 3, 8])
def test_the_null_has_its_closed_form_mean(d, symmetry):
    m, angle = 200, np.pi / 9
    found = condensation(isotropic(m, d), symmetry=symmetry, angle=angle, num_null=200)
    cap = 0.5 * betainc((d - 1) / 2, 0.5, np.sin(angle) ** 2) * (2 if symmetry == "sign" else 1)
    pairs = 1 / m + (1 - 1 / m) * cap
    moment = 1 / m + (1 - 1 / m) / d
    # the mean of an inverse exceeds the inverse of the mean by a relative variance
    for measured, mean in (
        (found.effective_directions, 1 / pairs),
        (found.effective_dimensions, 1 / moment),
    ):
        error = measured.null_sd / np.sqrt(200) + measured.null_sd**2 / mean
        assert abs(measured.null - mean) < 4 * error


def test_partly_condensed_weights_lie_between():
    w = isotropic(400, 5)
    w[:200] = [1.0, 0, 0, 0, 0]
    found = condensation(w)
    assert 0.4 < found.order_parameter < 0.6
    assert found.share.deviations > 10


@pytest.mark.parametrize("symmetry", ["none", "sign"])
def test_rotation_permutation_and_positive_scaling_change_nothing(symmetry):
    w = isotropic(80, 3) + np.array([1.5, 0, 0])
    reference = numbers(condensation(w, symmetry=symmetry))
    rng = np.random.default_rng(1)
    scaled = w * np.exp(rng.standard_normal((80, 1)))
    for other in (w @ rotation(3), w[rng.permutation(80)], scaled):
        np.testing.assert_allclose(
            numbers(condensation(other, symmetry=symmetry)), reference, atol=0.02
        )
        assert condensation(other, symmetry=symmetry).share.value == pytest.approx(reference[1])


def test_flipping_neurons_changes_nothing_under_sign_symmetry():
    w = isotropic(80, 3) + np.array([1.5, 0, 0])
    flipped = w * np.random.default_rng(1).choice([-1.0, 1.0], (80, 1))
    one, other = condensation(w, symmetry="sign"), condensation(flipped, symmetry="sign")
    np.testing.assert_allclose(numbers(one), numbers(other))


def test_moving_scale_from_output_to_input_weight_changes_nothing():
    w, a = isotropic(60, 3), isotropic(60, 1, seed=2)[:, 0]
    scale = np.exp(isotropic(60, 1, seed=3))
    one, other = condensation(w, a), condensation(w * scale, a / scale[:, 0])
    np.testing.assert_allclose(numbers(one), numbers(other))


def test_many_neurons_are_sampled_without_bias():
    rng = np.random.default_rng(5)
    w = np.eye(5)[rng.choice(5, 4000, p=[0.4, 0.3, 0.2, 0.05, 0.05])]
    w = w + 0.01 * rng.standard_normal(w.shape)
    found = condensation(w, num_directions=3)
    assert found.share.value == pytest.approx(0.9, abs=0.02)
    expected = 1 / np.sum(np.square([0.4, 0.3, 0.2, 0.05, 0.05]))
    assert found.effective_directions.value == pytest.approx(expected, rel=0.1)


def test_the_scatter_gives_angle_and_amplitude():
    found = orientation_scatter([[1.0, 1.0], [-2.0, 0.0], [0.0, -1.0]], [1.0, 0.5, -2.0])
    np.testing.assert_allclose(found.angle, [np.pi / 4, np.pi, -np.pi / 2])
    np.testing.assert_allclose(found.amplitude, [np.sqrt(2), 1.0, 2.0])
    assert found.bin_share.sum() == pytest.approx(1)
    folded = orientation_scatter([[1.0, 1.0], [-1.0, -1.0]], symmetry="sign")
    np.testing.assert_allclose(folded.angle, np.pi / 4)
    assert folded.bin_share.max() == pytest.approx(1)


def test_random_angles_rarely_pass_the_null_limit_and_condensed_ones_do():
    passes = [
        (found := orientation_scatter(isotropic(500, 2, seed), seed=seed + 50)).bin_share.max()
        > found.null_limit
        for seed in range(60)
    ]
    assert np.sum(passes) <= 9  # mean 3 of 60
    w = isotropic(500, 2)
    w[:60] = [0.6, 0.8]
    condensed = orientation_scatter(w)
    assert condensed.bin_share.max() > condensed.null_limit > condensed.null_share


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        (np.ones(3), {}, "one row for each of at least two neurons"),
        ([[1.0, np.nan], [1.0, 1.0]], {}, "weights must be finite|Weights must be finite"),
        ([[0.0, 0.0], [1.0, 1.0]], {}, "every neuron needs a direction|1 rows of zeros"),
        ([[1.0, 0.0], [1.0, 1.0]], {"amplitude": [[1.0, 2.0, 3.0]]}, "transpose the output"),
        ([[1.0, 0.0], [1.0, 1.0]], {"amplitude": [0.0, 0.0]}, "amplitudes that are all zero"),
        ([[1.0, 0.0], [1.0, 1.0]], {"angle": 10}, "degrees in place of radians"),
        ([[1.0, 0.0], [1.0, 1.0]], {"angle": 0.0}, "Angle must be above zero"),
        ([[1.0, 0.0], [1.0, 1.0]], {"symmetry": "odd"}, "Symmetry must be one of none, sign"),
        ([[1.0, 0.0], [1.0, 1.0]], {"num_directions": 0}, "at least 1"),
        ([[1.0, 0.0], [1.0, 1.0]], {"num_null": 3}, "at least 8"),
    ],
)
def test_bad_input_is_refused_with_the_fix(weights, options, message):
    with pytest.raises(InputError, match=message):
        condensation(weights, **options)


def test_a_scatter_of_more_dimensions_is_refused():
    with pytest.raises(InputError, match=r"two columns, weight and bias.*use condensation"):
        orientation_scatter(np.ones((4, 3)))
