"""In which ways do parameters meet data, and what does each keep of the forward pass?

Three kinds of uses are recognised. A *product* is ``out[s, b, o] = sum_i data[s, b, i] W[b, o, i]`` with
any leading axes s: dense layers, convolutions on patches, weights per head. A *lookup* is the same with
one-hot data kept as row numbers. A *direct* use adds an array to data or multiplies data by it.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch.autograd.graph import GradientEdge
from torch.nn import functional

from lazyscope.torch.uses._views import View

Arrange = Callable[[torch.Tensor], torch.Tensor]


class Use(NamedTuple):
    """One place at which a view of a parameter meets data.

    Attributes:
        kind: ``dense``, ``convolution``, ``embedding``, ``shift`` or ``scale``.
        view: the entries that are used.
        order: how the entries are arranged as (b, o, i); equal words mean equal arrangements.
        sizes: (b, o, i), or the shape of a direct use.
        arrange: brings the entries into that order.
        carrier: a tensor of the forward pass that shows where the examples lie.
        num_axes: the leading axes of the carrier among which the examples are looked for.
        offset: leading axes that the signal has before those of the carrier.
        data: (s..., b, i) of a product from the carrier, rows (s...) of a lookup.
        signal: the backward signal as (s..., b, o); for a direct use the product with the data.
        version: of the carrier, which tells whether it was overwritten.
    """

    kind: str
    view: View
    order: str
    sizes: tuple[int, ...]
    arrange: Arrange
    carrier: torch.Tensor
    num_axes: int
    offset: int
    data: Arrange
    signal: Arrange
    version: int

    @property
    def direct(self) -> bool:
        """Whether the gradient has the size of the array itself."""
        return self.kind in ("shift", "scale")

    @property
    def lookup(self) -> bool:
        """Whether the data are row numbers."""
        return self.kind == "embedding"

    def aligned(self, num_axes: int) -> list[int]:
        """The shape of a direct use, with ones before it up to the axes of the result."""
        return [1] * (num_axes - len(self.sizes)) + list(self.sizes)

    def summed_axes(self, num_axes: int) -> list[int]:
        """Axes of the result along which one entry is used everywhere."""
        return [axis for axis, size in enumerate(self.aligned(num_axes)) if size == 1]

    def row_axes(self, num_axes: int) -> int:
        """Leading axes of the result over which rows are told apart."""
        return num_axes - (num_axes > 0 and self.aligned(num_axes)[-1] != 1)


class Placed(NamedTuple):
    """A use, the edge of the graph at which its backward signal arrives, and the signal's entries."""

    use: Use
    edge: GradientEdge
    size: int


def _same(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def product_use(
    view: View,
    order: str,
    arrange: Arrange,
    sizes: tuple[int, int, int],
    data: torch.Tensor,
    signal: Arrange,
) -> Use:
    """A matrix product whose data (s..., b, i) are a view of what the forward pass holds."""
    return Use(
        "dense", view, order, sizes, arrange, data, data.dim() - 2, 0, _same, signal, data._version
    )


def linear_use(view: View, x: torch.Tensor) -> Use | None:
    """``x @ W.T`` with W (o, i)."""
    if len(view.shape) != 2 or x.dim() < 1:
        return None
    x = torch.atleast_2d(x)
    sizes = (1, *view.shape)
    return product_use(
        view,
        "oi",
        lambda entries: entries[None],
        sizes,
        x.detach().unsqueeze(-2),
        lambda g: torch.atleast_2d(g).unsqueeze(-2),
    )


def right_factor_use(view: View, x: torch.Tensor) -> Use | None:
    """``x @ W`` with W (i, o), (i,), or (b, i, o) with one matrix for each of x's last stack."""
    x, shape = x.detach(), view.shape
    if len(shape) == 1 and x.dim() >= 1:
        return product_use(
            view, "oi", lambda e: e[None, None], (1, 1, shape[0]), torch.atleast_2d(x).unsqueeze(-2),
            lambda g: torch.atleast_1d(g)[..., None, None],
        )  # fmt: skip
    if len(shape) == 2 and x.dim() >= 1:
        return product_use(
            view, "io", lambda e: e.T[None], (1, shape[1], shape[0]), torch.atleast_2d(x).unsqueeze(-2),
            lambda g: torch.atleast_2d(g).unsqueeze(-2),
        )  # fmt: skip
    if len(shape) == 3 and x.dim() >= 3 and x.shape[-3] == shape[0]:
        return product_use(
            view, "bio", lambda e: e.mT, (shape[0], shape[2], shape[1]), x.transpose(-3, -2),
            lambda g: g.transpose(-3, -2),
        )  # fmt: skip
    return None


def left_factor_use(view: View, x: torch.Tensor) -> Use | None:
    """``W @ x`` with W (o, i) and x (i,) or (..., i, positions)."""
    if len(view.shape) == 2 and x.dim() == 1:
        return linear_use(view, x)
    if len(view.shape) != 2 or x.dim() < 2:
        return None
    return product_use(
        view, "oi", lambda e: e[None], (1, *view.shape), x.detach().mT.unsqueeze(-2),
        lambda g: g.mT.unsqueeze(-2),
    )  # fmt: skip


def lookup_use(view: View, rows: torch.Tensor, padding: int | None) -> Use | None:
    """Rows of a table (i, o); the gradient of the padding row is held at zero."""
    if len(view.shape) != 2:
        return None
    rows = torch.atleast_1d(rows)
    num_rows, num_columns = view.shape
    unused = None if padding is None else padding % num_rows

    def data(rows: torch.Tensor) -> torch.Tensor:
        return rows if unused is None else rows.masked_fill(rows == unused, -1)

    return Use(
        "embedding", view, "io", (1, num_columns, num_rows), lambda e: e.T[None],
        rows, rows.dim(), 0, data, lambda g: torch.atleast_2d(g).unsqueeze(-2), rows._version,
    )  # fmt: skip


class ConvolutionShape(NamedTuple):
    """Stride, padding and dilation along two axes, and the number of groups."""

    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    dilation: tuple[int, int]
    groups: int


def convolution_use(view: View, x: torch.Tensor, shape: ConvolutionShape) -> Use | None:
    """A convolution in one or two dimensions, as a product on patches."""
    one = len(view.shape) == 3
    if len(view.shape) not in (3, 4) or x.dim() != len(view.shape):
        return None
    kernel = (1, view.shape[2]) if one else view.shape[2:]
    groups, outputs = shape.groups, view.shape[0] // shape.groups
    inputs = math.prod(view.shape[1:])

    def patches(x: torch.Tensor) -> torch.Tensor:
        image = x.unsqueeze(-2) if one else x
        (top, bottom), (left, right) = shape.padding
        image = functional.pad(image, (left, right, top, bottom))
        columns = functional.unfold(image, kernel, shape.dilation, 0, shape.stride)
        return columns.reshape(len(x), groups, inputs, -1).permute(0, 3, 1, 2)

    def signal(g: torch.Tensor) -> torch.Tensor:
        return g.reshape(len(g), groups, outputs, -1).permute(0, 3, 1, 2)

    x = x.detach()
    return Use(
        "convolution", view, "oi", (groups, outputs, inputs),
        lambda e: e.reshape(groups, outputs, inputs), x, 1, 0, patches, signal, x._version,
    )  # fmt: skip


def shift_use(view: View, other: torch.Tensor, num_axes: int) -> Use:
    """``other + b`` with broadcasting; `num_axes` of the sum."""
    other = other.detach()
    return Use(
        "shift", view, "", view.shape, _same, other, other.dim(), num_axes - other.dim(),
        _same, _same, other._version,
    )  # fmt: skip


def scale_use(view: View, other: torch.Tensor, num_axes: int, data: Arrange = _same) -> Use:
    """``data(other) * a`` with broadcasting; ``data`` keeps the shape."""
    other = other.detach()
    return Use(
        "scale", view, "", view.shape, _same, other, other.dim(), num_axes - other.dim(),
        data, lambda g: g * data(other), other._version,
    )  # fmt: skip


def channel_view(view: View, num_axes: int, axis: int = 1) -> View:
    """A vector of channels as it meets a tensor with `num_axes` axes."""
    shape = [1] * num_axes
    shape[axis] = view.shape[0]
    entries = None if view.entries is None else view.entries.reshape(shape)
    return View(view.parameter, tuple(shape), entries, view.scale)


def as_pair(value: int | Sequence[int], one: bool) -> tuple[int, int]:
    """A setting of a convolution along two axes; in one dimension the first axis is idle."""
    sizes = (value,) if isinstance(value, int) else tuple(value)
    if one:
        return (1, sizes[0])
    return (sizes[0], sizes[-1])


def as_padding(
    value: Any, kernel: Sequence[int], dilation: tuple[int, int], one: bool
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Padding before and after, along two axes."""
    if value == "valid":
        return ((0, 0), (0, 0))
    if value == "same":
        sizes = (1, kernel[-1]) if one else tuple(kernel)
        total = [d * (k - 1) for d, k in zip(dilation, sizes, strict=True)]
        return (
            (total[0] // 2, total[0] - total[0] // 2),
            (total[1] // 2, total[1] - total[1] // 2),
        )
    sizes = (value,) if isinstance(value, int) else tuple(value)
    first, last = (0, sizes[0]) if one else (sizes[0], sizes[-1])
    return ((first, first), (last, last))
