"""Which rectified units of a module are on?"""

from typing import Any, final

import torch
from torch.nn import functional

from lazyscope.torch.uses._watcher import AbstractWatcher

_RECTIFIERS = {
    torch.relu,
    torch.relu_,
    torch.Tensor.relu,
    torch.Tensor.relu_,
    torch.prelu,
    torch.Tensor.prelu,
}
_RECTIFIERS |= {functional.leaky_relu, functional.leaky_relu_}
_CLAMPS = {
    torch.clamp,
    torch.clamp_,
    torch.Tensor.clamp,
    torch.Tensor.clamp_,
    torch.clip,
    torch.Tensor.clip,
}
_CLAMPS |= {torch.clamp_min, torch.clamp_min_, torch.Tensor.clamp_min, torch.Tensor.clamp_min_}
_MAXIMA = {torch.maximum, torch.Tensor.maximum}


@final
class PatternWatcher(AbstractWatcher):
    """Keeps where the inputs of rectifiers are above zero, in the order of the forward pass.

    Rectifiers are ReLU and leaky ReLU as module, function or method, in place or not, PReLU, and the
    larger of x and zero. Those of data that no parameter has touched do not count.
    """

    def __init__(self) -> None:
        super().__init__(_RECTIFIERS)
        self.patterns: list[torch.Tensor] = []

    def watch(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Keep the pattern of a rectifier, and call it."""
        data = _rectified(func, args, kwargs)
        if data is not None and data.requires_grad:
            self.patterns.append(data.detach() > 0)
        return func(*args, **kwargs)


def _rectified(func: Any, args: Any, kwargs: Any) -> torch.Tensor | None:
    """What a rectifier is applied to; None for any other function."""
    if func in _RECTIFIERS:
        return args[0] if args else kwargs.get("input")
    if func in _CLAMPS and args:
        low = args[1] if len(args) > 1 else kwargs.get("min")
        return args[0] if _is_zero(low) else None
    if func in _MAXIMA and len(args) == 2:
        for data, other in (args, args[::-1]):
            if _is_zero(other):
                return data
    return None


def _is_zero(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return not value.requires_grad and not bool(value.any())
    return isinstance(value, int | float) and value == 0


def share_flipped(before: list[torch.Tensor], after: list[torch.Tensor]) -> float:
    """Share of units, over all rectifiers and examples, that are on in one and off in the other; or NaN."""
    if not before or [p.shape for p in before] != [p.shape for p in after]:
        return float("nan")
    flips = sum(int((one != two).sum()) for one, two in zip(before, after, strict=True))
    return flips / sum(pattern.numel() for pattern in before)
