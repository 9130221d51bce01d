"""Which functions does a module call with which numbers, and which of these depend on its width?

A factor such as 1/sqrt(m) in front of an array belongs to the array: a proxy keeps the wide network's, so
that its entries mean the same. Such factors are found by comparing the calls of both widths, one by one. A
number that divides a sum over units without weights (a mean) belongs to the sum and stays the proxy's own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import numpy as np
import torch

from lazyscope.torch.uses import AbstractWatcher

Factors = Mapping[int, tuple[int, float]]
"""Numbers to put in place of arguments, by the number of the call: (place of the argument, number)."""

_FACTORS = frozenset(
    {
        "mul", "multiply", "__mul__", "__rmul__", "__imul__", "mul_",
        "div", "divide", "true_divide", "__truediv__", "__rtruediv__", "__itruediv__", "div_",
    }
)  # fmt: skip
_TOTALS = frozenset({"sum", "norm", "vector_norm"})
_SAME = 1e-12


class Call(NamedTuple):
    """One function that a forward pass calls.

    Attributes:
        name: of the function.
        told: its arguments that are no tensors, and the axes of those that are.
        factor: place and value of the number in a product or quotient.
        total: whether the other side of it was summed.
        head_size: units of a head over which PyTorch's attention sums products of units.
    """

    name: str
    told: str
    factor: tuple[int, float] | None
    total: bool
    head_size: int | None


def calls_of(module: torch.nn.Module, x: torch.Tensor) -> tuple[Call, ...]:
    """What a forward pass calls."""
    watcher = _Calls({})
    with torch.no_grad(), watcher:
        module(x.clone())
    return tuple(watcher.calls)


def factors_between(
    narrow: Sequence[Call], wide: Sequence[Call]
) -> tuple[Factors, tuple[str, ...]]:
    """Factors of the wide network for the calls of the narrow one, and sentences on what is not compared."""
    if [each.name for each in narrow] != [each.name for each in wide]:
        told = f"{len(narrow)} and {len(wide)} calls"
        note = (
            f"Modules call other functions at the two widths ({told}), so constants inside of them were not "
            "compared, only sizes at the start."
        )
        return {}, (note,)
    found, notes = {}, []
    for number, (mine, theirs) in enumerate(zip(narrow, wide, strict=True)):
        if mine.head_size != theirs.head_size:
            notes.append(
                f"Heads of attention have {mine.head_size} units when narrow and {theirs.head_size} when "
                "wide, over which scores sum: approximate, unless their number grows in place of their size."
            )
        if mine.factor is None or theirs.factor is None or mine.total:
            continue
        place, value = mine.factor
        if abs(value - theirs.factor[1]) > _SAME * abs(value):
            found[number] = (place, theirs.factor[1])
    return found, tuple(dict.fromkeys(notes))


def with_factors(factors: Factors) -> AbstractWatcher:
    """Inside, calls of one forward pass have other factors."""
    return _Calls(factors)


@final
class _Calls(AbstractWatcher):
    """Keeps all calls of one forward pass, and puts other factors in."""

    def __init__(self, factors: Factors) -> None:
        super().__init__(_Everything())
        self._factors = factors
        self._totals: list[torch.Tensor] = []  # held on to, so that none is taken for another
        self.calls: list[Call] = []

    def watch(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Call the function."""
        name = getattr(func, "__name__", "")
        factor = _factor(args) if name in _FACTORS else None
        total = any(one is each for one in args for each in self._totals)
        told = f"{[_told(each) for each in args]} {[(k, _told(v)) for k, v in kwargs.items()]}"
        if len(self.calls) in self._factors:
            place, value = self._factors[len(self.calls)]
            args = (*args[:place], value, *args[place + 1 :])
        self.calls.append(Call(name, told, factor, total, _head_size(name, args, kwargs)))
        out = func(*args, **kwargs)
        if (name in _TOTALS or total) and isinstance(out, torch.Tensor):
            self._totals.append(out)
        return out


@final
class _Everything:
    """Functions of PyTorch are seen as they are called, not what they call in turn."""

    def __contains__(self, func: Any) -> bool:
        return True


def _head_size(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int | None:
    """Units of a head of PyTorch's attention; None of other functions."""
    if name == "scaled_dot_product_attention":
        query = args[0] if args else kwargs["query"]
        return int(query.shape[-1])
    if name == "multi_head_attention_forward":
        names = ("query", "key", "value", "embed_dim_to_check", "num_heads")
        told: dict[str, Any] = {**dict(zip(names, args, strict=False)), **kwargs}
        return told["embed_dim_to_check"] // told["num_heads"]
    return None


def _factor(args: Sequence[Any]) -> tuple[int, float] | None:
    for place, each in enumerate(args):
        if isinstance(each, int | float | np.number) and not isinstance(each, bool):
            return place, float(each)
    return None


def _told(value: Any) -> Any:
    """An argument in words that hold no address and no entries of large tensors."""
    if isinstance(value, torch.Tensor):
        return f"{value.dtype}{value.dim()}"
    if isinstance(value, list | tuple):
        return [_told(each) for each in value]
    return (
        f"{value!r:.80}"
        if isinstance(value, str | int | float | type(None))
        else type(value).__name__
    )
