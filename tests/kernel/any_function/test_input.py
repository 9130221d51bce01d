"""Every kind of bad input is refused with a message that names rule, cause and fix."""

import subprocess
import sys
import textwrap
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.kernel import (
    FunctionKernel,
    explain_tangent_kernel,
    tangent_kernel,
    tangent_kernel_by_parameter,
    tangent_kernel_product,
)
from lazyscope.model import FunctionModel, parameter_groups

X = np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(4, 3)
W = np.linspace(-1.0, 1.0, 6, dtype=np.float32).reshape(3, 2)


def linear(w, x):
    return x @ w


def refuse(match, apply=linear, params=W, x1=X, x2=None, **options):
    with pytest.raises(InputError, match=match) as caught:
        tangent_kernel(apply, params, x1, x2, **options)
    message = str(caught.value)
    assert all(part in message for part in ("Received: ", "Likely cause: ", "Fix: "))
    return message


@pytest.mark.parametrize(
    ("output", "received"),
    [
        (lambda f: f.sum(), r"\(\)"),
        (lambda f: f[:, 0], r"\(1,\)"),
        (lambda f: f[..., None], r"\(1, 2, 1\)"),
        (lambda f: (f, f), "PyTreeDef"),
        (lambda f: jnp.concatenate([f, f]), r"\(2, 2\)"),
    ],
)
def test_outputs_of_another_rank_are_refused(output, received):
    refuse(
        rf"must return outputs of shape \(n, C\)\. Received: {received}",
        lambda w, x: output(x @ w),
    )


def test_outputs_that_are_not_real_are_refused():
    refuse("must return real numbers.*int32", lambda w, x: jnp.round(x @ w).astype(int))


def test_a_network_that_ignores_its_parameters_is_refused():
    refuse("must depend on its parameters", lambda w, x: jnp.sin(x))


def test_randomness_in_apply_is_refused():
    rng = np.random.default_rng(0)
    refuse("same outputs whenever", lambda w, x: x @ w * np.float32(rng.normal()))
    refuse(
        "same outputs whenever",
        lambda w, x: x @ w * rng.normal(size=2).astype(np.float32),
    )


def test_state_that_changes_between_calls_is_refused():
    calls = []

    def counting(w, x):
        calls.append(0)
        return x @ w * len(calls)

    refuse("same outputs whenever.*state", counting)


def test_state_that_holds_values_of_an_earlier_call_is_refused():
    kept = []

    def keeping(w, x):
        kept.append(x.sum())
        return x @ w + kept[0]

    refuse("same outputs whenever", keeping)
    jax.jit(lambda x: kept.append(x) or x)(1.0)
    refuse("same outputs whenever.*earlier call", lambda w, x: jnp.sin(kept[-1]) * (x @ w))


def batch_norm(params, x):
    h = x @ params["w"]
    return (h - h.mean(0)) / jnp.sqrt(h.var(0) + 1e-3) * params["scale"] + params["shift"]


def test_batch_norm_in_training_mode_is_refused_with_the_reason():
    params = {"w": W, "scale": np.ones(2, np.float32), "shift": np.ones(2, np.float32)}
    message = refuse("each example on its own", batch_norm, params)
    assert "undefined" in message
    assert "batch norm" in message


def test_mixing_is_seen_even_where_its_scale_starts_at_zero():
    params = {"w": W, "scale": np.zeros(2, np.float32), "shift": np.ones(2, np.float32)}
    refuse("each example on its own", batch_norm, params)


def test_mixing_is_seen_with_one_example():
    refuse("each example on its own", lambda w, x: x @ w - (x @ w).mean(0), x1=X[:1])


def test_dropout_with_a_fixed_key_is_refused_since_it_depends_on_the_place_in_the_batch():
    def dropout(w, x):
        return x @ w * jax.random.bernoulli(jax.random.key(0), 0.5, (len(x), 2)).astype(x.dtype)

    refuse("each example on its own", dropout)


@pytest.mark.parametrize(
    ("leaf", "cause"),
    [
        (np.arange(3), "int64.*counter"),
        (3, "int.*counter"),
        (np.ones(3, bool), "bool.*mask"),
        (np.ones(3, np.complex64), "complex64.*complex weights"),
        (jax.nn.relu, "function.*cannot be differentiated"),
        ("relu", "str.*cannot be differentiated"),
        (jax.random.key(0), "key.*cannot be differentiated"),
    ],
)
def test_leaves_without_a_derivative_are_refused_by_name(leaf, cause):
    refuse(
        rf"real floating-point array. Received: \['odd'\] of type .*{cause}",
        lambda p, x: x @ p["w"],
        {"w": W, "odd": leaf},
    )


def test_no_parameters_at_all_are_refused():
    refuse("at least one array", lambda p, x: x, {})


def test_types_that_a_strict_session_does_not_mix_are_named():
    mixed = {"a": W, "b": np.ones(2)}
    refuse("lets JAX promote", lambda p, x: x @ p["a"] + p["b"], mixed)
    with jax.numpy_dtype_promotion("standard"):
        found = tangent_kernel(lambda p, x: x @ p["a"] + p["b"], mixed, X)
    gram = np.asarray(X, float) @ np.asarray(X, float).T
    np.testing.assert_allclose(found, (gram + 1)[:, :, None, None] * np.eye(2), rtol=1e-6)


def test_data_of_another_precision_are_refused(double):
    refuse("precision of the parameters. Received: x1 float64", x1=jnp.asarray(X, float))


def test_double_precision_arrays_stay_double_in_a_single_precision_session():
    kernel = tangent_kernel(linear, W.astype(float), X.astype(float))
    assert kernel.dtype == np.float64
    np.testing.assert_allclose(kernel[..., 0, 0], X.astype(float) @ X.T.astype(float), rtol=1e-15)


@pytest.mark.parametrize("x", [np.float32(1.0), np.ones((0, 3), np.float32)])
def test_inputs_without_an_example_are_refused(x):
    refuse("at least one example", x1=x)


def test_inputs_of_the_wrong_shape_are_refused():
    refuse(r"accept a batch with one example. Received: x of shape \(1, 2\)", x1=X[:, :2])


def test_python_control_flow_on_values_is_refused():
    refuse("must be a JAX function", lambda w, x: x @ w if x.sum() > 0 else -x @ w)
    refuse("must be a JAX function", lambda w, x: np.ones(5)[jnp.argmax(x)] * (x @ w))


def test_a_loop_without_reverse_derivative_is_refused():
    def until_small(w, x):
        def halve(h):
            return jax.lax.while_loop(lambda h: jnp.abs(h).max() > 1.0, lambda h: 0.5 * h, h)

        return jax.vmap(halve)(x @ w)

    refuse("derivative in reverse mode.*while_loop", until_small, x1=10 * X)


def test_a_batch_size_written_into_apply_is_refused():
    refuse("accept a batch with one example.*batch size", lambda w, x: x.reshape(4, 3) @ w, x1=X)


def test_two_sets_of_different_shape_are_refused():
    refuse("one shape and type", x2=X[:, :2])
    refuse("one shape and type", x2=np.ones((4, 3), int))


def test_inputs_that_are_not_numbers_are_refused():
    refuse("real or whole numbers", x1=np.full((2, 3), "a"))


def test_inputs_that_are_none_are_refused():
    refuse("without a mask", x1=np.ma.masked_array(X, X > 0))
    refuse("finite", x1=np.where(X > 0, np.nan, X))
    refuse(
        r"\['b'\] must be finite", lambda p, x: x @ p["a"] + p["b"], {"a": W, "b": W[0] * np.nan}
    )


@pytest.mark.parametrize("memory", [0, -1.0, float("nan"), "1"])
def test_memory_must_be_a_positive_number(memory):
    refuse("Memory must be", memory=memory)


def test_all_entry_points_refuse_alike():
    for call in (tangent_kernel_by_parameter, explain_tangent_kernel):
        with pytest.raises(InputError, match="at least one example"):
            call(linear, W, X[:0])
    with pytest.raises(InputError, match="at least one example"):
        tangent_kernel_product(linear, W, X[:0], np.ones((4, 2), np.float32))


@pytest.mark.parametrize("shape", [(8,), (2, 4), (4, 1)])
def test_a_vector_that_does_not_fit_is_refused(shape):
    with pytest.raises(InputError, match="one real number for every point and output"):
        tangent_kernel_product(linear, W, X, np.ones(shape, np.float32))


def test_parameters_on_two_devices_are_refused():
    script = """
    import os
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
    import jax, jax.numpy as jnp
    from lazyscope.kernel import tangent_kernel
    one, two = jax.devices()
    p = {"a": jax.device_put(jnp.ones((3, 2)), one), "b": jax.device_put(jnp.ones(2), two)}
    try:
        tangent_kernel(lambda p, x: x @ p["a"] + p["b"], p, jnp.ones((4, 3)))
    except ValueError as error:
        print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert "must be on one device. Received: ['a'] on " in done.stdout


def test_a_kernel_inside_jit_does_not_excuse_mixing_outside():
    def mixing(w, x):
        return x @ w - (x @ w).mean(0)

    jax.jit(lambda w: tangent_kernel(mixing, w, X))(jnp.asarray(W))
    refuse("must treat each example on its own", mixing)


@pytest.mark.parametrize("entry", [np.nan, np.inf])
def test_parameters_that_are_no_numbers_are_refused_and_tracers_pass(entry):
    weights = jnp.asarray([[1.0], [entry]])
    with pytest.raises(InputError, match=r"\['w'\] must be finite"):
        tangent_kernel(lambda p, x: x @ p["w"], {"w": weights}, jnp.ones((2, 2)))
    masked = np.ma.masked_array(np.ones((2, 1)), [[True], [False]])
    with pytest.raises(InputError, match="without a mask"):
        tangent_kernel(lambda p, x: x @ p["w"], {"w": masked}, np.ones((2, 2)))
    kernel = jax.jit(lambda w: tangent_kernel(lambda p, x: x @ p, w, jnp.ones((2, 2))))
    assert kernel(weights).shape == (2, 2, 1, 1)


@pytest.mark.parametrize("memory", [np.array(2.0**20), jnp.float32(2.0**20), np.float64(2.0**20)])
def test_memory_of_a_kernel_of_functions_may_be_a_number_of_any_library(memory):
    tangent = FunctionKernel(FunctionModel(linear, parameter_groups(W)), memory=memory)
    assert tangent.memory == 2.0**20
    assert isinstance(hash(tangent.memory), int)


def test_memory_of_a_kernel_of_functions_may_not_be_an_array():
    model = FunctionModel(linear, parameter_groups(W))
    with pytest.raises(InputError, match="Memory must be a finite number"):
        FunctionKernel(model, memory=np.ones(3))


def deleted():
    array = jnp.ones(2)
    array.delete()
    return array


@pytest.mark.parametrize("call", [tangent_kernel, explain_tangent_kernel])
@pytest.mark.parametrize(
    ("params", "words"),
    [
        (lambda: types.SimpleNamespace(dtype="torch.float32"), "tensors of another library"),
        (lambda: np.ones(2, np.longdouble), "double precision or less"),
        (deleted, "Params must be a value that can be read.*deleted or donated"),
    ],
    ids=["tensor", "long double", "deleted"],
)
def test_parameters_that_jax_cannot_compute_with_are_refused(call, params, words):
    value = params()
    if getattr(value, "dtype", None) == np.float64:  # where long doubles are doubles
        pytest.skip("long doubles are doubles here")
    with pytest.raises(InputError, match=words):
        call(lambda p, x: (x @ p)[:, None], value, np.ones((3, 2)))
