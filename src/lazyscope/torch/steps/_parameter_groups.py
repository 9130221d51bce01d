"""Which parameters of a module belong to one group (layer), and in which order do groups come?"""

from collections.abc import Callable, Mapping

import torch

from lazyscope.observe import group_parameters, in_words
from lazyscope.torch._question import Question
from lazyscope.torch.kernel._probe import Sketch

Grouping = Callable[[str], str] | Mapping[str, str] | None
"""A function of a parameter's name, or beginnings of names (cut at dots) with the group they mean."""


def in_order_of_use(
    question: Question, sketch: Sketch, groups: Grouping
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of the groups in the order in which the module uses them, and every parameter's group.

    Parameters whose use was not recognised come where the module holds them, after the others.
    """
    names = question.names
    used = dict.fromkeys(use.view.parameter for use in sketch.uses)
    order = [*used, *(k for k in range(len(names)) if k not in used)]
    labels, numbers = group_parameters([names[k] for k in order], groups)
    by_parameter = dict(zip(order, numbers, strict=True))
    return labels, tuple(by_parameter[k] for k in range(len(names)))


def layer_in_words(module: torch.nn.Module, name: str) -> str:
    """The name of a layer, with what it is where its name is a number in a sequence."""
    if in_words(name) == name:
        return name
    try:
        return in_words(name, type(module.get_submodule(name)).__name__)
    except AttributeError:  # an array of its own
        return f"array {name}"
