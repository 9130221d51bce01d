"""How is a module called with other tensors in place of its parameters and buffers?

`torch.func.functional_call` goes by names. Where a part of the module is reached under two names it puts
back a replacement instead of the original (pytorch issue 164759), and it does not know lists of weights that
a module keeps beside. Here tensors are replaced by identity, at every place of the module that holds them.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from lazyscope.torch.state._attributes import attributes_restored

_CONTAINERS_DEEP = 3


class Place(NamedTuple):
    """A dictionary of the module's, a key in it, and what is held there before and meanwhile."""

    holder: dict[Any, Any]
    key: Any
    before: Any
    meanwhile: Any


Pairs = Sequence[tuple[torch.Tensor, torch.Tensor]]
"""Tensors of a module, each with what takes its place."""


@contextlib.contextmanager
def substituted(module: torch.nn.Module, pairs: Pairs) -> Iterator[None]:
    """Replacements inside, wherever a part of the module holds the tensor; then the very objects again.

    Tensors that a module keeps out of its sight (in a closure, as a view that was made earlier) are not
    found: `reaches` tells from the outputs. What a forward pass keeps of the replacements goes.
    """
    by_id = {id(old): new for old, new in pairs}
    with attributes_restored(module):
        places = [place for part in module.modules() for place in _places(part, by_id)]
        try:
            for holder, key, _, meanwhile in places:
                holder[key] = meanwhile
            yield
        finally:
            for holder, key, before, _ in places:
                holder[key] = before


def _places(part: torch.nn.Module, by_id: dict[int, torch.Tensor]) -> Iterator[Place]:
    attributes = part.__dict__
    for register in (attributes.get("_parameters"), attributes.get("_buffers")):
        if isinstance(register, dict):
            for key, value in register.items():
                if id(value) in by_id:
                    yield Place(register, key, value, by_id[id(value)])
    for key, value in attributes.items():
        if key in _REGISTERS:
            continue
        meanwhile = _replaced(value, by_id, _CONTAINERS_DEEP)
        if meanwhile is not value:
            yield Place(attributes, key, value, meanwhile)


_REGISTERS = frozenset(torch.nn.Module().__dict__)


def _replaced(value: Any, by_id: dict[int, torch.Tensor], depth: int) -> Any:
    """A value in which the tensors are replaced; the very value where there are none."""
    if isinstance(value, torch.Tensor):
        return by_id.get(id(value), value)
    if depth == 0 or not isinstance(value, dict | list | tuple):
        return value
    old = list(value.values()) if isinstance(value, dict) else list(value)
    new = [_replaced(each, by_id, depth - 1) for each in old]
    if all(a is b for a, b in zip(old, new, strict=True)):
        return value
    if isinstance(value, dict):
        return _like(value, dict(zip(value, new, strict=True)))
    return _like(value, new)


def _like(value: Any, items: Any) -> Any:
    """A container of the same kind with other items; a plain one where its kind cannot be made."""
    kind = type(value)
    try:
        return kind(*items) if hasattr(value, "_fields") else kind(items)
    except TypeError:
        return items


def reaches(out: torch.Tensor, tensors: Sequence[torch.Tensor]) -> bool:
    """Whether a gradient would flow from the result to one of the tensors."""
    wanted, seen, waiting = {id(t) for t in tensors}, set(), [out.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if id(getattr(node, "variable", None)) in wanted:
            return True
        waiting += [following for following, _ in node.next_functions]
    return False
