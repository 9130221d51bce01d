"""What is the share of each parameter in the kernel of two blocks of examples?"""

import torch

from lazyscope.torch.kernel._factors import ParameterFactors
from lazyscope.torch.kernel._plan import ParameterPlan
from lazyscope.torch.kernel.orders._pair import Pair, inner_products


def share(
    plan: ParameterPlan, left: ParameterFactors, right: ParameterFactors, symmetric: bool
) -> torch.Tensor | None:
    """The share (n1, C, n2, C) of one parameter; None if it is zero."""
    other = left if symmetric else right
    if left is None or other is None:
        return None
    if isinstance(left, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        return inner_products(left, other, symmetric)
    assert not isinstance(other, torch.Tensor)
    total = None
    for order, mine, others in zip(plan.orders, left, other, strict=True):
        if all(any(f is not None for f in side) for side in (mine, others)):
            found = order.contract(Pair(mine, others, symmetric))
            total = found if total is None else total.add_(found)
    return total
