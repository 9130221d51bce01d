"""Which parameters of a module feed its output last?"""

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch

from lazyscope._trace import Feed, Feeds, Ledger, Meeting, together, with_axes
from lazyscope.torch._question import Question, call
from lazyscope.torch.state._restore import state_restored
from lazyscope.torch.uses._tensors import tensors_in
from lazyscope.torch.uses._watcher import AbstractWatcher

_CONTRACTIONS = frozenset(
    {
        "matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "dot", "inner", "vdot", "vecdot", "einsum",
        "tensordot", "addmv", "chain_matmul", "multi_dot",
    }
)  # fmt: skip
_LAYERS = frozenset(
    {
        "linear", "bilinear", "addmm", "addbmm", "baddbmm", "embedding", "embedding_bag", "conv1d",
        "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution",
    }
)  # fmt: skip
"""Contractions with a matrix, and a vector that is added; or rows of a matrix picked by data."""
_PRODUCTS = frozenset(
    {
        "mul", "multiply", "__mul__", "__rmul__", "__imul__", "mul_", "div", "divide", "true_divide",
        "__truediv__", "__rtruediv__", "__itruediv__", "div_", "outer", "ger", "kron", "prod",
        "__getitem__", "index_select", "gather", "take", "take_along_dim", "addcmul", "addcdiv",
    }
)  # fmt: skip
_SUMS = frozenset(
    {
        "add", "__add__", "__radd__", "__iadd__", "add_", "sub", "subtract", "__sub__", "__rsub__",
        "__isub__", "sub_", "rsub", "cat", "concat", "concatenate", "stack", "hstack", "vstack",
        "dstack", "where", "maximum", "minimum", "index_add", "index_add_", "scatter", "scatter_",
        "scatter_add", "scatter_add_", "index_copy", "index_copy_", "index_put", "index_put_", "copy_",
        "__setitem__", "masked_fill", "masked_fill_", "masked_scatter", "masked_scatter_", "lerp",
        "layer_norm", "group_norm", "batch_norm", "instance_norm", "rms_norm", "prelu", "expand_as",
        "view_as", "reshape_as", "type_as", "to", "broadcast_tensors",
    }
)  # fmt: skip
_TOTALS = frozenset({"sum", "mean", "nansum", "nanmean"})


def feeds_of(question: Question, growing: Mapping[int, Sequence[int]]) -> Feeds:
    """Follow a module on some examples from data to output; `growing` has axes by numbers of parameters."""
    watcher = _Follower(question, growing)
    with state_restored(question.module), watcher:
        out = call(question.module, watcher.x)
    return watcher.close(out)


@final
class _Follower(AbstractWatcher):
    """Keeps a `Feed` for every tensor of a forward pass."""

    def __init__(self, question: Question, growing: Mapping[int, Sequence[int]]) -> None:
        super().__init__(())
        self._growing = frozenset(growing)
        self._ledger = Ledger([tuple(p.shape) for p in question.parameters], growing)
        self.x = question.x1[:2].clone()
        # Tensors are held on to, so that no number is given twice.
        self._feeds: dict[int, tuple[torch.Tensor, Feed]] = {id(self.x): (self.x, Feed(data=True))}
        for k, p in enumerate(question.parameters):
            self._feeds[id(p)] = (p, Feed(own=frozenset({(k, p.dim())})))

    def watch(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Call the function, and say what its results are made of."""
        tensors = list(tensors_in((args, kwargs)))
        feeds = [self._find(each) for each in tensors]
        out = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        results = list(tensors_in(out))
        changed = tensors[:1] if _in_place(name) else []
        if "out" in kwargs:
            changed = list(tensors_in(kwargs["out"]))
        if results or changed:
            found = self._ledger.meet(feeds, _meeting(name, feeds))
            if name in _TOTALS and tensors and results:
                lost = [n for n in tensors[0].shape if n not in results[0].shape]
                found = self._ledger.summed(found, lost)
            if results:
                before = [tuple(each.shape) for each in tensors]
                found = self._ledger.pool(feeds, found, before, tuple(results[0].shape))
            for each in (*results, *changed):
                self._keep(each, found)
            for each in changed:
                if each._base is not None:
                    self._keep(each._base, together([self._find(each._base), found]))
        return out

    def _find(self, tensor: torch.Tensor) -> Feed:
        """What is known of a tensor; a part of the graph that was made out of sight may be anything."""
        if id(tensor) in self._feeds:
            return self._feeds[id(tensor)][1]
        if tensor.grad_fn is None:
            return Feed()
        return Feed(data=True, last=self._growing, before=self._growing, entangled=True)

    def _keep(self, tensor: torch.Tensor, feed: Feed) -> None:
        real = tensor.is_floating_point() or tensor.is_complex()
        kept = with_axes(feed, tensor.dim()) if real else Feed(feed.data)
        self._feeds[id(tensor)] = (tensor, kept)

    def close(self, out: torch.Tensor) -> Feeds:
        """What is known of the output."""
        return self._ledger.close(self._find(out))


def _meeting(name: str, feeds: list[Feed]) -> Meeting:
    if name in _CONTRACTIONS:
        return "contraction"
    if name in _LAYERS or name in _PRODUCTS:
        return "product"
    if name in _SUMS or sum(feed.data or bool(feed.own) for feed in feeds) <= 1:
        return "sum"
    return "other"


def _in_place(name: str) -> bool:
    inside = name.startswith("__i") and name.endswith("__") and name != "__invert__"
    return inside or name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
