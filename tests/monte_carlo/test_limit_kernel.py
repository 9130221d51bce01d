"""Draws of any build tend to the limit kernels that theory has, and a killed call goes on."""

import signal
import subprocess
import sys
import textwrap
import time
from itertools import pairwise

import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import limit_kernel_estimate, limit_tangent_kernel
from lazyscope._checks import InputError
from lazyscope.kernel import limit_covariance_kernel

X = np.random.default_rng(1).normal(size=(4, 3))
WIDTHS = (8, 16, 32)
CHECKED = 3  # networks that are built to see that width and seed count


def dense(depth, std=2**0.5, power=0.5, outputs=1, activation=lambda z: jnp.maximum(z, 0)):
    """ReLU networks of the NTK parametrisation, their readout divided by m^power."""

    def build(width, seed):
        rng = np.random.default_rng(seed)
        sizes = [X.shape[1], *[width] * depth, outputs]
        weights = [rng.normal(size=s) for s in pairwise(sizes)]
        last = std * width**-power

        def apply(params, x):
            for w in params[:-1]:
                x = activation(x @ w * (std / len(w) ** 0.5))
            return x @ params[-1] * last

        return apply, weights

    return build


def share_inside(found, kernel):
    return np.mean((found.entries.low <= kernel) & (kernel <= found.entries.high))


def test_the_limit_tangent_kernel_lies_in_the_intervals_of_draws():
    found = limit_kernel_estimate(dense(1), X, widths=WIDTHS, draws=24)
    limit = limit_tangent_kernel(X, depth=1, activation="relu", weight_std=2**0.5)
    assert share_inside(found, limit) >= 0.9
    assert found.trace().contains(np.trace(limit))
    y = np.array([1.0, -1.0])
    predicted, truth = found.prediction(y), limit[2:, :2] @ np.linalg.solve(limit[:2, :2], y)
    assert ((predicted.low <= truth) & (truth <= predicted.high)).all()
    assert np.abs(found.entries.value - limit).max() < 0.4 * np.abs(limit).max()


def test_another_kernel_does_not_lie_in_them():
    found = limit_kernel_estimate(dense(1), X, widths=WIDTHS, draws=24, orders="whole")
    assert (
        share_inside(
            found, 2 * limit_tangent_kernel(X, depth=1, activation="relu", weight_std=2**0.5)
        )
        < 0.5
    )


@pytest.mark.slow
def test_modules_have_the_same_limit():
    torch = pytest.importorskip("torch")

    class Network(torch.nn.Module):
        def __init__(self, width, seed):
            super().__init__()
            rng = np.random.default_rng(seed)
            self.w = torch.nn.Parameter(torch.from_numpy(rng.normal(size=(3, width))))
            self.v = torch.nn.Parameter(torch.from_numpy(rng.normal(size=(width, 1))))

        def forward(self, x):
            h = torch.relu(x @ self.w * (2 / 3) ** 0.5)
            return h @ self.v * (2 / len(self.v)) ** 0.5

    found = limit_kernel_estimate(Network, X, widths=WIDTHS, draws=8)
    assert (
        share_inside(found, limit_tangent_kernel(X, depth=1, activation="relu", weight_std=2**0.5))
        >= 0.9
    )
    twin = limit_kernel_estimate(dense(1), X, widths=WIDTHS, draws=8)
    np.testing.assert_allclose(found.groups, twin.groups, rtol=1e-10)


@pytest.mark.parametrize(("power", "answer"), [(0.0, "grows"), (1.0, "vanishes")])
def test_builds_without_a_limit_are_told(power, answer):
    found = limit_kernel_estimate(dense(1, power=power), X, widths=(16, 64, 256), draws=8)
    assert found.convergence == answer
    assert found.exponent.contains(1 - 2 * power)


def test_a_folder_holds_finished_draws_and_only_those_of_one_question(tmp_path):
    made = []

    def counted(width, seed):
        made.append(width)
        return dense(1)(width, seed)

    asked = {"widths": WIDTHS, "folder": tmp_path}
    first = limit_kernel_estimate(counted, X, draws=8, **asked)
    assert len(made) == CHECKED + 3 * (8 + 1)
    made.clear()
    told = []
    again = limit_kernel_estimate(
        counted, X, draws=8, **asked, progress=lambda done, total: told.append((done, total))
    )
    assert len(made) == CHECKED + 3
    assert told[-1] == (24, 24)
    np.testing.assert_array_equal(first.entries.value, again.entries.value)
    made.clear()
    limit_kernel_estimate(counted, X, draws=10, **asked)
    assert len(made) == CHECKED + 3 * (2 + 1)
    (tmp_path / "8-0.npy").write_bytes(b"damaged")
    np.testing.assert_array_equal(
        limit_kernel_estimate(counted, X, draws=8, **asked).groups, first.groups
    )
    others = (
        {"build": dense(2)},
        {"build": dense(1, activation=jnp.tanh)},
    )  # other arrays, the same
    (tmp_path / "16.json").write_text("{cut")
    with pytest.raises(InputError, match=r"16\.json that cannot be read"):
        limit_kernel_estimate(counted, X, draws=8, **asked)
    for wrong in ({"x": 2 * X}, *others, {"kernel": "covariance"}, {"seed": 1}):
        with pytest.raises(InputError, match="same build, points, kernel and seed"):
            limit_kernel_estimate(**{"build": counted, "x": X, "draws": 8, **asked, **wrong})


def test_a_kernel_that_no_draw_changes_is_its_own_limit():
    def linear(width, seed):
        return (lambda p, x: x @ p), np.random.default_rng(seed).normal(size=(3, width))

    found = limit_kernel_estimate(linear, X, widths=WIDTHS, draws=8)
    assert found.convergence == "converges"
    np.testing.assert_allclose(found.entries.value, X @ X.T, rtol=1e-10)
    np.testing.assert_allclose(found.lambda_min().value, np.linalg.eigvalsh(X @ X.T)[0], atol=1e-10)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"widths": (8, 16)}, "at least 3"),
        ({"widths": (8, 32, 16)}, "increasing"),
        ({"draws": 4}, "at least 8"),
        ({"kernel": "ntk"}, "Kernel"),
        ({"x": np.array([[np.nan, 0, 0]])}, "finite"),
        ({"build": dense(1, std=1e200)}, "finite"),
        ({"build": lambda width, seed: dense(1)(16, seed)}, "depend on the width"),
        ({"build": lambda width, seed: dense(1)(width, 0)}, "depend on the seed"),
    ],
)
def test_bad_input_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        limit_kernel_estimate(**{"build": dense(1), "x": X, "widths": WIDTHS, "draws": 8, **wrong})


@pytest.mark.slow
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("kernel", ["tangent", "covariance"])
def test_draws_of_deep_networks_cover_both_limits_and_near_them_like_one_over_root_m(depth, kernel):
    limits = {"tangent": limit_tangent_kernel, "covariance": limit_covariance_kernel}
    limit = limits[kernel](X, depth=depth, activation="relu", weight_std=2**0.5)
    outputs = 1 if kernel == "tangent" else 64
    found = limit_kernel_estimate(
        dense(depth, outputs=outputs), X, widths=(16, 32, 64, 128), draws=64, kernel=kernel
    )
    assert share_inside(found, limit) >= 0.9
    if kernel == "tangent":
        assert found.deviation_exponent(limit).contains(-0.5)


SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
import numpy as np
from monte_carlo.test_limit_kernel import X, dense
from lazyscope import limit_kernel_estimate
limit_kernel_estimate(dense(1), X, widths=(8, 16, 32), draws=8, folder={folder!r},
                      progress=lambda done, total: (print(done, flush=True), time.sleep(0.2)))
"""


@pytest.mark.slow
def test_a_call_that_was_killed_goes_on(tmp_path):
    tests = str(__import__("pathlib").Path(__file__).parents[1])
    code = textwrap.dedent(SCRIPT.format(tests=tests, folder=str(tmp_path / "kept")))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 6:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    held = len(list((tmp_path / "kept").glob("*.npy")))
    assert 6 <= held < 24
    made = []

    def counted(width, seed):
        made.append(width)
        return dense(1)(width, seed)

    found = limit_kernel_estimate(counted, X, widths=WIDTHS, draws=8, folder=tmp_path / "kept")
    assert len(made) == CHECKED + 3 + 24 - held
    whole = limit_kernel_estimate(dense(1), X, widths=WIDTHS, draws=8)
    np.testing.assert_array_equal(found.groups, whole.groups)
