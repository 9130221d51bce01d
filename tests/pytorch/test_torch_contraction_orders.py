"""Do orders of contraction of tensors agree with each other, and cost what they cost in JAX?"""

import numpy as np
import pytest

from lazyscope.kernel.orders import COSTS, Block, GroupShape
from lazyscope.torch import explain_tangent_kernel, tangent_kernel
from lazyscope.torch.kernel import _plan as plans
from lazyscope.torch.kernel.orders import ORDERS, _gradients
from naive.torch_jacobian import kernel
from pytorch.torch_cases import case


@pytest.mark.parametrize("order", [order.name for order in ORDERS])
@pytest.mark.parametrize("name", ["dense", "sequence", "convolutional", "autoencoder", "language"])
def test_the_kernel_does_not_depend_on_the_order(name, order, monkeypatch):
    monkeypatch.setattr(
        plans, "cheapest", lambda offered: next(each for each in offered if each.name == order)
    )
    monkeypatch.setattr(_gradients, "column_chunks", lambda shape, block: shape.outputs)
    module, x, _ = case(name)
    words = str(explain_tangent_kernel(module, x))
    others = [each.name for each in ORDERS if each.name != order]
    assert f"by {order}" in words
    assert not any(f"by {other}" in words for other in others)
    np.testing.assert_allclose(tangent_kernel(module, x), kernel(module, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_costs_the_same_in_both_libraries(order):
    block = Block(6, None, 4, 2**20)
    shape = GroupShape(2, 9, 12, 8, 3)
    assert order(shape, block).cost() == COSTS[order.name](shape, block).cost() > 0
