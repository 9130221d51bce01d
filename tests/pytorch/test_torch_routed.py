"""Is the kernel exact wherever the rows of an example go inside a module, and is mixing refused?"""

import numpy as np
import pytest
import torch
from torch import nn

from lazyscope._checks import InputError
from lazyscope.torch import (
    Observer,
    explain_tangent_kernel,
    parameter_groups,
    tangent_kernel,
    tangent_kernel_by_parameter,
    tangent_kernel_product,
)
from naive.torch_jacobian import kernel, kernel_by_parameter
from pytorch.torch_cases import points
from pytorch.torch_routed import MIXING, ROUTED, built

X, OTHERS = points(8, 4, seed=3), points(5, 4, seed=4)


def close(found, expected):
    return np.abs(found - expected).max() <= 1e-10 * np.abs(expected).max()


@pytest.mark.parametrize("name", sorted(ROUTED))
@pytest.mark.parametrize("seed", [0, 1])
def test_every_share_of_a_routed_module_is_exact(name, seed):
    module = built(ROUTED[name], seed)
    x = X if seed else X.index_select(0, torch.tensor([0, 1, 1, 2, 3]))
    shares = kernel_by_parameter(module, x, OTHERS)
    found = tangent_kernel_by_parameter(module, x, OTHERS)
    largest = max(np.abs(share).max() for share in shares.values())
    wrong = [n for n in shares if np.abs(found[n] - shares[n]).max() > 1e-10 * largest]
    assert wrong == []


@pytest.mark.parametrize(
    "name", ["top_1_experts", "heads", "sorted", "early_exit", "looked_up_once"]
)
@pytest.mark.parametrize("memory", [1.0, 2e4])
def test_blocks_in_which_some_parts_get_no_rows_are_exact(name, memory):
    module = built(ROUTED[name], 0)
    assert close(tangent_kernel(module, X, memory=memory), kernel(module, X))


def test_a_part_that_only_the_second_set_uses_has_no_share_in_the_cross_kernel():
    module = built(ROUTED["masked"], 0)
    signs = torch.tensor([1.0, 1, 1, 1], dtype=torch.float64)
    left, right = X.abs() * signs, -OTHERS.abs()
    shares = tangent_kernel_by_parameter(module, left, right)
    assert all(not share.any() for share in shares.values())
    assert close(tangent_kernel(module, right), kernel(module, right))


def test_routing_costs_no_jacobian_where_rows_belong_to_one_example():
    for name in ("top_2_experts", "sorted", "early_exit", "packed", "one_after_another"):
        assert explain_tangent_kernel(built(ROUTED[name], 0), X).fallbacks == ()
    shared = explain_tangent_kernel(built(ROUTED["looked_up_once"], 0), X).fallbacks
    assert [leaf.name for leaf in shared] == ["table.weight"]
    assert "several examples share" in shared[0].reasons[0]


@pytest.mark.parametrize("name", sorted(MIXING))
def test_mixing_that_few_examples_do_not_show_is_refused(name):
    module = built(MIXING[name], 0)
    x = points(24, 4, seed=5)
    calls = (
        tangent_kernel,
        explain_tangent_kernel,
        Observer,
        parameter_groups,
        lambda m, x: tangent_kernel_product(m, x, np.ones((len(x), 2))),
        lambda m, x: tangent_kernel(m, x[:1], x),
    )
    for call in calls:
        with pytest.raises(InputError, match=r"each example on its own.*rest of a batch of 24"):
            call(module, x)


def test_an_observer_follows_rows_that_change_their_way():
    module = built(ROUTED["top_1_experts"], 0)
    observer = Observer(module, X)
    before = kernel(module, X)
    with torch.no_grad():
        module.router.weight.neg_()
    look = observer.observe(step=1)
    change = np.trace(kernel(module, X) - before, axis1=2, axis2=3)
    size = np.linalg.norm(np.trace(before, axis1=2, axis2=3))
    assert look.measurement.kernel_change == pytest.approx(np.linalg.norm(change) / size, rel=1e-9)


def test_many_examples_in_single_precision_are_told_apart():
    torch.manual_seed(0)
    module = built(ROUTED["sorted"], 0)
    x = points(150, 4, seed=6)
    expected = kernel(module, x[:20], x)
    found = tangent_kernel(module.float(), x[:20].float(), x.float())
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_rows_within_the_transposed_order_are_found():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(points(3, 4, seed=7))

        def forward(self, x):
            order = x[:, 0].argsort()
            return (torch.tanh(x[order] @ self.w.T) @ self.w)[order.argsort()]

    module = Tied()
    assert close(tangent_kernel(module, X), kernel(module, X))
    assert explain_tangent_kernel(module, X).fallbacks == ()


def test_mixing_is_seen_however_small_the_blocks_of_the_kernel_are():
    class Late(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(3, 2).double()

        def forward(self, x):
            out = self.layer(x)
            return out if len(x) < 6 else torch.cat([out[:5], out[5:] + 0.1 * out[:1]])

    x = torch.arange(24.0, dtype=torch.float64).reshape(8, 3).sin()
    for memory in (1e3, 1e9):
        with pytest.raises(InputError, match="each example on its own"):
            tangent_kernel(Late(), x, memory=memory)
