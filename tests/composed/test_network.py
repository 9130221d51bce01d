"""Does a composed network at a width compute its parts, with the scales that a scheme says?"""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import composed as c
from lazyscope._checks import InputError
from lazyscope.data import four_points
from lazyscope.experiment import network_experiment, run_experiment

RELU = c.activation("relu")
LINE = c.ComposedNetwork(c.serial(c.dense(), c.dense(outputs=1)), (3,), 4)


def drawn(parts, shape, width=6):
    net = c.ComposedNetwork(parts, shape, width)
    return net, net.init(jax.random.key(0), net.ntk_scheme())


@pytest.mark.parametrize("padding", ["SAME", "VALID", "CIRCULAR"])
@pytest.mark.parametrize("strides", [1, 2])
def test_a_convolution_is_the_sum_over_its_taps(padding, strides):
    parts = c.serial(c.conv(3, strides=strides, padding=padding, bias_std=0.5), c.flatten())
    net, params = drawn(c.serial(parts, c.dense(outputs=1)), (5, 2), width=3)
    x = np.random.default_rng(0).standard_normal((2, 5, 2))
    found = np.asarray(net.blocks[1].apply(params[:1], jnp.asarray(x)))
    weight = np.asarray(params[0].weight)
    constant = 0.5 * np.sqrt(6.0)
    before = 0 if padding == "VALID" else 1
    for n, place, unit in np.ndindex(found.shape):
        total = weight[unit, -1] * constant
        for tap, channel in np.ndindex(3, 2):
            at = place * strides + tap - before
            if padding == "CIRCULAR":
                at %= 5
            if 0 <= at < 5:
                total += weight[unit, channel * 3 + tap] * x[n, at, channel]
        np.testing.assert_allclose(found[n, place, unit], total, rtol=1e-5, atol=1e-6)


def test_weights_are_drawn_with_the_standard_deviations_of_the_scheme():
    parts = c.serial(c.conv((3, 3), weight_std=1.5), RELU, c.conv((3, 3), weight_std=0.7), RELU)
    net = c.ComposedNetwork(c.serial(parts, c.flatten(), c.dense(outputs=300)), (6, 6, 2), 40)
    scheme = net.ntk_scheme()
    params = net.init(jax.random.key(1), scheme)
    for layer, fan_in, std in zip(params, (18, 360, 1440), (1.5, 0.7, 1.0), strict=True):
        assert layer.weight.shape[1] == fan_in
        measured = float(jnp.std(layer.weight))
        assert abs(measured / (std / np.sqrt(fan_in)) - 1) < 6 / np.sqrt(2 * layer.weight.size)
    np.testing.assert_allclose(scheme.speed(40), np.array([1.5, 0.7, 1]) ** 2 / (18, 360, 1440))
    with pytest.raises(InputError, match="same number of layers"):
        net.init(
            jax.random.key(1),
            c.ComposedNetwork(c.serial(c.dense(), c.dense(outputs=1)), (2,), 4).ntk_scheme(),
        )


@pytest.mark.parametrize(
    "parts",
    [
        c.serial(c.dense(), RELU, c.dense()),
        c.serial(c.dense(), c.layer_norm(), c.dense(weight_std=2.0)),
        c.serial(c.dense(), c.residual(RELU, c.dense(weight_std=1.5)), c.dense()),
        c.serial(c.dense(), c.fan_out(c.dense(), c.dense(), combine="concatenate"), c.dense()),
    ],
)
def test_outputs_have_the_size_kappa_over_the_root_of_the_width(parts):
    net = c.ComposedNetwork(c.serial(parts, c.dense(outputs=200)), (5,), 200)
    x = np.random.default_rng(0).standard_normal((8, 5))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    scheme = net.ntk_scheme()
    outputs = net.apply(net.init(jax.random.key(2), scheme), jnp.asarray(x))
    # activations at the top level are left out of kappa: one half for the square of a relu
    relus = sum(isinstance(part, type(RELU)) for part in parts.parts)
    predicted = net.kappa(scheme.alpha(200)) / np.sqrt(200) * 0.5 ** (relus / 2)
    assert abs(float(jnp.sqrt(jnp.mean(outputs**2))) / predicted - 1) < 0.15


def test_named_schemes_are_those_of_the_ntk_parametrisation_for_rows_of_layers():
    from lazyscope.scaling import named_scheme

    parts = c.serial(c.dense(), RELU, c.dense(), RELU, c.dense(outputs=1))
    net = c.ComposedNetwork(parts, (5,), 32)
    named = named_scheme("ntk", depth=2, input_dim=5, output_dim=1, activation="linear")
    np.testing.assert_allclose(net.ntk_scheme().alpha(32), named.alpha(32))


def test_a_composed_network_is_trained_like_any_other():
    data = four_points()
    shape = (data.x_train.shape[1],)
    net, params = drawn(c.serial(c.dense(), c.activation("tanh"), c.dense(outputs=1)), shape, 16)
    experiment = network_experiment(net, params, data, np.ones(2), centred=True)
    assert run_experiment(experiment, stop=0.5).outcome.label == "converged"


def test_differences_of_outputs_are_those_of_a_composition_with_a_norm():
    from lazyscope.model import output_difference

    parts = c.serial(c.dense(), c.layer_norm(), c.activation("tanh"), c.dense(outputs=1))
    net, params = drawn(parts, (3,), 16)
    change = jax.tree.map(lambda weights: 1e-3 * jnp.ones_like(weights), params)
    x = jnp.asarray(np.random.default_rng(0).standard_normal((5, 3)))
    moved = net.apply(jax.tree.map(jnp.add, params, change), x) - net.apply(params, x)
    found = output_difference(net, params, change, x)
    np.testing.assert_allclose(found, moved, rtol=5e-3)  # single precision loses three digits of it


def test_dropout_keeps_all_without_a_key_and_the_mean_with_one():
    parts = c.serial(c.dense(), c.dropout(0.8), c.dense(outputs=1))
    net, params = drawn(parts, (3,), 4000)
    x = jnp.ones((1, 3))
    plain = net.apply(params, x)
    noisy = net.with_dropout(jax.random.key(3)).apply(params, x)
    assert plain.shape == noisy.shape
    assert float(jnp.abs(noisy - plain)[0, 0]) > 0
    hidden = net.with_dropout(jax.random.key(3)).blocks[2].apply([], jnp.ones((1, 4000)))
    assert abs(float(hidden.mean()) - 1) < 0.05
    assert set(np.unique(np.asarray(hidden)).round(6)) == {0.0, 1.25}


@pytest.mark.parametrize(
    ("parts", "shape", "words"),
    [
        (c.serial(c.conv((3, 3)), c.dense(outputs=1)), (4, 1), r"two lengths|one length for each axis"),
        (
            c.serial(c.conv(3, padding="VALID"), c.conv(4, padding="VALID"), c.flatten(), c.dense(outputs=1)),
            (5, 1),
            r"leave at least one position.*part 2 \(conv\)",
        ),
        (c.serial(c.dense(), c.global_avg_pool(), c.dense(outputs=1)), (4,), "needs positions.*part 2"),
        (c.serial(c.dense(), c.global_self_attention(), c.dense(outputs=1)), (4,), "needs positions"),
        (c.serial(c.residual(c.dense()), c.dense(outputs=1)), (4,), r"\(4\) and \(m\) at part 1"),
        (
            c.serial(c.dense(), c.residual(c.dense(), c.residual(c.conv(2))), c.dense(outputs=1)),
            (4,),
            r"part 2 \(residual\), branch 2, part 2 \(residual\), branch 2, part 1 \(conv\)",
        ),
        (
            c.serial(c.dense(), c.fan_out(c.serial(), c.conv(2), c.dense()), c.dense(outputs=1)),
            (4,),
            r"part 2 \(fan_out\), branch 2, part 1 \(conv\)",
        ),
        (c.serial(c.dense(), RELU), (4,), "must end with its readout"),
        (c.serial(c.dense(outputs=3), RELU, c.dense(outputs=1)), (4,), "bottleneck"),
        (c.serial(c.conv(2), c.dense(outputs=1)), (4, 1), "must have no positions"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused_with_their_place(parts, shape, words):
    with pytest.raises(InputError, match=words):
        c.ComposedNetwork(parts, shape, 4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: c.serial(RELU, "relu"), "composed of parts"),
        (lambda: c.conv((3, 3), strides=(1, 1, 1)), "one number for each axis of the window"),
        (lambda: c.conv((3, 3), padding="full"), "padding"),
        (lambda: c.conv((0, 3)), "at least 1"),
        (lambda: c.dense(weight_std=0.0), "weight_std"),
        (lambda: c.dense(outputs=0), "outputs"),
        (lambda: c.dropout(1.5), "keep"),
        (lambda: c.fan_out(RELU), "at least two branches"),
        (lambda: c.global_self_attention(query_std=2.0), "queries are the keys"),
        (lambda: c.ComposedNetwork(c.dense(outputs=1), (), 4), "input_shape"),
        (lambda: c.dense(512), r"ComposedNetwork\(parts, input_shape=\(784,\), width=512\)"),
        (lambda: c.conv(64, (3, 3)), "width=512"),
        (lambda: c.dense(W_std=1.5), r"call dense\(\*, outputs=None, weight_std=1.0"),
        (lambda: c.dense(weigth_std=1.5), "spelling of weight_std"),
        (lambda: c.ComposedNetwork(c.dense(outputs=1), (-1, 8), 4), "axis of the batch"),
        (lambda: LINE.init(0, LINE.ntk_scheme()), "key must be a random key of JAX"),
        (lambda: c.ComposedNetwork(c.dense(outputs=1)), "without an axis of points"),
        (lambda: c.ComposedNetwork(c.dense(outputs=1), (3,), 4).init(0), "ntk_scheme"),
        (lambda: tuple(c.serial(c.dense())), r"ComposedNetwork\(parts, .*ntk_scheme"),
    ],
)
def test_parts_that_are_none_are_refused(call, words):
    with pytest.raises(InputError, match=f"(?i){words}"):
        call()


def test_networks_travel_and_functions_of_jax_are_known_by_name():
    named = c.ComposedNetwork(c.serial(c.dense(), RELU, c.dense(outputs=1)), (3,), 4)
    given = c.ComposedNetwork(
        c.serial(c.dense(), c.activation(jax.nn.relu), c.dense(outputs=1)), (3,), 4
    )
    assert pickle.loads(pickle.dumps(given)).nodes == named.nodes


def test_points_beside_themselves_are_points_of_more_features():
    """kappa counts channels of the points where none grow with the width: it was zero."""
    twice = c.serial(c.fan_out(c.serial(), c.serial(), combine="concatenate"), c.dense(), RELU)
    net, plain = (
        c.ComposedNetwork(c.serial(parts, c.dense(outputs=1)), (3,), 4)
        for parts in (twice, c.serial(c.dense(), RELU))
    )
    kappa, leverage = (
        [getattr(one, name)(one.ntk_scheme().alpha(4)) for one in (net, plain)]
        for name in ("kappa", "leverage")
    )
    np.testing.assert_allclose(kappa[0], kappa[1])
    np.testing.assert_allclose(leverage[0], leverage[1])


def test_points_of_another_shape_are_refused_and_flattened_ones_are_not():
    parts = c.serial(c.conv(2), RELU, c.global_avg_pool(), c.dense(outputs=1))
    net = c.ComposedNetwork(parts, (4, 3), 2)
    params = net.init(jax.random.key(0), net.ntk_scheme())
    x = np.random.default_rng(0).standard_normal((5, 4, 3))
    same = net.apply(params, x)
    np.testing.assert_array_equal(net.apply(params, x.reshape(5, 12)), same)
    np.testing.assert_array_equal(net.apply(params, x[..., None]), same)
    assert net.apply(params, x[:0]).shape == (0, 1)
    for wrong in (x.transpose(0, 2, 1), x[0], x[:, :, 0], x.reshape(-1)):
        with pytest.raises(InputError, match="network's input shape"):
            jax.jit(net.apply)(params, wrong)


def test_a_composed_network_shows_itself_in_a_line():
    parts = c.serial(c.conv(2), c.residual(RELU, c.conv(2)), RELU, c.flatten(), c.dense(outputs=1))
    assert repr(c.ComposedNetwork(parts, (4, 1), 8)) == (
        "ComposedNetwork(conv, residual, activation relu, flatten, dense; input_shape=(4, 1), width=8)"
    )
