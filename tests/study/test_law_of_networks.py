"""Does the law at one width hold for convolutions with pooling and for residual networks?"""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.composed import composition_of, network_covariance_kernel, normalised_network_kernels
from lazyscope.data import load_dataset
from lazyscope.experiment import SingleRun, train_run
from lazyscope.model import Attention, Convolution, Dense, Residual
from lazyscope.scaling import Scheme, displacements_at_width
from lazyscope.study import law_at_widths

NETWORKS = {
    "convolution": Convolution((8, 8, 1), 1, 8, 2, stride=2),
    "residual": Residual(64, 1, 8, 3),
}


@pytest.fixture(scope="module")
def data():
    return load_dataset("digits", num_points=6, num_test=0, target="parity")


def test_a_dense_network_that_is_given_moves_as_the_one_that_is_meant_unless_given(data):
    scheme, widths = Scheme.from_exponents((0.3, 0.1, -0.2)), np.array([64.0, 512.0])
    meant = law_at_widths(scheme, widths, data)
    given = law_at_widths(scheme, widths, data, Dense(64, 1, 8, 2))
    np.testing.assert_allclose(given, meant, rtol=0.01)


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_start_at_kappa_over_root_m_times_the_readouts_normalised_kernel(name, data):
    """Which is what the gap of the law counts; kappa is derived from the composed limit."""
    net = composition_of(NETWORKS[name])
    scheme = Scheme.at_width(8, alpha=np.linspace(2.0, 0.5, len(net.layers)))
    kappa = net.kappa(scheme.alpha(8))
    covariance = network_covariance_kernel(net, data.x_train, scheme=scheme)
    last = normalised_network_kernels(net, data.x_train, scheme=scheme)[-1]
    np.testing.assert_allclose(covariance, kappa**2 / 8 * last, rtol=1e-9)


def test_lazy_branches_move_as_their_share_of_the_kernel_says():
    """d_l = s_l kappa phi_l sqrt(k_l) |c| / alpha_l^2, |c| the gap over the kernel along it."""
    rng = np.random.default_rng(0)
    alpha, speed, k, phi = (rng.uniform(0.3, 2.0, 4) for _ in range(4))
    kappa, gap = 1e5, 0.7
    push = gap / np.sum(speed * (kappa * phi / alpha) ** 2 * k)
    expected = speed * kappa * phi * np.sqrt(k) / alpha**2 * push
    known = {"kernel_weights": k, "leverage": phi, "kappa": kappa}
    found = displacements_at_width(alpha, speed, gap=gap, **known)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_stream_that_grows_reaches_the_gap():
    """Far below kappa one: what passes grows by the gap over kappa, g^2 by 1 + phi^2 q C."""
    alpha, b, c = np.array([1e-3, 0.5, 1e-3]), 0.7, 0.5
    grow = 1 + c * (b * alpha[1]) ** 2
    phi = np.array([1.0, np.sqrt(c) * b * alpha[1] / np.sqrt(grow), 1.0])
    kappa, gap = alpha[0] * alpha[2] * np.sqrt(grow), 1.0
    found = displacements_at_width(alpha, np.ones(3), gap=gap, leverage=phi, kappa=kappa)
    q = 1 / alpha**2
    shares = q * phi**2 / np.sum(q * phi**2)
    # The first layer alone tells the level C: d^2 = (c - 1)^2 + q C w.
    levels = np.geomspace(1e-8, 1e2, 200_001)
    own = np.sqrt(1 + q[0] * levels * (1 - shares[0])) - 1
    level = levels[np.argmin(np.abs(np.log((own**2 + q[0] * levels * shares[0]) / found[0] ** 2)))]
    stream = alpha**2 + level
    after = stream[0] * stream[2] * (1 + c * b**2 * stream[1])
    assert after == pytest.approx(kappa**2 + gap**2, rel=1e-3)


def test_networks_without_a_composition_are_refused(data):
    scheme = Scheme.from_exponents((0.5, 0, 0, 0, 0, 0))
    with pytest.raises(InputError, match="Attention with"):
        law_at_widths(scheme, np.array([8.0]), data, Attention((8, 8), 1, 8))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kappa", [0.5, 64.0])
def test_trained_networks_move_as_far_as_the_law_says(name, kappa, data):
    width, depth = 64, len(NETWORKS[name].shapes) - 1
    alpha = np.full(depth + 1, 1.0)
    alpha[0] = kappa / composition_of(NETWORKS[name]).at_width(width).kappa(alpha)
    scheme = Scheme.at_width(width, alpha=alpha)
    law = law_at_widths(scheme, np.array([float(width)]), data, NETWORKS[name])[:, 0]
    logs = []
    for seed in range(2):
        run = SingleRun(data, scheme, width, architecture=name, seed=seed)
        logs.append(np.log(np.array(train_run(run).record()["displacement"]["operator"]) / law))
    assert np.all(np.abs(np.mean(logs, axis=0)) < np.log(2.0))
