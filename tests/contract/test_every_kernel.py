"""Does every public tangent kernel keep the promises of its protocol?"""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import dense_case, unit_points
from lazyscope import kernel as room
from lazyscope.flow import function_problem
from lazyscope.kernel import AbstractTangentKernel, FunctionKernel, LayerwiseKernel, as_matrix
from naive.dense import jacobian, kernels

pytestmark = pytest.mark.usefixtures("double")

SPEEDS = np.array([0.5, 2.0, 1.5])


def with_layerwise(case):
    return case.problem


def with_function(case):
    """The same network as a function that knows nothing of layers."""

    def apply(weights, x):
        for w in weights[:-1]:
            x = jnp.tanh(x @ w.T)
        return x @ weights[-1].T

    return function_problem(apply, case.weights, case.x, case.y)


BUILDERS = {LayerwiseKernel: with_layerwise, FunctionKernel: with_function}


def test_every_public_kernel_is_under_test():
    public = {
        value
        for value in (getattr(room, name) for name in room.__all__)
        if inspect.isclass(value)
        and issubclass(value, AbstractTangentKernel)
        and not inspect.isabstract(value)
    }
    assert public == set(BUILDERS)


@pytest.fixture(params=BUILDERS, ids=lambda kernel: kernel.__name__)
def subject(request):
    """A problem with two hidden layers and two outputs, its kernel, and the numbers it is made of."""
    case = dense_case("tanh", depth=2, output_dim=2, width=5)
    problem = BUILDERS[request.param](case)
    assert type(problem.kernel) is request.param
    return problem.kernel, case._replace(problem=problem)


def layers_of(case):
    return [(w, None) for w in case.weights]


@pytest.mark.slow
def test_groups_agree_with_dense_jacobians(subject):
    kernel, case = subject
    other = unit_points(4, 3, seed=9)
    found = kernel.by_group(case.problem.params, case.problem.x, jnp.asarray(other))
    expected = np.stack(kernels(layers_of(case), case.x, other, "tanh"))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_the_sum_is_weighted_by_the_speeds(subject):
    kernel, case = subject
    groups = np.asarray(kernel.by_group(case.problem.params, case.problem.x))
    found = kernel.summed(case.problem.params, case.problem.x, speeds=jnp.asarray(SPEEDS))
    np.testing.assert_allclose(found, np.einsum("g,gijck->ijck", SPEEDS, groups), rtol=1e-12)


def test_every_group_is_symmetric_and_positive(subject):
    kernel, case = subject
    for group in kernel.by_group(case.problem.params, case.problem.x):
        matrix = np.asarray(as_matrix(group))
        np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12, atol=1e-14)
        values = np.linalg.eigvalsh(matrix)
        assert values[0] > -1e-12 * values[-1]


def test_the_expansion_is_the_network_and_its_transposed_jacobian(subject):
    kernel, case = subject
    expansion = kernel.expand(case.problem.params, case.problem.x)
    outputs = case.problem.model.apply(case.problem.params, case.problem.x)
    np.testing.assert_allclose(expansion.outputs, outputs, rtol=1e-12)
    cotangent = np.random.default_rng(1).normal(size=case.y.shape)
    found = expansion.pull_back(jnp.asarray(cotangent))
    for group, dense in zip(found, jacobian(layers_of(case), case.x, "tanh"), strict=True):
        expected = np.einsum("ic,icp->p", cotangent, dense)
        np.testing.assert_allclose(
            np.ravel(jax.tree.leaves(group)[0]), expected, rtol=1e-10, atol=1e-12
        )


def test_the_expansions_kernels_are_those_of_the_kernel(subject):
    kernel, case = subject
    speeds = jnp.asarray(SPEEDS)
    full = np.asarray(kernel.summed(case.problem.params, case.problem.x, speeds=speeds))
    expansion = kernel.expand(case.problem.params, case.problem.x)
    np.testing.assert_allclose(expansion.kernel(speeds), full, rtol=1e-12)
    mean = np.einsum("ijcc->ij", full) / full.shape[2]
    np.testing.assert_allclose(expansion.mean_kernel(speeds), mean, rtol=1e-12)
