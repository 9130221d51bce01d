"""Which positions does every position of a convolution or a pooling see?"""

import math
from dataclasses import dataclass
from typing import Any, Literal, final

from lazyscope._checks import InputError, check_choice, check_count

WindowPadding = Literal["SAME", "VALID", "CIRCULAR", "EVEN"]
"""``SAME`` surrounds with zeros, ``CIRCULAR`` with the other end, ``VALID`` stays inside; ``EVEN`` puts
size // 2 zeros at either end whatever the stride, as PyTorch's ``padding=size // 2`` does."""

PADDINGS = ("SAME", "VALID", "CIRCULAR", "EVEN")


@final
@dataclass(frozen=True)
class Window:
    """A window of `sizes` that moves by `strides` along every axis of positions.

    With padding an axis of length h keeps ``ceil(h / stride)`` positions; what is missing is added at both
    ends, the odd one at the far end.

    Attributes:
        sizes: length of the window along every axis.
        strides: distance of the positions that are left.
        padding: what lies beyond the ends.
    """

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    padding: WindowPadding

    @property
    def count(self) -> int:
        """Positions in one window."""
        return math.prod(self.sizes)

    def out(self, positions: tuple[int, ...]) -> tuple[int, ...]:
        """Lengths that are left; zero or less where nothing is."""
        if self.padding == "VALID":
            lengths = zip(positions, self.sizes, self.strides, strict=True)
            return tuple((h - k) // s + 1 for h, k, s in lengths)
        if self.padding == "EVEN":
            lengths = zip(positions, self.sizes, self.strides, strict=True)
            return tuple((h + 2 * (k // 2) - k) // s + 1 for h, k, s in lengths)
        return tuple(-(-h // s) for h, s in zip(positions, self.strides, strict=True))

    def around(self, length: int, axis: int) -> tuple[int, int]:
        """Positions added before and behind an axis of this length."""
        if self.padding == "VALID":
            return 0, 0
        if self.padding == "EVEN":
            return self.sizes[axis] // 2, self.sizes[axis] // 2
        stride, size = self.strides[axis], self.sizes[axis]
        missing = max((-(-length // stride) - 1) * stride + size - length, 0)
        return missing // 2, missing - missing // 2


def lengths_of(name: str, given: Any) -> tuple[int, ...]:
    """One length for each axis of positions, as ints, or a refusal; a number stands for one axis."""
    listed = given if isinstance(given, tuple | list) else (given,)
    if not listed:
        raise InputError(
            f"{name} must have one number for each axis of positions",
            received=repr(given),
            cause="an empty list",
            fix="give (3, 3) for images, 3 for sequences",
        )
    return tuple(check_count(name, each) for each in listed)


def window_of(sizes: Any, strides: Any, padding: Any) -> Window:
    """The window that these arguments of a part mean, or a refusal."""
    sizes = lengths_of("the size of a window", sizes)
    steps = (1,) * len(sizes) if strides is None else lengths_of("strides", strides)
    if len(steps) == 1:
        steps = steps * len(sizes)
    if len(steps) != len(sizes):
        raise InputError(
            "strides must have one number for each axis of the window",
            received=f"{len(steps)} strides for a window of {len(sizes)} axes",
            cause="strides of images for a sequence, or the other way round",
            fix=f"give {len(sizes)} numbers, or one for all",
        )
    check_choice("padding", padding, PADDINGS)
    return Window(sizes, steps, padding)
