"""What goes into the softmaxes of a module, and which of its arrays write what is multiplied there?"""

from collections.abc import Sequence
from typing import Any, NamedTuple, final

import torch

from lazyscope.torch.uses import AbstractWatcher
from lazyscope.torch.uses._tensors import tensors_in

_MATMULS = frozenset({"matmul", "bmm", "__matmul__", "__rmatmul__", "baddbmm"})
_WEIGHING = _MATMULS | {"linear", "embedding", "addmm", "conv1d", "conv2d", "conv3d", "mm"}
_NONLINEAR = frozenset(
    {
        "softmax", "log_softmax", "relu", "relu_", "gelu", "silu", "silu_", "tanh", "sigmoid", "exp",
        "scaled_dot_product_attention", "softplus", "elu", "leaky_relu", "__pow__", "pow", "square",
    }
)  # fmt: skip
_MASKED = -1e4
"""What is below was put there by a mask."""

_Arrays = frozenset[int]


class Inner(NamedTuple):
    """Products of data with data, as attention makes them.

    Attributes:
        scores: what goes into every softmax, in the order of the pass; masked entries are NaN.
        products: for every product of data with data the length that it sums over, and the numbers of
            the arrays that alone wrote its factors.
    """

    scores: tuple[torch.Tensor, ...]
    products: tuple[tuple[int, _Arrays], ...]


def inner_of(module: torch.nn.Module, parameters: Sequence[torch.Tensor], x: torch.Tensor) -> Inner:
    """Watch one forward pass."""
    watcher = _Inner(parameters)
    with torch.no_grad(), watcher:
        module(x.clone())
    return Inner(tuple(watcher.scores), tuple(watcher.products))


@final
class _Inner(AbstractWatcher):
    """Follows which arrays a tensor is a linear image of, until it meets something else."""

    def __init__(self, parameters: Sequence[torch.Tensor]) -> None:
        super().__init__(())
        # Tensors are held on to, so that no number is given twice.
        self._weights: dict[int, tuple[torch.Tensor, _Arrays]] = {
            id(p): (p, frozenset({k})) for k, p in enumerate(parameters)
        }
        self._made: dict[int, tuple[torch.Tensor, _Arrays]] = {}
        self.scores: list[torch.Tensor] = []
        self.products: list[tuple[int, _Arrays]] = []

    def watch(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Call the function, and keep what is asked for."""
        name = getattr(func, "__name__", "")
        given = list(tensors_in((args, kwargs)))
        weights = frozenset[int]().union(*(self._weight(each) for each in given))
        data = [each for each in given if not self._weight(each) and each.is_floating_point()]
        if name == "softmax" and data:
            self._score(data[0])
        if name == "scaled_dot_product_attention":
            self._attend(*args, **kwargs)
        if name in _MATMULS and not weights and len(data) == 2:
            self._product(data[0].shape[-1], data)
        out = func(*args, **kwargs)
        results = [each for each in tensors_in(out) if each.is_floating_point()]
        if weights and not any(self._is_data(each) for each in given):
            where, tag = self._weights, weights
        elif weights and name in _WEIGHING:
            where, tag = self._made, weights
        else:
            where, tag = self._made, frozenset() if name in _NONLINEAR else self._common(data)
        for each in results:
            where[id(each)] = (each, tag)
        return out

    def _weight(self, tensor: torch.Tensor) -> _Arrays:
        known = self._weights.get(id(tensor))
        return known[1] if known is not None else frozenset()

    def _is_data(self, tensor: torch.Tensor) -> bool:
        whole = not tensor.is_floating_point()
        return not self._weight(tensor) and (id(tensor) in self._made or whole or tensor.dim() > 1)

    def _common(self, data: Sequence[torch.Tensor]) -> _Arrays:
        """The arrays that wrote all of them; what no array wrote (rotations) changes nothing."""
        found = {self._made[id(each)][1] for each in data if id(each) in self._made}
        return found.pop() if len(found) == 1 else frozenset()

    def _product(self, length: int, factors: Sequence[torch.Tensor]) -> None:
        made = (self._made.get(id(each), (each, frozenset[int]()))[1] for each in factors)
        self.products.append((int(length), frozenset[int]().union(*made)))

    def _attend(self, query: Any, key: Any, *rest: Any, **kwargs: Any) -> None:
        """The product that PyTorch's attention makes out of sight."""
        scale = kwargs.get("scale") or query.shape[-1] ** -0.5
        self._product(query.shape[-1], (query, key))
        if query.dim() == key.dim() and query.shape[-3] != key.shape[-3]:
            key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
        scores = query @ key.mT * scale
        if kwargs.get("is_causal"):
            above = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(above.to(scores.device), -torch.inf)
        self._score(scores)

    def _score(self, scores: torch.Tensor) -> None:
        kept = scores.detach()
        seen = torch.isfinite(kept) & (kept > _MASKED)
        self.scores.append(torch.where(seen, kept, torch.full_like(kept, torch.nan)))
