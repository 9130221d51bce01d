"""Along which axis of an inner tensor do the examples lie?"""

from typing import NamedTuple

import torch


class Layout(NamedTuple):
    """The examples lie along `axis`, each with a block of its own (`major`) or interleaved."""

    axis: int
    major: bool

    def by_example(self, tensor: torch.Tensor, num_examples: int) -> torch.Tensor:
        """The tensor as (n, positions of the axis, other axes ...)."""
        front = tensor.movedim(self.axis, 0)
        each = front.shape[0] // num_examples
        if self.major:
            return front.reshape(num_examples, each, *front.shape[1:])
        return front.reshape(each, num_examples, *front.shape[1:]).transpose(0, 1)


class Rows(NamedTuple):
    """The examples have rows anywhere: ``owner`` (rows,) over all leading axes; -1 for a row of none."""

    owner: torch.Tensor

    def by_example(
        self, tensor: torch.Tensor, num_axes: int, num_examples: int, filler: float
    ) -> torch.Tensor:
        """The tensor as (n, most rows of an example, axes after the leading ones), filled up."""
        rows = tensor.reshape(len(self.owner), *tensor.shape[num_axes:])
        rows = torch.cat([rows, rows.new_full((1, *rows.shape[1:]), filler)])
        return rows[self._table(num_examples)]

    def _table(self, num_examples: int) -> torch.Tensor:
        """Row numbers (n, most rows), with the number behind the last row where there are fewer."""
        owner = self.owner
        order = owner.argsort(stable=True)
        order = order[int((owner < 0).sum()) :]
        counts = torch.bincount(owner[order], minlength=num_examples)
        starts = counts.cumsum(0) - counts
        table = order.new_full((num_examples, max(1, int(counts.max()))), len(owner))
        within = torch.arange(len(order), device=owner.device) - starts[owner[order]]
        table[owner[order], within] = order
        return table
