"""Is training in coordinates of the points the training of the whole network?"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import as_layers, draw_weights
from lazyscope.flow import ExponentialFlow, dense_problem, solve_flow
from lazyscope.flow._span import Span
from lazyscope.model import Dense

pytestmark = pytest.mark.usefixtures("double")


def problem_of(points, *, features=9, repeated=False, use_bias=False):
    rng = np.random.default_rng(points)
    x = rng.normal(size=(points, features))
    if repeated:
        x[1] = x[0]
    model = Dense(features, 2, width=5, depth=2, use_bias=use_bias, output_scale=0.7)
    params = as_layers(draw_weights(model, (1.0, 0.5, 0.5)), [np.ones(5), np.ones(5), np.ones(2)])
    if not use_bias:
        params = tuple(layer._replace(bias=None) for layer in params)
    y = rng.normal(size=(points, 2))
    return dense_problem(model, params, x, y, speeds=(1.0, 2.0, 0.5))


@pytest.mark.parametrize("repeated", [False, True])
def test_outputs_and_kernel_are_those_of_the_whole_network(repeated):
    whole = problem_of(4, repeated=repeated, use_bias=True)
    span = Span.of(whole).problem
    assert span.x.shape == (4, 4)
    assert span.params[0].weight.shape == (5, 4)
    for name in ("outputs", "mean_kernel"):
        found, expected = (
            each.kernel.expand(each.params, each.x).outputs
            if name == "outputs"
            else each.kernel.expand(each.params, each.x).mean_kernel(each.speeds)
            for each in (span, whole)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_displacement_in_the_span_moves_outputs_as_in_all_directions():
    whole = replace(problem_of(4), start_share=0.0)
    span = Span.of(whole)
    moved = jax.tree.map(lambda leaf: 1e-3 * jnp.cos(leaf), span.problem.params)
    found, expected = span.problem.outputs_after(moved), whole.outputs_after(span.whole(moved))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("points", [9, 12])
def test_as_many_points_as_features_are_trained_as_they_are(points):
    assert Span.of(problem_of(points)).problem.x.shape == (points, 9)


@pytest.mark.slow
def test_flow_in_the_span_ends_where_rotated_points_with_more_of_them_end():
    """Points and features rotated together are the same problem, and zeros beside them add nothing."""
    narrow = problem_of(3, features=3)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 3)))
    first, *others = narrow.params
    model = Dense(8, 2, width=5, depth=2, output_scale=0.7)
    params = (first._replace(weight=first.weight @ turn.T), *others)
    wide = dense_problem(model, params, narrow.x @ turn.T, narrow.y, speeds=(1.0, 2.0, 0.5))
    ends = [solve_flow(each, ExponentialFlow(), stop=0.1) for each in (narrow, wide)]
    assert int(ends[0].num_steps) == int(ends[1].num_steps)
    np.testing.assert_allclose(
        ends[1].displacement[0].weight, ends[0].displacement[0].weight @ turn.T, atol=1e-10
    )
    np.testing.assert_allclose(
        ends[1].params[0].weight, params[0].weight + ends[1].displacement[0].weight, atol=1e-14
    )
