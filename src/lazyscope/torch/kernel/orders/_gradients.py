"""What is the share of a group of tensors from the gradients of every example?"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch

from lazyscope.kernel.orders import COSTS, AbstractOrder, Held, column_chunks
from lazyscope.torch.kernel.orders._pair import GroupFactors, Pair, inner_products, outer_products


@final
@dataclass(frozen=True)
class Gradients(AbstractOrder[Pair, torch.Tensor]):
    """Gradients of examples, in chunks of columns that the cache holds."""

    name: ClassVar[str] = "gradients"
    rank: ClassVar[int] = 1

    @property
    def chunks(self) -> int:
        """Chunks of columns."""
        return column_chunks(self.shape, self.block)

    def cost(self) -> float:
        """As for JAX arrays."""
        return COSTS[self.name](self.shape, self.block).cost()

    def held(self) -> Held:
        """The gradients of one chunk."""
        b, _, i, o, c, *_ = self.shape
        return Held(each=c * b * i * o // self.chunks)

    def contract(self, pair: Pair) -> torch.Tensor:
        """The share, a chunk of columns o at a time."""
        left, right, symmetric = pair
        chunks, total = self.chunks, None
        for chunk in range(chunks):
            mine = _gradients(left, chunk, chunks)
            other = mine if symmetric else _gradients(right, chunk, chunks)
            found = inner_products(mine, other, symmetric)
            total = found if total is None else total.add_(found)
        assert total is not None
        return total


def _gradients(group: GroupFactors, chunk: int, chunks: int) -> torch.Tensor:
    """Per-example gradients (n, C, b o i) for one chunk of the columns o."""
    total = None
    for factors, straight in ((group.straight, True), (group.transposed, False)):
        if factors is None:
            continue
        columns, inputs = (factors.signals, factors.data) if straight else factors
        width = columns.shape[-1] // chunks
        columns = columns[..., chunk * width : (chunk + 1) * width]
        product = outer_products(columns, inputs)
        total = product if total is None else total + product
    assert total is not None
    return total
