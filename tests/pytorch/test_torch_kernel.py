"""Is the kernel of a module that of its definition, however its parameters are used?"""

import numpy as np
import pytest
import torch

from lazyscope.torch import (
    explain_tangent_kernel,
    tangent_kernel,
    tangent_kernel_by_parameter,
    tangent_kernel_product,
)
from naive.torch_jacobian import kernel, kernel_by_parameter
from pytorch.torch_cases import BUILDERS, case


def close(found, expected, tolerance):
    return np.abs(found - expected).max() <= tolerance * max(np.abs(expected).max(), 1e-300)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_every_share_is_exact_in_double_precision(name):
    module, x, _ = case(name)
    expected = kernel_by_parameter(module, x)
    found = tangent_kernel_by_parameter(module, x)
    assert list(found) == list(expected)
    wrong = [n for n in found if not close(found[n], expected[n], 1e-10)]
    assert wrong == []
    assert close(tangent_kernel(module, x), sum(expected.values()), 1e-10)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_what_falls_back_is_said(name):
    module, x, fallbacks = case(name)
    how = explain_tangent_kernel(module, x)
    assert tuple(leaf.name for leaf in how.fallbacks) == fallbacks
    assert all(leaf.reasons for leaf in how.fallbacks)


@pytest.mark.parametrize("name", ["dense", "convolutional", "language", "sequence"])
def test_single_precision_is_exact_to_its_rounding(name):
    module, x, _ = case(name)
    expected = kernel(module, x)
    module = module.float()
    x = x.float() if x.is_floating_point() else x
    found = tangent_kernel(module, x)
    assert found.dtype == np.float32
    assert close(found, expected, 1e-5)


@pytest.mark.parametrize("name", ["dense", "convolutional", "language", "recurrent", "interleaved"])
@pytest.mark.parametrize("memory", [1.0, 3e5])
def test_blocks_do_not_change_the_kernel(name, memory):
    module, x, _ = case(name)
    whole, crossed = tangent_kernel(module, x), tangent_kernel(module, x, x[:3])
    assert close(tangent_kernel(module, x, memory=memory), whole, 1e-12)
    assert close(tangent_kernel(module, x, x[:3], memory=memory), whole[:, :3], 1e-12)
    assert close(crossed, whole[:, :3], 1e-12)
    assert explain_tangent_kernel(module, x, memory=1.0).rows == 1


@pytest.mark.parametrize("name", ["dense", "convolutional", "language", "repeated"])
def test_the_product_is_that_of_the_kernel(name):
    module, x, _ = case(name)
    vector = np.random.default_rng(0).normal(size=(3, module(x).shape[1]))
    expected = np.einsum("ijck,jk->ic", tangent_kernel(module, x, x[:3]), vector)
    for memory in (2**30, 1.0):
        found = tangent_kernel_product(module, x, vector, x[:3], memory=memory)
        assert close(found, expected, 1e-12)


def test_a_kernel_is_symmetric_and_positive():
    module, x, _ = case("convolutional")
    found = tangent_kernel(module, x)
    n, c = len(x), found.shape[2]
    matrix = found.transpose(0, 2, 1, 3).reshape(n * c, n * c)
    assert close(matrix, matrix.T, 1e-14)
    assert np.linalg.eigvalsh(matrix)[0] > -1e-12 * matrix.max()


def test_a_kernel_follows_a_permutation_of_the_examples():
    module, x, _ = case("interleaved")
    order = [3, 0, 4, 1, 2]
    assert close(
        tangent_kernel(module, x[order]), tangent_kernel(module, x)[order][:, order], 1e-12
    )


def test_equal_examples_are_told_apart_from_each_other():
    module, x, _ = case("merged")
    same = x[:1].repeat(4, 1, 1)
    assert close(tangent_kernel(module, same), kernel(module, same), 1e-10)


def test_a_compiled_module_is_asked_as_it_was_written():
    module, x, _ = case("dense")
    compiled = torch.compile(module, backend="eager")
    assert np.array_equal(tangent_kernel(compiled, x), tangent_kernel(module, x))


def test_training_mode_is_fine_where_it_changes_nothing():
    module, x, _ = case("dense")
    assert np.array_equal(tangent_kernel(module.train(), x), tangent_kernel(module.eval(), x))


def test_the_explanation_tells_place_and_order():
    module, x, _ = case("language")
    table = str(explain_tangent_kernel(module, x))
    assert "tokens.weight" in table
    assert "dense+embedding at 2 places, 7 positions" in table
    assert "shift: gradients of the array's own size" in table
    assert "lstm" in str(explain_tangent_kernel(*case("recurrent")[:2]))
