"""What is the share of a group of tensors from Gram matrices of its data and of its signals?"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch

from lazyscope.kernel.orders import COSTS, AbstractOrder, Held
from lazyscope.torch.kernel.orders._pair import IN_CACHE, Factors, Pair, filled


@final
@dataclass(frozen=True)
class Grams(AbstractOrder[Pair, torch.Tensor]):
    """Products of Gram matrices over pairs of positions."""

    name: ClassVar[str] = "grams"
    rank: ClassVar[int] = 0
    takes_rows: ClassVar[bool] = True

    def cost(self) -> float:
        """As for JAX arrays."""
        return COSTS[self.name](self.shape, self.block).cost()

    def held(self) -> Held:
        """Both Gram matrices of an example against all others."""
        b, s, c = self.shape.blocks, self.shape.positions, self.shape.num_outputs
        summed = s > 1 or b > 1
        return Held(paired=b * s * s * (1 + c * c) * self.block.rows) if summed else Held()

    def contract(self, pair: Pair) -> torch.Tensor:
        """The share, as many rows at a time as the cache holds pairs of positions."""
        left, right, symmetric = pair
        pairs = [
            (one, two, aligned)
            for one, two, aligned in (
                (left.straight, right.straight, True),
                (left.transposed, right.transposed, True),
                (left.straight, right.transposed, False),
                (left.transposed, right.straight, False),
            )
            if one is not None and two is not None
        ]

        def slab(rows: slice, columns: slice) -> torch.Tensor:
            parts = [
                _product(_cut(one, rows), _cut(two, columns), same) for one, two, same in pairs
            ]
            return parts[0] if len(parts) == 1 else torch.stack(parts).sum(0)

        one, two = pairs[0][0].signals, pairs[0][1].signals
        n, c, b, s, _ = one.shape
        each = b * s * two.shape[3] * c * c * len(two) * one.element_size()
        at_once = n if b == s == 1 else max(1, IN_CACHE // each)
        return filled(slab, one, two, symmetric, at_once)


def _cut(factors: Factors, rows: slice) -> Factors:
    return Factors(factors.data[rows], factors.signals[rows])


def _product(left: Factors, right: Factors, aligned: bool) -> torch.Tensor:
    """Uses in the same order, or one of them transposed: its signals live where the other's data do."""
    if not aligned:
        return _over_positions(
            _all_pairs(left.data, right.signals), _all_pairs(left.signals, right.data)
        )
    signals = _all_pairs(left.signals, right.signals)
    if left.data.dim() > 2:
        return _over_positions(_all_pairs(left.data, right.data), signals)
    same = left.data[:, :, None, None] == right.data[None, None]
    same &= (left.data >= 0)[:, :, None, None]
    return _over_positions(same.to(signals.dtype)[None, :, None, :, :, None, :], signals)


def _all_pairs(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Inner products over the last axis of (n, C, b, s, k): (b, n1, C1, s1, n2, C2, s2)."""
    (n1, c1, b, s1, k), (n2, c2, _, s2, _) = left.shape, right.shape
    one = left.permute(2, 0, 1, 3, 4).reshape(b, n1 * c1 * s1, k)
    two = right.permute(2, 0, 1, 3, 4).reshape(b, n2 * c2 * s2, k)
    return (one @ two.mT).reshape(b, n1, c1, s1, n2, c2, s2)


def _over_positions(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """Products (b, n1, C, s1, n2, C, s2) summed over blocks and positions."""
    product = one * two
    b, n1, c1, s1, n2, c2, s2 = product.shape
    if b == s1 == s2 == 1:
        return product.reshape(n1, c1, n2, c2)
    return product.sum((0, 3, 6))
