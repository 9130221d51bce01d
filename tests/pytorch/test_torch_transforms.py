"""Expansions, kernels without pairs of outputs and features of modules are those of their definitions."""

import numpy as np
import pytest
import torch
from torch import nn

from lazyscope import torch as scope
from lazyscope._checks import InputError
from lazyscope.kernel import taylor as jax_taylor
from naive.torch_jacobian import kernel
from pytorch.torch_twins import NAMES, twin

FEW = ("dense", "attention")


def assert_diagonal_and_trace(module, x, memory):
    for other in (None, x[:3]):
        expected = np.einsum("ijcc->ijc", kernel(module, torch.from_numpy(x),
                             None if other is None else torch.from_numpy(other)))  # fmt: skip
        size = np.abs(expected).max()
        diagonal = scope.tangent_kernel_diagonal(module, x, other, memory=memory)
        trace = scope.tangent_kernel_trace(module, x, other, memory=memory)
        np.testing.assert_allclose(diagonal, expected, rtol=1e-10, atol=1e-11 * size)
        np.testing.assert_allclose(trace, expected.sum(-1), rtol=1e-10, atol=1e-11 * size)


@pytest.mark.parametrize("name", FEW)
def test_diagonal_and_trace_are_those_of_the_jacobian(name):
    found = twin(name)
    assert_diagonal_and_trace(found.module, found.x, 2**30)


@pytest.mark.slow
@pytest.mark.parametrize("memory", [2**30, 1e4])
@pytest.mark.parametrize("name", NAMES)
def test_all_modules_have_the_diagonal_and_trace_of_their_jacobian(name, memory):
    found = twin(name)
    assert_diagonal_and_trace(found.module, found.x, memory)


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_expansions_are_those_of_the_same_function_in_jax(degree, double):
    found = twin("dense")
    rng = np.random.default_rng(0)
    moved = {n: p + 0.1 * rng.normal(size=p.shape) for n, p in found.params.items()}
    expected = jax_taylor(found.apply, found.params, degree)(moved, found.x)
    named = {f"w.{n}": torch.from_numpy(p) for n, p in moved.items()}
    ours = scope.taylor(found.module, degree)(named, torch.from_numpy(found.x))
    np.testing.assert_allclose(ours, np.asarray(expected), rtol=1e-10, atol=1e-12)


def test_a_linearised_module_is_trained_through_its_parameters_and_keeps_its_start():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    x, y = torch.randn(6, 3).double(), torch.randn(6, 1).double()
    linear, before = scope.linearise(module), module(x).detach()
    parameters = {n: p.detach().clone().requires_grad_() for n, p in module.named_parameters()}
    optimizer = torch.optim.SGD(parameters.values(), lr=0.01)
    # One step of a linear function changes its outputs by the kernel times the residual.
    ((linear(parameters, x) - y) ** 2).sum().mul(0.5).backward()
    optimizer.step()
    expected = before - 0.01 * torch.from_numpy(
        scope.tangent_kernel(module, x)[:, :, 0, 0]) @ (before - y)  # fmt: skip
    torch.testing.assert_close(linear(parameters, x), expected, rtol=1e-10, atol=1e-12)
    with torch.no_grad():
        module[0].weight.zero_()
    torch.testing.assert_close(linear(parameters, x), expected, rtol=1e-10, atol=1e-12)


def test_other_parameters_are_refused():
    linear = scope.linearise(nn.Linear(3, 1))
    with pytest.raises(InputError, match="names and shapes of the trainable ones"):
        linear({"weight": torch.ones(1, 3)}, torch.ones(2, 3))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.act, self.drop = nn.Linear(3, 3), nn.Tanh(), nn.Dropout(0.5)

    def forward(self, x):
        return self.act(self.inner(self.act(self.drop(self.inner(x)))))


def test_the_conjugate_kernel_is_the_mean_over_units_one_by_one():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    x = torch.randn(5, 3).double()
    h = module[1](module[0](x)).detach().numpy()
    expected = [[np.mean([a[u] * b[u] for u in range(4)]) for b in h[:2]] for a in h]
    for memory in (2**30, 1):
        found = scope.conjugate_kernel(module, x, x[:2], layer="1", memory=memory)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_layers_that_have_no_one_set_of_features_are_refused():
    module, x = Twice(), np.ones((4, 3))
    with pytest.raises(InputError, match="the same outputs whenever"):
        scope.conjugate_kernel(module, x, layer="drop")
    module.eval()
    for name, words in (("act", "called once"), ("none", "a part of the module")):
        with pytest.raises(InputError, match=words):
            scope.conjugate_kernel(module, x, layer=name)
