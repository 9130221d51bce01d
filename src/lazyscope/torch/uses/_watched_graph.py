"""Is there a use of a parameter in the autograd graph that no watched function accounts for?

TorchScript, extensions, functions with a derivative of their own, and gradients taken within a forward
pass do not pass by a watcher. Their edges in the graph give them away.
"""

from collections.abc import Iterator, Sequence
from typing import Any, final

import torch

from lazyscope.torch._refusals import reentrant_checkpoint


@final
class WatchedGraph:
    """Which nodes of the graph were made by which watched call."""

    def __init__(self, parameters: Sequence[torch.Tensor]) -> None:
        self._parameters = {id(p): k for k, p in enumerate(parameters)}
        self._views: dict[Any, int] = {}
        self._owner: dict[Any, int] = {}
        self._results: set[Any] = set()
        self._used: list[set[int]] = []

    def add_call(self, results: Sequence[torch.Tensor], before: set[Any], used: set[int]) -> None:
        """Note the nodes between the results and those `before` of a call that was given parameters."""
        number = len(self._used)
        self._used.append(used)
        waiting = [result.grad_fn for result in results]
        self._results.update(waiting)
        while waiting:
            node = waiting.pop()
            if node is None or node in before or node in self._owner:
                continue
            if getattr(node, "variable", None) is None:
                self._owner[node] = number
                waiting += [following for following, _ in node.next_functions]

    def add_view(self, view: torch.Tensor, parameter: int) -> None:
        """Note that a result holds entries of a parameter."""
        if view.grad_fn is not None:
            self._views[view.grad_fn] = parameter

    def hidden_uses(self, out: torch.Tensor) -> set[int]:
        """Parameters with an edge, in the graph of the outputs, that comes from no call given them."""
        hidden: set[int] = set()
        for node, following in _edges(out):
            owner = self._owner.get(node)
            used = set() if owner is None else self._used[owner]
            parameter = self._parameters.get(id(getattr(following, "variable", None)))
            if parameter is None:
                parameter = self._views.get(following)
            if parameter is not None:
                hidden |= {parameter} - used
            elif following in self._owner and following not in self._results:
                inside = self._owner[following]
                hidden |= set() if owner == inside else self._used[inside]
        return hidden


def _edges(out: torch.Tensor) -> Iterator[tuple[Any, Any]]:
    """All edges of a graph, each once."""
    seen: set[Any] = set()
    waiting = [out.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name() == "CheckpointFunctionBackward":
            raise reentrant_checkpoint()
        for following, _ in node.next_functions:
            if following is not None:
                yield node, following
                waiting.append(following)
