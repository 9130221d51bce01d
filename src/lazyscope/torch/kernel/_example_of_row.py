"""To which example does each row of an inner tensor belong?

The derivative of one example's outputs reaches the rows of this example and no others. So the examples
are *marked*: their outputs are pulled back once as they are and once times a number that each example has
for itself. Every row then tells its example by the ratio. Nothing is assumed of how a module sorts, routes
or merges its rows, and rows that several examples share are noticed.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from lazyscope.torch.kernel._example_axis import Layout, Rows

Owners = Layout | Rows

_EXPONENTS = 31
_SIGNED = 2 * _EXPONENTS
_FRACTIONS = 64
_OWN = 1000.0
"""Rounding of an example's own rows that is allowed, in units of the precision."""
_OTHER = 50.0
"""The same for rows that are nothing but rounding, relative to the largest signals anywhere."""


class Marks(NamedTuple):
    """Numbers (n,) for each pass; the numbers of one example in all passes are its own.

    Powers of two of either sign as long as they suffice: these change no rounding.
    """

    passes: tuple[torch.Tensor, ...]
    digits: tuple[torch.Tensor, ...]
    values: torch.Tensor


def make_marks(num_examples: int, like: torch.Tensor, precision: float) -> Marks:
    """Marks of the device of a tensor, told apart where sums are rounded to `precision`."""
    fine = _FRACTIONS if precision < 1e-5 else 1
    places = max(1, math.ceil(math.log(num_examples, _SIGNED * fine) - 1e-9))
    fractions = 1 if places > 1 else math.ceil(num_examples / _SIGNED)
    fractions = fine if places > 1 else fractions
    base = _SIGNED * fractions
    codes = np.arange(base)
    signs, powers, parts = codes % 2, codes // 2 % _EXPONENTS, codes // _SIGNED
    values = np.where(signs == 1, -1.0, 1.0) * 2.0 ** (powers - _EXPONENTS // 2)
    values = torch.as_tensor(values * (1 + parts / fractions), device=like.device)
    numbers = np.random.default_rng(0).permutation(base**places)[:num_examples] if (
        base**places <= 2**20
    ) else np.arange(num_examples)  # fmt: skip
    digits = tuple(
        torch.as_tensor(numbers // base**k % base, device=like.device) for k in range(places)
    )
    return Marks(tuple(values[digit] for digit in digits), digits, values)


class Noise(NamedTuple):
    """Rounding: relative to an example's own signals, and of signals that vanish but for rounding."""

    own: float
    other: float


def noise(precision: float, largest: float) -> Noise:
    """What is put down to rounding, given the largest signal at any place."""
    return Noise(min(_OWN * precision, 0.1), _OTHER * precision * largest)


def find_owners(
    plain: torch.Tensor,
    marked: Sequence[torch.Tensor],
    marks: Marks,
    axes: Sequence[int],
    num_axes: int,
    allowed: Noise,
) -> Owners | None:
    """Owners of the rows over the leading `num_axes` axes; one of `axes` in order where that explains it.

    None where a row is shared by several examples.
    """
    n = len(marks.passes[0])
    for axis in axes:
        size = plain.shape[axis]
        if size == 0 or size % n:
            continue
        for major in (True, False) if n < size else (True,):
            layout = Layout(axis, major)
            if all(
                _agrees(layout.by_example(plain, n), layout.by_example(each, n), weights, allowed)
                for each, weights in zip(marked, marks.passes, strict=True)
            ):
                return layout
    return _decoded(plain, marked, marks, num_axes, allowed)


def _agrees(
    plain: torch.Tensor, marked: torch.Tensor, weights: torch.Tensor, allowed: Noise
) -> bool:
    """Whether every part along the first axis is as often in the marked tensor as its weight says."""
    if plain.numel() == 0:
        return True
    scale = weights.to(plain.dtype).reshape(-1, *[1] * (plain.dim() - 1))
    gap = (marked - plain * scale).abs().flatten(1).amax(1)
    bound = plain.abs().flatten(1).amax(1) * allowed.own + allowed.other
    return bool((gap <= bound * scale.flatten().abs()).all())


def _decoded(
    plain: torch.Tensor,
    marked: Sequence[torch.Tensor],
    marks: Marks,
    num_axes: int,
    allowed: Noise,
) -> Rows | None:
    """Owners by the ratio at the largest entry of each row, if all entries have this ratio."""
    count = math.prod(plain.shape[:num_axes])
    flat = plain.reshape(count, -1)
    if count == 0 or flat.shape[1] == 0:
        return Rows(torch.full((count,), -1, device=plain.device))
    place = flat.abs().argmax(1, keepdim=True)
    largest = flat.gather(1, place)[:, 0]
    sizes = largest.abs()
    code = torch.zeros(count, dtype=torch.long, device=plain.device)
    right = torch.ones(count, dtype=torch.bool, device=plain.device)
    base = len(marks.values)
    order = marks.values.argsort()
    values = marks.values[order]
    for k, tensor in enumerate(marked):
        entries = tensor.reshape(count, -1)
        ratio = entries.gather(1, place)[:, 0].double() / largest.double()
        above = torch.searchsorted(values, ratio).clamp(1, base - 1)
        nearer = (ratio - values[above - 1]).abs() < (values[above] - ratio).abs()
        digit = order[torch.where(nearer, above - 1, above)]
        weight = marks.values[digit].to(flat.dtype)
        gap = (entries - flat * weight[:, None]).abs().amax(1)
        right &= gap <= (sizes * allowed.own + allowed.other) * weight.abs()
        code += digit * base**k
    owner = _example_of(code, marks)
    vain = sizes <= allowed.other
    right &= owner >= 0
    if bool((~right & ~vain).any()) or not bool(torch.isfinite(sizes).all()):
        return None
    return Rows(owner.masked_fill(~right | (sizes == 0), -1))


def _example_of(code: torch.Tensor, marks: Marks) -> torch.Tensor:
    """Number of the example with a code, -1 where none has it."""
    base = len(marks.values)
    known = torch.stack([digit * base**k for k, digit in enumerate(marks.digits)]).sum(0)
    order = known.argsort()
    place = torch.searchsorted(known[order], code).clamp(max=len(known) - 1)
    found = order[place]
    return torch.where(known[found] == code, found, -1)
