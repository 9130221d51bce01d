"""What is the share of each parameter in the kernel of two blocks of examples?"""

from collections.abc import Iterator

import torch

from lazyscope.kernel.any_function import Outputs
from lazyscope.torch.kernel._factors import ParameterFactors
from lazyscope.torch.kernel._plan import ParameterPlan
from lazyscope.torch.kernel.orders._pair import Factors, GroupFactors, Pair, inner_products


def share(
    plan: ParameterPlan,
    left: ParameterFactors,
    right: ParameterFactors,
    symmetric: bool,
    outputs: Outputs = "pairs",
) -> torch.Tensor | None:
    """The share of one parameter; None if it is zero.

    (n1, C, n2, C) of all pairs of outputs, (n1, C, n2, 1) of each, (n1, 1, n2, 1) summed over them.
    """
    other = left if symmetric else right
    if left is None or other is None:
        return None
    if outputs == "pairs":
        return _of_pairs(plan, left, other, symmetric)
    if outputs == "sum" and not any(group.transposed for group in plan.groups):
        return _of_pairs(plan, _side_by_side(left), _side_by_side(other), symmetric)
    total, parts = None, []
    for number in range(_num_outputs(left)):
        found = _of_pairs(plan, _of_one(left, number), _of_one(other, number), symmetric)
        if outputs == "each":
            parts.append(found)
        elif found is not None:
            total = found if total is None else total.add_(found)
    if outputs == "each":
        return None if parts[0] is None else torch.cat(parts, dim=1)
    return total


def _of_pairs(
    plan: ParameterPlan, left: ParameterFactors, right: ParameterFactors, symmetric: bool
) -> torch.Tensor | None:
    """The share with all outputs that the factors have."""
    if isinstance(left, torch.Tensor):
        assert isinstance(right, torch.Tensor)
        return inner_products(left, right, symmetric)
    assert left is not None
    assert right is not None
    assert not isinstance(right, torch.Tensor)
    total = None
    for order, mine, others in zip(plan.orders, left, right, strict=True):
        if all(any(f is not None for f in side) for side in (mine, others)):
            found = order.contract(Pair(mine, others, symmetric))
            total = found if total is None else total.add_(found)
    return total


def _num_outputs(factors: ParameterFactors) -> int:
    if isinstance(factors, torch.Tensor):
        return factors.shape[1]
    return max((each.signals.shape[1] for each in _known(factors)), default=1)


def _known(factors: ParameterFactors) -> Iterator[Factors]:
    assert factors is not None
    assert not isinstance(factors, torch.Tensor)
    return (each for group in factors for each in group if each is not None)


def _side_by_side(factors: ParameterFactors) -> ParameterFactors:
    """Signals of all outputs as those of one, whose kernel is the sum over outputs."""
    assert factors is not None
    if isinstance(factors, torch.Tensor):
        return factors.flatten(1)[:, None]
    joined = []
    for group in factors:
        if group.straight is None:
            joined.append(group)
            continue
        data, signals = group.straight
        together = signals.movedim(1, -2).flatten(-2)[:, None]
        joined.append(GroupFactors(Factors(data, together), None))
    return tuple(joined)


def _of_one(factors: ParameterFactors, number: int) -> ParameterFactors:
    """The factors with the signals of one output."""
    assert factors is not None
    if isinstance(factors, torch.Tensor):
        return factors[:, number : number + 1]
    return tuple(
        GroupFactors(
            *(
                None
                if each is None
                else each._replace(signals=each.signals[:, number : number + 1])
                for each in group
            )
        )
        for group in factors
    )
