"""Do the bound and its factors hold for convolutions with global pooling and for residual networks?"""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.composed import composition_of, normalised_network_kernels
from lazyscope.data import load_dataset
from lazyscope.experiment import SingleRun
from lazyscope.experiment._forecast import theorem_rates
from lazyscope.model import Convolution, Dense, Residual
from lazyscope.scaling import Scheme, named_scheme
from lazyscope.study import TheoremSettings, find_study, judge_study, theorem_settings
from lazyscope.study._guarantee import Bound
from lazyscope.study.theorem._kernel import Start, kernel_convergence, normalised_kernels

SIDE, KERNEL = 4, 3


def images(n):
    x = np.abs(np.random.default_rng(0).normal(size=(n, SIDE * SIDE)))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def data():
    return load_dataset("digits", num_points=6, num_test=0, target="parity")


# --- slow twins, transcribed from docs/theorem.md


def relu_averages(cov, square, other):
    """E sigma sigma' and E of the slopes for one pair of covariance and variances."""
    size = np.sqrt(square * other)
    if size == 0:
        return 0.0, 0.0
    angle = np.arccos(np.clip(cov / size, -1, 1))
    value = size * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    return value, (np.pi - angle) / (2 * np.pi)


def residual_twin(x, alpha, b):
    """Kbar of stem, one branch and readout, and lambda_min of the sum weighed by s = 1."""
    n, c = len(x), 0.5
    grow = 1 + c * (b * alpha[1]) ** 2
    found = np.zeros((3, n, n))
    gram = x @ x.T

    def stream(i, j):
        return (
            gram[i, j] + (b * alpha[1]) ** 2 * relu_averages(gram[i, j], gram[i, i], gram[j, j])[0]
        )

    for i in range(n):
        for j in range(n):
            value, slope = relu_averages(gram[i, j], gram[i, i], gram[j, j])
            last, back = relu_averages(stream(i, j), stream(i, i), stream(j, j))
            found[0, i, j] = gram[i, j] * back * (1 + (b * alpha[1]) ** 2 * slope) / grow
            found[1, i, j] = value * back / c
            found[2, i, j] = last / grow
    return found


def patches_of(image):
    """All windows inside of an image, one after another."""
    image = image.reshape(SIDE, SIDE)
    inside = range(SIDE - KERNEL + 1)
    return [image[r : r + KERNEL, c : c + KERNEL].ravel() for r in inside for c in inside]


def pooled_twin(x):
    """Kbar of one convolution without padding, mean over positions, and readout."""
    n, places = len(x), (SIDE - KERNEL + 1) ** 2
    found = np.zeros((2, n, n))
    for i in range(n):
        for j in range(n):
            for p in patches_of(x[i]):
                for q in patches_of(x[j]):
                    value, slope = relu_averages(p @ q, p @ p, q @ q)
                    found[0, i, j] += slope * (p @ q) / places**2
                    found[1, i, j] += value / places**2 * SIDE**2 / KERNEL**2
    return found


def test_normalised_kernels_of_a_residual_network_are_those_written_out_by_hand():
    x, alpha = images(4), np.array([3.0, 0.7, 0.2])
    net = Residual(SIDE * SIDE, 1, 8, 2, branch_scale=0.9)
    found = normalised_network_kernels(net, x, scheme=Scheme.at_width(8, alpha=alpha))
    np.testing.assert_allclose(found, residual_twin(x, alpha, 0.9), rtol=1e-6)


def test_normalised_kernels_of_a_pooled_convolution_are_sums_over_pairs_of_positions():
    x = images(3)
    net = Convolution((SIDE, SIDE, 1), 1, 8, 1, padding="valid")
    for alpha in ([1.0, 1.0], [5.0, 0.1]):
        found = normalised_network_kernels(net, x, scheme=Scheme.at_width(8, alpha=alpha))
        np.testing.assert_allclose(found, pooled_twin(x), rtol=1e-6)


def test_kernels_of_branches_tend_to_a_limit_as_the_branches_vanish():
    x, net = images(4), Residual(SIDE * SIDE, 1, 8, 3)
    small, smaller = (
        normalised_network_kernels(net, x, scheme=Scheme.at_width(8, alpha=[1.0, a, a, 1.0]))
        for a in (1e-4, 1e-7)
    )
    np.testing.assert_allclose(small, smaller, rtol=1e-6)


def test_both_forms_of_the_bound_have_the_weights_of_the_network(data):
    alpha, speed = np.array([3.0, 0.7, 0.2]), np.array([1.0, 2.0, 5.0])
    scheme = Scheme.at_width(16, alpha=alpha, speed=speed)
    bound = Bound(data, 2, "relu", "residual")
    b = 2**-0.5
    kernels = residual_twin(data.x_train, alpha, b)
    grow = 1 + 0.5 * (b * alpha[1]) ** 2
    kappa_square = (alpha[0] * alpha[2]) ** 2 * grow
    leverage = np.array([1.0, 0.5 * (b * alpha[1]) ** 2 / grow, 1.0])
    weights = speed * kappa_square * leverage / alpha**2
    smallest = np.array([np.linalg.eigvalsh(one)[0] for one in kernels])
    rates = bound.rates(scheme, 16)
    assert rates["bound"] == pytest.approx(2 / 6 * weights @ smallest, rel=1e-6)
    assert rates["bound_published"] == pytest.approx(
        2 / 6 * weights.sum() * smallest.min(), rel=1e-6
    )
    summed = np.einsum("l,lij->ij", weights, kernels)
    assert rates["limit"] == pytest.approx(2 / 6 * np.linalg.eigvalsh(summed)[0], rel=1e-6)
    assert rates["limit"] >= rates["bound"] >= rates["bound_published"] > 0


def test_a_convolution_has_one_lambda_for_all_schemes_and_a_residual_network_one_for_each(data):
    pooled, residual = (Bound(data, 2, "relu", model) for model in ("convolution", "residual"))
    assert pooled.lambda_record()["smallest"] > 0
    assert residual.lambda_record()["smallest"] is None
    seen = [
        bound.rates(Scheme.at_width(8, alpha=[2.0, a, 1.0]), 8)["lambda_s"]
        for bound in (pooled, residual)
        for a in (0.1, 3.0)
    ]
    assert seen[0] == seen[1]
    assert abs(seen[2] / seen[3] - 1) > 0.01


def test_networks_whose_limit_is_not_known_have_no_bound(data):
    with pytest.raises(InputError, match=r"compose it of lazyscope\.composed's parts"):
        Bound(data, 1, "relu", "attention")
    with pytest.raises(InputError, match="Model must be one of"):
        TheoremSettings(model="attention")


def test_a_branch_that_vanishes_with_the_width_does_not_lower_the_exponent_of_kappa():
    dense, residual = (theorem_settings(model, depth=3) for model in ("dense", "residual"))
    assert dense.exponents("mup") == residual.exponents("mup") == (0.0, "critical")
    assert residual.exponents("mean-field")[0] >= dense.exponents("mean-field")[0]
    assert "ntk" in residual.lazy_schemes()


def test_a_forecast_of_any_network_with_a_limit_has_its_bound(data):
    for name, depth in (("convolution", 2), ("residual", 2)):
        scheme = named_scheme("ntk", depth=depth, input_dim=64)
        run = SingleRun(data, scheme, 16, architecture=name)
        rates = theorem_rates(run)
        expected = Bound(data, depth, "relu", name).rates(scheme, 16)
        assert rates["bound"] == pytest.approx(expected["bound"])
        assert rates["bound_published"] == pytest.approx(expected["bound_published"])
    scheme = Scheme.at_width(8, alpha=[1.0] * 6)
    assert theorem_rates(SingleRun(data, scheme, 8, architecture="attention"))["bound"] is None


# --- drawn and trained


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convolution", "residual"])
def test_drawn_kernels_tend_to_the_limits_layer_by_layer(data, name):
    bound, depth = Bound(data, 2, "relu", name), 2
    widths, starts = (32, 128, 512), []
    for width in widths:
        scheme = Scheme.at_width(width, alpha=[2.0] + [1.5] * (depth - 1) + [0.5])
        net = bound.network(width)

        def draw(seed, net=net, scheme=scheme):
            return normalised_kernels(net, data.x_train, scheme, seed)

        shares = bound.shares(scheme, width)
        starts.append(Start(shares.kernels, bound.weights(scheme, width), draw))
    found = kernel_convergence({"one": starts}, widths=widths, seeds=8)
    low, high = found["exponents"]["frobenius"]["interval"]
    assert low < -0.5 < high
    assert np.mean(found["frobenius"][2]) < 0.4 * np.mean(found["frobenius"][0])
    last = found["starts"][-1]
    assert last["start_ratio"]["value"] == pytest.approx(last["predicted"], abs=0.15)


@pytest.mark.slow
def test_the_function_kernel_of_a_dense_network_normalises_as_its_layerwise_one(data):
    net, scheme = Dense(64, 1, 16, 1), Scheme.at_width(16, alpha=[2.0, 3.0])
    found = [normalised_kernels(one, data.x_train, scheme, 3) for one in (net, composition_of(net))]
    np.testing.assert_allclose(*found, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["convolution", "residual"])
def test_a_study_of_another_network_ends_in_a_verdict_and_a_page(model, tmp_path):
    settings = theorem_settings(
        model,
        num_points=5,
        schemes=("balanced",),
        widths=(8, 12, 16),
        spreads=("balanced",),
        kappas=(1.0, 10.0, 30.0, 100.0),
        threshold_widths=(8, 12, 16),
        seeds=2,
        kernel_seeds=6,
        depth=2,
        stop=1e-2,
    )
    told = judge_study(find_study("theorem"), settings, tmp_path)
    result = told.result
    assert result["settings"]["model"] == model
    assert result["verdict"]["answer"] in ("supported", "contradicted", "undecided")
    converged = [row for row in result["bounds"] if row["converged"]]
    assert converged
    assert all(row["bound"] >= row["bound_published"] > 0 for row in result["bounds"])
    decided = result["limits"][0]["decided"]
    assert set(decided["factors"]) == {"limit", "start", "training"}
    text = (tmp_path / "index.html").read_text()
    assert f"{model} networks" in text
    assert ("φ_l" in text) is (model == "residual")
