"""Which functions of PyTorch are recognised where a parameter meets data?

Each rule has the signature of its function. It names the uses that it explains; a view of a parameter
that no use accounts for makes its parameter fall back to a Jacobian.
"""

import inspect
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch.nn import functional

from lazyscope.torch.uses._uses import (
    ConvolutionShape,
    Use,
    as_padding,
    as_pair,
    channel_view,
    convolution_use,
    left_factor_use,
    linear_use,
    lookup_use,
    right_factor_use,
    scale_use,
    shift_use,
)
from lazyscope.torch.uses._views import View


class Finder(Protocol):
    """Tells the view of a parameter that a tensor is, if it is one."""

    def __call__(self, tensor: Any) -> View | None:
        """The view, or None."""
        ...


Uses = list[Use | None]


def _linear(find: Finder, out: Any, input: Any, weight: Any, bias: Any = None) -> Uses:  # noqa: A002
    uses: Uses = []
    if (view := find(weight)) is not None:
        uses.append(linear_use(view, input))
    if (view := find(bias)) is not None:
        uses.append(shift_use(view, input, out.dim()))
    return uses


def _matmul(find: Finder, out: Any, input: Any, other: Any) -> Uses:  # noqa: A002
    left, right = find(input), find(other)
    if left is not None and right is not None:
        return []
    if right is not None:
        return [right_factor_use(right, input)]
    return [] if left is None else [left_factor_use(left, other)]


def _reflected_matmul(find: Finder, out: Any, input: Any, other: Any) -> Uses:  # noqa: A002
    return _matmul(find, out, other, input)


def _addmm(
    find: Finder, out: Any, input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1  # noqa: A002
) -> Uses:  # fmt: skip
    if beta != 1 or alpha != 1:
        return []
    uses = _matmul(find, out, mat1, mat2)
    if (view := find(input)) is not None:
        uses.append(shift_use(view, mat1, out.dim()))
    return uses


def _convolution(
    find: Finder,
    out: Any,
    input: Any,  # noqa: A002
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Uses:
    one, uses = weight.dim() == 3, []
    if (view := find(weight)) is not None:
        dilations = as_pair(dilation, one)
        around = as_padding(padding, weight.shape[2:], dilations, one)
        shape = ConvolutionShape(as_pair(stride, one), around, dilations, groups)
        uses.append(convolution_use(view, input, shape))
    if (view := find(bias)) is not None and out.dim() == weight.dim():
        uses.append(shift_use(channel_view(view, out.dim()), input, out.dim()))
    return uses


def _embedding(
    find: Finder,
    out: Any,
    input: Any,  # noqa: A002
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Uses:
    view = find(weight)
    if view is None or max_norm is not None or scale_grad_by_freq:
        return []
    return [lookup_use(view, input, padding_idx)]


def _add(find: Finder, out: Any, input: Any, other: Any, *, alpha: Any = 1) -> Uses:  # noqa: A002
    left, right = find(input), find(other)
    if left is not None and right is not None:
        return []
    if left is not None:
        return [shift_use(left, other, out.dim())] if isinstance(other, torch.Tensor) else []
    if right is None or alpha != 1:
        return []
    return [shift_use(right, input, out.dim())]


def _subtract(find: Finder, out: Any, input: Any, other: Any, *, alpha: Any = 1) -> Uses:  # noqa: A002
    right = find(other)
    if right is None:
        return _add(find, out, input, other)
    if find(input) is not None or alpha != 1:
        return []
    return [shift_use(right._replace(scale=-right.scale), input, out.dim())]


def _multiply(find: Finder, out: Any, input: Any, other: Any) -> Uses:  # noqa: A002
    left, right = find(input), find(other)
    if left is not None and right is not None:
        return []
    view, data = (left, other) if left is not None else (right, input)
    if view is None or not isinstance(data, torch.Tensor):
        return []
    return [scale_use(view, data, out.dim())]


def _normalisation(function: Callable[..., torch.Tensor], *, channels: bool = False) -> "Rule":
    """A norm: scales and shifts of what it makes of the data without them, of channels or of last axes."""
    names = list(inspect.signature(function).parameters)

    def rule(find: Finder, out: Any, *args: Any, **kwargs: Any) -> Uses:
        given = dict(zip(names, args, strict=False)) | kwargs
        x, weight, bias = (given.pop(name, None) for name in ("input", "weight", "bias"))
        if given.get("training") or any(given.get(name, 0) is None for name in _RUNNING):
            return []  # statistics of the batch
        held = {n: v.clone() if isinstance(v, torch.Tensor) else v for n, v in given.items()}
        scale, shift = find(weight), find(bias)
        if channels:
            scale = None if scale is None else channel_view(scale, x.dim())
            shift = None if shift is None else channel_view(shift, x.dim())
        uses: Uses = []
        if scale is not None:
            uses.append(scale_use(scale, x, x.dim(), lambda x: function(x, **held)))
        if shift is not None:
            uses.append(shift_use(shift, x, x.dim()))
        return uses

    return rule


_RUNNING = ("running_mean", "running_var")
Rule = Callable[..., Uses]
_T = torch.Tensor

RULES: dict[Any, Rule] = {
    functional.linear: _linear,
    functional.conv1d: _convolution,
    functional.conv2d: _convolution,
    functional.embedding: _embedding,
    functional.layer_norm: _normalisation(functional.layer_norm),
    functional.group_norm: _normalisation(functional.group_norm, channels=True),
    functional.batch_norm: _normalisation(functional.batch_norm, channels=True),
    torch.addmm: _addmm,
    _T.addmm: _addmm,
    _T.__rmatmul__: _reflected_matmul,
}
RULES |= dict.fromkeys(
    (torch.matmul, torch.mm, torch.bmm, torch.mv, _T.matmul, _T.mm, _T.bmm, _T.mv, _T.__matmul__),
    _matmul,
)
RULES |= dict.fromkeys((torch.add, _T.add, _T.add_, _T.__add__, _T.__iadd__, _T.__radd__), _add)
RULES |= dict.fromkeys((torch.sub, torch.subtract, _T.sub, _T.__sub__), _subtract)
RULES |= dict.fromkeys((torch.mul, torch.multiply, _T.mul, _T.__mul__, _T.__rmul__), _multiply)
if hasattr(functional, "rms_norm"):
    RULES[functional.rms_norm] = _normalisation(functional.rms_norm)
