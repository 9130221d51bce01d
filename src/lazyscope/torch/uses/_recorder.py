"""What does one forward pass of a module do with its parameters?"""

from collections.abc import Sequence
from typing import Any, final

import torch
from torch.autograd.graph import get_gradient_edge
from torch.nn import functional

from lazyscope.torch._refusals import check_function, takes_batch_statistics, wrong_precision
from lazyscope.torch.uses._rules import RULES
from lazyscope.torch.uses._tensors import tensors_in
from lazyscope.torch.uses._uses import Placed, Use
from lazyscope.torch.uses._views import View, derived_views, looked_up
from lazyscope.torch.uses._watched_graph import WatchedGraph
from lazyscope.torch.uses._watcher import AbstractWatcher


@final
class Recorder(AbstractWatcher):
    """Watches every function of PyTorch that a forward pass calls, inside modules or not.

    Attributes:
        placed: the recognised uses of parameters, in the order of the pass.
        reasons: for every parameter the functions that were not recognised.
        numbers: entries of all new tensors, a measure of the memory of the pass.
        largest: entries of the largest one.
        lookups: row numbers of all lookups in tables that are parameters.
        precision: rounding of the coarsest real numbers that parameters reach.
        batch_statistics: whether a batch norm took mean and variance from what may be the examples.

    ``fixed`` names those lookups, by their order, whose row numbers are the same for all examples
    (positions of tokens); they are parts of the table rather than places where it meets data.
    """

    def __init__(
        self,
        parameters: Sequence[torch.Tensor],
        fixed: frozenset[int] = frozenset(),
        num_examples: int = 1,
    ) -> None:
        super().__init__(RULES)
        self._parameters = parameters
        self._fixed = fixed
        self._views: dict[int, tuple[torch.Tensor, View]] = {
            id(p): (p, View(k, tuple(p.shape), None, 1.0)) for k, p in enumerate(parameters)
        }
        self._dtype = parameters[0].dtype
        self._graph = WatchedGraph(parameters)
        self.placed: list[Placed] = []
        self.reasons: dict[int, list[str]] = {}
        self.lookups: list[torch.Tensor] = []
        self.numbers = self.largest = 0
        self.precision = torch.finfo(self._dtype).eps
        self.batch_statistics = False
        self._num_examples = num_examples

    def watch(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Call the function, and keep what it does with views of parameters."""
        check_function(func, args, kwargs)
        if takes_batch_statistics(func, args, kwargs):
            self._note_statistics(args[0] if args else kwargs.get("input"))
        arguments = list(tensors_in((args, kwargs)))
        views = [view for each in arguments if (view := self._find(each)) is not None]
        if func is torch.Tensor.register_hook and views:
            self._fall_back(views[0].parameter, "a hook that forward sets on its gradient")
        before = {each.grad_fn for each in arguments} if views else set()
        out = func(*args, **kwargs)
        self._count(func, out, args)
        if views and any(each.requires_grad for each in tensors_in(out)):
            numbers = {view.parameter for view in views}
            self._graph.add_call(list(tensors_in(out)), before, numbers)
            self._note(func, out, args, kwargs, views)
        return out

    def _note_statistics(self, data: Any) -> None:
        """Statistics of a weight, or of the channels of one example, are none of the batch."""
        if self._find(data) is None and isinstance(data, torch.Tensor):
            whole = len(data) % self._num_examples == 0
            self.batch_statistics |= whole and (len(data) > 1 or self._num_examples == 1)

    def _find(self, tensor: Any) -> View | None:
        known = self._views.get(id(tensor))
        return None if known is None else known[1]

    def _count(self, func: Any, out: Any, args: Any) -> None:
        """Add up the size of new tensors; keep the precision, and refuse what is coarser than single."""
        for each in tensors_in(out):
            if each.requires_grad and each.is_floating_point() and each.dtype != self._dtype:
                if each.dtype not in (torch.float32, torch.float64):
                    raise wrong_precision(each.dtype, _name(func), self._dtype)
                self.precision = max(self.precision, torch.finfo(each.dtype).eps)
            if each._base is None and not any(each is arg for arg in args):
                self.numbers += each.numel()
                self.largest = max(self.largest, each.numel())

    def _note(self, func: Any, out: Any, args: Any, kwargs: Any, views: list[View]) -> None:
        """Keep what is recognised; any view that is left over is a reason to fall back."""
        if self._keep_views(func, out, args, kwargs, views):
            return
        uses = self._uses(func, out, args, kwargs)
        for use in uses:
            self.placed.append(Placed(use, get_gradient_edge(out), out.numel()))
        explained = [use.view.parameter for use in uses]
        for view in views:
            if view.parameter in explained:
                explained.remove(view.parameter)
            else:
                self._fall_back(view.parameter, _name(func))

    def _keep_views(self, func: Any, out: Any, args: Any, kwargs: Any, views: Any) -> bool:
        """Whether the result is a view of the one view among the arguments."""
        if len(views) != 1 or not args:
            return False
        view = self._find(args[0])
        if view is not None:
            derived = derived_views(view, func, args, kwargs) if _real(out) else None
        elif func is functional.embedding and len(args) > 1 and self._find(args[1]) is not None:
            self.lookups.append(args[0])
            fixed = len(self.lookups) - 1 in self._fixed
            derived = [looked_up(views[0], args[0])] if fixed else None
        else:
            derived = None
        if derived is None:
            return False
        for result, each in zip(tensors_in(out), derived, strict=True):
            self._views.setdefault(id(result), (result, each))
            self._graph.add_view(result, each.parameter)
        return True

    def _uses(self, func: Any, out: Any, args: Any, kwargs: Any) -> list[Use]:
        rule = RULES.get(func)
        if rule is None or not isinstance(out, torch.Tensor):
            return []
        try:
            found = rule(self._find, out, *args, **kwargs)
        except TypeError:  # arguments that the rule does not know
            return []
        return [use for use in found if use is not None]

    def _fall_back(self, parameter: int, reason: str) -> None:
        reasons = self.reasons.setdefault(parameter, [])
        if reason not in reasons:
            reasons.append(reason)

    def close(self, out: torch.Tensor) -> None:
        """Look for uses out of sight, when the pass is over."""
        if (view := self._find(out)) is not None:
            self._fall_back(view.parameter, "outputs that are its entries")
        for number in sorted(self._graph.hidden_uses(out)):
            if number not in self.reasons:
                self._fall_back(number, "a function that cannot be watched")


def _real(tree: Any) -> bool:
    """Whether results hold real numbers, as a parameter does."""
    return all(each.is_floating_point() for each in tensors_in(tree))


def _name(func: Any) -> str:
    """What a function is called in a message."""
    name = getattr(func, "__name__", str(func))
    return name if name != "__get__" else getattr(func.__self__, "__name__", name)
