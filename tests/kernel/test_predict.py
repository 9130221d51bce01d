"""Are closed-form outputs those of gradient flow?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from lazyscope._checks import InputError
from lazyscope.kernel import predict_flow, resolved_directions, smallest_eigenvalue


def problem(n=6, tests=4, outputs=2, rank=None):
    rng = np.random.default_rng(0)
    features = rng.standard_normal((n + tests, rank or 3 * n))
    kernel = features @ features.T
    y, start = rng.standard_normal((2, n, outputs))
    return kernel[:n, :n], kernel[n:, :n], y, start, rng.standard_normal((tests, outputs))


def test_training_outputs_are_the_matrix_exponential_of_the_kernel_over_n():
    kernel, _, y, start, _ = problem()
    outputs = predict_flow(kernel, y, 0.7, f0_train=start)
    expected = y + scipy.linalg.expm(-kernel * 0.7 / len(y)) @ (start - y)
    np.testing.assert_allclose(outputs, expected, rtol=1e-12)


def test_small_steps_of_gradient_descent_tend_to_the_flow_at_order_one():
    kernel, cross, y, start, start_test = problem()
    n, t = len(y), 0.4
    errors = []
    for steps in (400, 800, 1600, 3200):
        f, g = start.copy(), start_test.copy()
        for _ in range(steps):
            residual = f - y
            f = f - t / steps / n * kernel @ residual
            g = g - t / steps / n * cross @ residual
        train = predict_flow(kernel, y, t, f0_train=start)
        test = predict_flow(kernel, y, t, k_test_train=cross, f0_train=start, f0_test=start_test)
        errors.append(max(np.max(np.abs(f - train)), np.max(np.abs(g - test))))
    slope = np.polyfit(np.log([400, 800, 1600, 3200]), np.log(errors), 1)[0]
    assert abs(slope + 1) < 0.15


def test_the_limit_interpolates_and_predicts_by_kernel_regression():
    kernel, cross, y, start, start_test = problem()
    np.testing.assert_allclose(predict_flow(kernel, y, None, f0_train=start), y, atol=1e-12)
    test = predict_flow(kernel, y, None, k_test_train=cross, f0_train=start, f0_test=start_test)
    expected = start_test + cross @ np.linalg.solve(kernel, y - start)
    np.testing.assert_allclose(test, expected, rtol=1e-10)
    far = predict_flow(kernel, y, 1e9, k_test_train=cross, f0_train=start, f0_test=start_test)
    np.testing.assert_allclose(far, test, rtol=1e-12)


def test_time_zero_leaves_the_outputs_where_they_are():
    kernel, cross, y, start, start_test = problem()
    np.testing.assert_array_equal(predict_flow(kernel, y, 0.0, f0_train=start), start)
    test = predict_flow(kernel, y, 0.0, k_test_train=cross, f0_train=start, f0_test=start_test)
    np.testing.assert_array_equal(test, start_test)


def test_an_array_of_times_is_a_leading_axis_and_one_output_needs_no_axis():
    kernel, cross, y, *_ = problem(outputs=1)
    times = np.array([0.0, 0.1, 1.0, np.inf])
    train = predict_flow(kernel, y[:, 0], times)
    test = predict_flow(kernel, y, times, k_test_train=cross)
    assert train.shape == (4, 6)
    assert test.shape == (4, 4, 1)
    for i, t in enumerate(times):
        np.testing.assert_allclose(train[i], predict_flow(kernel, y, t)[:, 0], rtol=1e-12)


def test_two_flows_one_after_the_other_are_one_flow():
    kernel, _, y, start, _ = problem()
    middle = predict_flow(kernel, y, 0.3, f0_train=start)
    np.testing.assert_allclose(
        predict_flow(kernel, y, 0.5, f0_train=middle),
        predict_flow(kernel, y, 0.8, f0_train=start),
        rtol=1e-12,
    )


def test_scaling_the_kernel_is_scaling_time():
    kernel, _, y, start, _ = problem()
    np.testing.assert_allclose(
        predict_flow(5.0 * kernel, y, 0.2, f0_train=start),
        predict_flow(kernel, y, 1.0, f0_train=start),
        rtol=1e-11,
    )


@pytest.mark.parametrize("t", [0.5, None])
def test_directions_where_a_singular_kernel_is_zero_do_not_move(t):
    kernel, cross, y, start, start_test = problem(rank=3)
    train = predict_flow(kernel, y, t, f0_train=start)
    still = scipy.linalg.null_space(kernel, rcond=1e-12)
    assert still.shape[1] == 3
    np.testing.assert_allclose(still.T @ train, still.T @ start, atol=1e-12)
    test = predict_flow(kernel, y, t, k_test_train=cross, f0_train=start, f0_test=start_test)
    if t is None:
        expected = start_test + cross @ np.linalg.pinv(kernel, rcond=1e-12) @ (y - start)
        np.testing.assert_allclose(test, expected, rtol=1e-9)


def test_loss_of_the_prediction_never_rises():
    kernel, _, y, start, _ = problem(rank=4)
    outputs = predict_flow(kernel, y, np.geomspace(1e-4, 1e4, 50), f0_train=start)
    losses = ((outputs - y) ** 2).sum(axis=(1, 2)) / (2 * len(y))
    assert np.all(np.diff(losses) <= 1e-15)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k_train_train": np.ones((3, 2))}, r"K_train_train must be a square matrix.*\(3, 2\)"),
        ({"k_train_train": np.triu(np.ones((6, 6)))}, r"must be symmetric.*x2=None"),
        ({"k_train_train": np.full((6, 6), np.nan)}, r"K_train_train must be finite"),
        ({"y": np.ones(5)}, r"Y must have shape \(6,\) or \(6, C\).*\(5,\)"),
        ({"y": np.full(6, np.inf)}, r"Y must be finite"),
        ({"t": -1.0}, r"T must be a time of at least 0.*-1.0"),
        ({"t": float("nan")}, r"T must be a time of at least 0"),
        ({"f0_train": np.ones((6, 3))}, r"F0_train must have shape \(6, 2\)"),
        ({"k_test_train": np.ones((6, 4))}, r"one column for each of the 6 training points"),
        ({"f0_test": np.ones(4)}, r"F0_test must have shape \(4, 2\)"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(changes, message):
    kernel, cross, y, start, start_test = problem()
    arguments = {
        "k_train_train": kernel,
        "y": y,
        "t": 1.0,
        "k_test_train": cross,
        "f0_train": start,
        "f0_test": start_test,
        **changes,
    }
    with pytest.raises(InputError, match=message):
        predict_flow(**arguments)


def linear_in_single_precision():
    rng = np.random.default_rng(0)
    x, others = rng.standard_normal((50, 5)), rng.standard_normal((20, 5))
    y = rng.standard_normal(50)
    exact = others @ np.linalg.lstsq(x, y, rcond=None)[0]
    x, others = x.astype(np.float32), others.astype(np.float32)
    return x @ x.T, others @ x.T, y, exact


def test_limit_of_a_kernel_in_single_precision_is_that_of_the_directions_it_resolves():
    kernel, cross, y, exact = linear_in_single_precision()
    assert resolved_directions(kernel) == 5
    found = predict_flow(kernel, y, None, k_test_train=cross)
    np.testing.assert_allclose(found, exact, atol=1e-5)


def test_precision_of_a_kernel_converted_since_can_be_given():
    kernel, cross, y, exact = linear_in_single_precision()
    wide = kernel.astype(np.float64)
    assert resolved_directions(wide, precision=np.float32) == 5
    found = predict_flow(wide, y, None, k_test_train=cross.tolist(), precision="float32")
    np.testing.assert_allclose(found, exact, atol=1e-5)
    assert np.max(np.abs(predict_flow(kernel, y, None, k_test_train=cross.tolist()) - exact)) < 1e-5


def test_targets_on_a_thousand_points_of_a_line_are_learned_in_single_precision():
    x = np.linspace(-1, 1, 1000)[:, None]
    kernel = np.exp(-2 * (x - x.T) ** 2).astype(np.float32)
    others = np.random.default_rng(1).uniform(-0.9, 0.9, (20, 1))
    cross = np.exp(-2 * (others - x.T) ** 2).astype(np.float32)
    found = predict_flow(kernel, np.sin(3 * x[:, 0]), None, k_test_train=cross)
    assert np.max(np.abs(found - np.sin(3 * others[:, 0]))) < 0.01


def test_a_kernel_in_single_precision_that_was_converted_in_silence_is_refused_or_right():
    x = np.linspace(-1, 1, 200)[:, None]
    kernel = np.exp(-2 * (x - x.T) ** 2).astype(np.float32).astype(np.float64)
    with pytest.raises(InputError, match=r"positive semidefinite.*coarser precision.*np.float32"):
        predict_flow(kernel, np.sin(x[:, 0]), None)
    assert resolved_directions(kernel, precision=np.float32) < 20


@pytest.mark.parametrize("kernel", [np.diag([1.0, -1.0]), -np.eye(2), np.diag([1.0, -1e-3])])
def test_kernels_with_negative_eigenvalues_are_refused(kernel):
    for call in (
        lambda: predict_flow(kernel, np.ones(2), 2.0),
        lambda: resolved_directions(kernel),
    ):
        with pytest.raises(InputError, match="must be positive semidefinite"):
            call()


def test_a_kernel_of_zero_moves_nothing_and_resolves_nothing():
    assert resolved_directions(np.zeros((3, 3))) == 0
    np.testing.assert_array_equal(predict_flow(np.zeros((3, 3)), np.ones(3), None), np.zeros(3))


@pytest.mark.parametrize(
    "changes",
    [
        {"k_train_train": np.eye(6) * 1j},
        {"k_train_train": np.ma.masked_array(np.eye(6), np.eye(6) > 0)},
        {"k_train_train": [["a"] * 6] * 6},
        {"y": np.full(6, 1j)},
        {"y": np.ma.masked_array(np.ones(6), np.arange(6) > 2)},
        {"t": "late"},
        {"t": True},
        {"t": 1j},
        {"t": np.ma.masked_array([1.0, 2.0], [True, False])},
        {"f0_train": "zero"},
        {"f0_test": 1j},
        {"precision": "seven digits"},
        {"precision": np.int32},
    ],
)
def test_what_is_not_used_as_given_is_refused(changes):
    kernel, cross, y, *_ = problem()
    arguments = {"k_train_train": kernel, "y": y, "t": 1.0, "k_test_train": cross} | changes
    with pytest.raises(InputError):
        predict_flow(**arguments)


@pytest.mark.parametrize("transform", [jax.jit, jax.grad, jax.vmap])
def test_a_call_inside_a_transformation_says_so_in_one_sentence(transform):
    argument = jnp.ones((2,)) if transform is jax.vmap else jnp.ones(())
    with pytest.raises(InputError, match=r"inside jit, grad, vmap.*call it outside"):
        transform(lambda t: predict_flow(np.eye(2), np.ones(2), t).sum())(argument)


def test_a_smallest_eigenvalue_is_that_of_symmetric_kernels_only():
    for k in (np.ones((2, 3)), np.ones(3), [[1.0, 5.0], [0.0, 1.0]], [[np.nan]], 1.0):
        with pytest.raises(InputError, match="K must be"):
            smallest_eigenvalue(k)
    assert smallest_eigenvalue(np.stack([np.eye(2), 2 * np.eye(2)])).tolist() == [1.0, 2.0]


def test_infinite_time_is_the_limit_and_a_switch_is_no_output():
    k, y = np.eye(2), np.ones(2)
    np.testing.assert_array_equal(predict_flow(k, y, np.inf), predict_flow(k, y, None))
    with pytest.raises(InputError, match="F0_train must hold outputs"):
        predict_flow(k, y, 1.0, f0_train=True)
