"""Along which axis of an inner tensor do the examples lie?"""

from collections.abc import Sequence
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


def find_layout(
    together: torch.Tensor, alone: Sequence[torch.Tensor], num_axes: int
) -> Layout | None:
    """Compare a tensor of a whole batch with that of each of its examples alone.

    None where no axis, or more than one order, explains it: the examples are not told apart.
    """
    n, shape = len(alone), alone[0].shape
    if any(each.shape != shape for each in alone) or together.dim() != len(shape):
        return None
    fitting = []
    for axis in range(num_axes):
        wanted = [size * n if k == axis else size for k, size in enumerate(shape)]
        if list(together.shape) != wanted or shape[axis] == 0:
            continue
        for major in (True, False) if shape[axis] > 1 else (True,):
            layout = Layout(axis, major)
            parts = layout.by_example(together, n)
            if all(_close(parts[k], each.movedim(axis, 0)) for k, each in enumerate(alone)):
                fitting.append(layout)
    return fitting[0] if len(fitting) == 1 else None


def _close(one: torch.Tensor, two: torch.Tensor) -> bool:
    """Equal up to the rounding of sums in another order."""
    if not one.is_floating_point():
        return torch.equal(one, two)
    size = two.abs().nan_to_num(0.0, 0.0, 0.0).max()
    bound = torch.finfo(one.dtype).eps ** 0.5 * size
    return torch.allclose(one, two, rtol=0.0, atol=float(bound), equal_nan=True)
