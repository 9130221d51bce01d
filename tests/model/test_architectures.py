"""Do the networks compute their definitions, and are scale, kappa and leverage what they are said to be?"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.kernel import tangent_kernel_by_parameter
from lazyscope.model import (
    Attention,
    Convolution,
    Dense,
    Layer,
    LayerNorm,
    Norm,
    Residual,
    ResidualConvolution,
    activation,
)
from lazyscope.model.blocks import mean_square
from lazyscope.scaling import Scheme, named_scheme
from naive import architectures as naive
from naive.dense import ACTIVATIONS
from naive.jacobian_kernel import kernels_by_leaf

NETWORKS = {
    "dense": lambda m, c, sigma: Dense(36, c, m, 2, sigma),
    "unstrided": lambda m, c, sigma: Convolution((6, 6, 1), c, m, 2, sigma),
    "convolution": lambda m, c, sigma: Convolution((6, 6, 1), c, m, 2, sigma, stride=2),
    "valid": lambda m, c, sigma: Convolution(
        (4, 9, 1), c, m, 1, sigma, kernel_size=2, stride=2, padding="valid"
    ),
    "residual": lambda m, c, sigma: Residual(36, c, m, 4, sigma),
    "residual-convolution": lambda m, c, sigma: ResidualConvolution(
        (6, 6, 1), c, m, 3, sigma, stride=2
    ),
    "layer-norm": lambda m, c, sigma: LayerNorm(36, c, m, 2, sigma, epsilon=1e-12),
    "attention": lambda m, c, sigma: Attention((6, 6), c, m, 2, sigma, score_scale=1.0),
}
DRAWN = ("dense", "convolution", "residual", "residual-convolution", "layer-norm", "attention")
double = pytest.mark.usefixtures("double")


def inputs(num=3):
    """Images of norm one whose pixels are positive, with dark corners, as real ones."""
    x = np.random.default_rng(num).uniform(0, 1, size=(num, 6, 6)) ** 2
    x[:, :2, :2] = 0.0
    return x.reshape(num, -1) / np.linalg.norm(x.reshape(num, -1), axis=1, keepdims=True)


def scale_sets(num_layers, count=4, spread=1.0):
    draw = np.random.default_rng([count, num_layers])
    return np.exp(spread * draw.normal(size=(count, num_layers)))


def by_definition(name, model, params, x):
    """Outputs of one point by the loops of the naive twin."""
    weights = [np.asarray(layer.weight) for layer in params if hasattr(layer, "weight")]
    sigma = ACTIVATIONS[model.activation_name][0]
    if name in ("convolution", "unstrided", "valid"):
        image = x.reshape(model.input_shape)
        return naive.convolution(weights, image, sigma, model.stride, model.padding)
    if name == "residual":
        return naive.residual(weights, x, sigma, 0.5)
    if name == "residual-convolution":
        image = x.reshape(model.input_shape)
        return naive.residual_convolution(weights, image, sigma, 1 / np.sqrt(3), 2)
    if name == "layer-norm":
        norms = [(np.asarray(g), np.asarray(b)) for g, b in params[3:]]
        return naive.layer_norm(weights, norms, x, sigma, 1e-12)
    return naive.attention(weights, x.reshape(6, 6), sigma, 2, 1.0, 1.0)[0]


@pytest.mark.slow
@double
@pytest.mark.parametrize("sigma", ["tanh"])
@pytest.mark.parametrize("name", [n for n in NETWORKS if n != "dense"])
def test_outputs_follow_the_definition(name, sigma):
    model = NETWORKS[name](6, 2, sigma)
    params = model.init_from_std(jax.random.key(0), [0.7] * len(model.shapes))
    stir = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: leaf + 0.1 * stir.normal(size=leaf.shape), params)
    expected = [by_definition(name, model, params, x) for x in inputs()]
    found = jax.jit(model.apply)(params, jnp.asarray(inputs()))
    np.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.slow
@double
@pytest.mark.parametrize("name", NETWORKS)
def test_kernels_are_those_of_dense_jacobians(name):
    model = NETWORKS[name](4, 2, "relu")
    params = model.init_from_std(jax.random.key(1), [0.7] * len(model.shapes))
    found = jax.tree.leaves(tangent_kernel_by_parameter(model.apply, params, jnp.asarray(inputs())))
    expected = kernels_by_leaf(model.apply, params, inputs())
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12 * np.abs(other).max())


def normals(model, num):
    """Standard normal weights of `num` draws, by NumPy: compiling JAX's own takes longer than the rest."""
    rng = np.random.default_rng([model.width, num])
    return [rng.normal(size=(num, *shape)) for shape in model.shapes]


def weights_from(model, drawn, stds) -> Any:
    """Parameters of one draw; norms start at one and zero."""
    layers = tuple(Layer(std * each, None) for std, each in zip(stds, drawn, strict=True))
    norm = Norm(jnp.ones(model.width), jnp.zeros(model.width))
    return layers + (norm,) * (len(model.group_names) - len(layers))


@functools.cache
def drawn_squares(name, width):
    """(model, key, standard deviations -> mean over points and 64 outputs of f^2), compiled."""
    model = NETWORKS[name](width, 64, "relu")
    if name == "attention":
        model = Attention((6, 6), 64, width, 2, score_scale=1e-9)

    def square(drawn, stds):
        return jnp.mean(model.apply(weights_from(model, drawn, stds), jnp.asarray(inputs())) ** 2)

    return model, jax.jit(jax.vmap(square, (0, None)))


@functools.cache
def output_squares(name, width, scale):
    """Mean over points of f^2, one number for every draw, at one set of scales."""
    model, squares = drawn_squares(name, width)
    alpha = scale_sets(len(model.shapes))[scale]
    with jax.enable_x64(True):
        drawn = normals(model, 24)
        return np.asarray(squares(drawn, jnp.asarray(model.weight_std(alpha)))), model, alpha


def predicted_square(name, model, alpha):
    """Mean over points of E f^2, by formula where there is one, else by the naive covariance."""
    m, stds = model.width, model.weight_std(alpha)
    kappa = model.kappa(alpha)
    if name in ("convolution", "unstrided", "valid"):
        k, stride, padding = model.kernel_size, model.stride, model.padding
        images = inputs().reshape(-1, *model.input_shape)
        return np.mean([naive.convolution_square(i, stds, m, k, stride, padding) for i in images])
    if name == "residual-convolution":
        images = inputs().reshape(-1, *model.input_shape)
        b = model.branch_scale
        return np.mean([naive.residual_convolution_square(i, stds, m, 3, b, 2) for i in images])
    if name == "attention":
        tokens = inputs().reshape(-1, 6, 6)
        return np.mean([naive.attention_square(t, stds, m, 1.0) for t in tokens])
    halves = 2 if name == "dense" else 1  # ReLU halves a squared norm once for every product
    return kappa**2 / m / 2**halves


@pytest.mark.parametrize("scale", range(4))
@pytest.mark.parametrize("width", [48, 128])
@pytest.mark.parametrize("name", DRAWN)
def test_outputs_start_at_the_size_that_is_derived(name, width, scale):
    """Five standard errors of 24 draws; limits of infinite width are given 4/m of their own."""
    squares, model, alpha = output_squares(name, width, scale)
    expected = predicted_square(name, model, alpha)
    error = squares.std(ddof=1) / np.sqrt(len(squares))
    assert error < 0.15 * expected
    assert abs(squares.mean() - expected) < 5 * error + 4 / width * expected


@pytest.mark.parametrize("name", DRAWN)
def test_outputs_over_kappa_and_root_m_are_of_order_one_at_every_scale(name):
    """The scales of one layer spread by a factor of 20 and more, kappa by more."""
    ratios, kappas = [], []
    for width in (48, 128):
        for scale in range(4):
            squares, model, alpha = output_squares(name, width, scale)
            kappas.append(model.kappa(alpha))
            ratios.append(np.sqrt(squares.mean() * width) / kappas[-1])
    assert max(kappas) > 2.5 * min(kappas)
    assert 0.2 < min(ratios) <= max(ratios) < 1.0
    assert max(ratios) < 1.7 * min(ratios)


@functools.cache
def shares(name):
    """(scales and widths, groups): mean over points and draws of K_g(x, x), and its size."""
    found, predicted = [], []
    for width in (48, 128):
        model = NETWORKS[name](width, 1, "relu")

        def squares(drawn, stds, score_scale, model=model):
            """K_g(x, x) is the squared gradient of one output."""
            if isinstance(model, Attention):
                model = Attention((6, 6), 1, model.width, 2, score_scale=score_scale)
            params = weights_from(model, drawn, stds)
            slope = jax.grad(lambda moved, x: model.apply(moved, x[None])[0, 0])
            slopes = jax.vmap(slope, (None, 0))(params, jnp.asarray(inputs()))
            return [sum(jnp.sum(g**2) for g in jax.tree.leaves(group)) / 3 for group in slopes]

        with jax.enable_x64(True):
            drawn = normals(model, 12)
            compiled = jax.jit(jax.vmap(squares, (0, None, None)))
            for alpha in scale_sets(len(model.shapes), spread=0.7):
                scored = 1.0
                if name == "attention":  # scores of size one
                    scored = 1.0 / model.score_size(alpha)
                    model = Attention((6, 6), 1, width, 2, score_scale=scored)
                found.append(np.mean(compiled(drawn, model.weight_std(alpha), scored), axis=1))
                sizes = model.kappa(alpha) * model.leverage(alpha) / model.group_alpha(alpha)
                predicted.append(sizes**2)
                model = NETWORKS[name](width, 1, "relu")
    return np.array(found), np.array(predicted)


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_every_groups_share_of_the_kernel_is_kappa_times_leverage_over_scale(name):
    """Squared, up to a constant for each group: shares spread by tens, the ratio by half at most.

    A readout behind a normalisation has the one share m c whatever the scales.
    """
    found, predicted = shares(name)
    ratio = found / predicted
    spread = found.max(axis=0) / found.min(axis=0)
    assert np.max(spread) > 50
    assert np.all(spread > 2.5)
    assert np.all(ratio.max(axis=0) < 1.5 * ratio.min(axis=0))


@double
def test_scores_start_at_the_size_that_is_derived():
    model = Attention((6, 6), 1, 64, 4, score_scale=0.3)
    alpha = np.array([1.5, 0.5, 2.0, 1.0, 1.0, 1.0])
    squares = []
    for seed in range(8):
        params = model.init_from_std(jax.random.key(seed), model.weight_std(alpha))
        weights = [np.asarray(layer.weight) for layer in params]
        scores = naive.attention(weights, inputs()[0].reshape(6, 6), naive.relu, 4, 0.3, 1.0)[1]
        squares.append(np.mean(scores**2))
    error = np.std(squares) / np.sqrt(8)
    # Tokens differ in norm: the mean over pairs of |z_t|^2 |z_s|^2 is the square of the mean.
    assert abs(np.mean(squares) - model.score_size(alpha) ** 2) < 5 * error
    assert error < 0.25 * model.score_size(alpha) ** 2


@pytest.mark.slow
@double
def test_hidden_scales_do_not_reach_a_normalised_output():
    model = LayerNorm(36, 2, 16, 3)
    key, x = jax.random.key(2), jnp.asarray(inputs())
    one = model.apply(model.init_from_std(key, [0.25, 0.25, 0.25, 0.25]), x)
    other = model.apply(model.init_from_std(key, [9.0, 0.01, 3.0, 0.25]), x)
    np.testing.assert_allclose(one, other, rtol=1e-6)


@double
def test_an_epsilon_above_the_variance_lets_hidden_scales_through():
    model = LayerNorm(36, 2, 16, 1, epsilon=1e3)
    key, x = jax.random.key(2), jnp.asarray(inputs())
    one = model.apply(model.init_from_std(key, [0.1, 0.25]), x)
    other = model.apply(model.init_from_std(key, [0.2, 0.25]), x)
    np.testing.assert_allclose(other, 2 * one, rtol=1e-3)


@double
def test_deep_residual_networks_keep_their_size_with_the_default_branch():
    """kappa^2 / (alpha_1 alpha_out)^2 = (1 + 1/(2 L))^(L-1), which tends to the root of e."""
    kappas = [Residual(3, 1, 8, depth).kappa(np.ones(depth + 1)) for depth in (2, 64, 4096)]
    assert kappas[0] ** 2 == pytest.approx(1.25)
    assert kappas[-1] ** 2 == pytest.approx(np.exp(0.5), rel=1e-3)


def test_a_fan_in_scheme_gives_convolutions_their_fan_in_deviation():
    scheme = named_scheme("lecun", depth=2, input_dim=36)
    model = Convolution((6, 6, 1), 1, 50, 2)
    fans = [np.prod(shape[1:]) for shape in model.shapes]
    np.testing.assert_allclose(
        model.weight_std(scheme.alpha(50)), 1 / np.sqrt(np.array(fans, float)), rtol=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_drawn_with_the_scales_of_a_scheme(name):
    model = NETWORKS[name](128, 128, "relu")
    layers = len(model.shapes)
    scheme = Scheme.at_width(128, alpha=np.linspace(0.5, 2.0, layers).tolist())
    params = model.init(jax.random.key(0), scheme)
    assert len(params) == len(model.group_names) == len(model.leverage(scheme.alpha(128)))
    assert len(model.group_alpha(scheme.alpha(128))) == len(params)
    stds = [float(np.std(layer.weight)) for layer in params[:layers]]
    counts = [layer.weight.size for layer in params[:layers]]
    np.testing.assert_array_less(
        np.abs(model.alpha(stds) / scheme.alpha(128) - 1), 5 / np.sqrt(2 * np.array(counts))
    )
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == model.num_parameters


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "linear"])
def test_homogeneous_activations_leave_the_share_of_a_square_that_quadrature_says(name):
    expected = {"relu": 0.5, "leaky_relu": (1 + 0.01**2) / 2, "linear": 1.0}[name]
    assert mean_square(activation(name)) == pytest.approx(expected, rel=1e-12)


def test_convolutions_of_no_points_have_no_outputs():
    net = Convolution((4, 4, 1), 2, 3, 1)
    params = net.init_from_std(jax.random.key(0), np.ones(len(net.shapes)))
    assert net.apply(params, jnp.zeros((0, 16))).shape == (0, 2)


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_of_another_width_are_refused(name):
    wide, narrow = (NETWORKS[name](m, 2, "relu") for m in (12, 6))
    params = wide.init_from_std(jax.random.key(0), np.ones(len(wide.shapes)))
    for call in (narrow.apply, lambda given, x: narrow.difference(given, given, x)):
        with pytest.raises(InputError, match="shapes of the network that they are given to"):
            call(params, inputs())
