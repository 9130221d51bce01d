"""What do the parts of a module hold, and how is that put back exactly?"""

import contextlib
from collections import OrderedDict
from collections.abc import Iterator
from operator import is_
from typing import Any, NamedTuple

import torch

_COPIED = (dict, OrderedDict, list, set)
_FEW = 10_000


class Held(NamedTuple):
    """A part, its attributes, and the contents of those that are dictionaries, lists or sets."""

    part: torch.nn.Module
    attributes: dict[str, Any]
    contents: list[tuple[Any, Any]]


@contextlib.contextmanager
def attributes_restored(module: torch.nn.Module) -> Iterator[None]:
    """Attributes, registers, mode and hooks of every part are afterwards the objects they were.

    Attributes that a forward pass adds or rebinds (outputs it remembers, buffers made at the first call) are
    taken back; what it changes deeper inside objects of its own is not seen.
    """
    before = [_held(part) for part in module.modules()]
    try:
        yield
    finally:
        for each in before:
            _put_back(each)


def _held(part: torch.nn.Module) -> Held:
    attributes = dict(part.__dict__)
    contents = [
        (value, value.copy())
        for value in attributes.values()
        if type(value) in _COPIED and len(value) <= _FEW
    ]
    return Held(part, attributes, contents)


def _put_back(held: Held) -> None:
    _put_back_items(held.part.__dict__, held.attributes)
    for value, items in held.contents:
        if not value and not items:
            continue
        if isinstance(value, dict):
            _put_back_items(value, items)
        elif isinstance(value, list):
            if len(value) != len(items) or not all(map(is_, value, items)):
                value[:] = items
        elif value != items:
            value.clear()
            value.update(items)


def _put_back_items(now: dict[Any, Any], before: dict[Any, Any]) -> None:
    """The same keys in the same order with the same objects, in the same dictionary."""
    if list(now) != list(before):
        now.clear()
        now.update(before)
    elif not all(map(is_, now.values(), before.values())):
        now.update(before)
