"""What are the parameter arrays of a JAX function called, and which belong together?"""

from collections.abc import Sequence
from typing import Any

import jax
from jax.tree_util import keystr

from lazyscope._checks import InputError
from lazyscope._provenance import provenance
from lazyscope._trace import Question, order_of_use
from lazyscope._types import Params
from lazyscope.model import Grouping, parameter_groups
from lazyscope.observe._groups import group_parameters
from lazyscope.observe._record import Subject


def subject_of(
    question: Question, groups: Grouping | None, has_targets: bool, notes: tuple[str, ...]
) -> Subject:
    """The description of a network for its record."""
    params = jax.tree.unflatten(question.treedef, question.leaves)
    names = array_names(params)
    labels = dict(zip(names, _labels(names, params, groups), strict=True))
    order = order_of_use(question.example)
    # Groups come in the order in which the network uses them, arrays as the tree has them.
    group_names, numbers = group_parameters([names[k] for k in order], labels.__getitem__)
    by_leaf = dict(zip(order, numbers, strict=True))
    return Subject(
        parameters=names,
        shapes=tuple(leaf.shape for leaf in question.leaves),
        groups=group_names,
        parameter_group=tuple(by_leaf[k] for k in range(len(names))),
        num_points=len(question.x1),
        num_outputs=question.example.num_outputs,
        has_targets=has_targets,
        notes=notes,
        provenance=provenance("jax"),
    )


def _labels(names: Sequence[str], params: Params, groups: Grouping) -> list[str]:
    """The group of every array."""
    if groups is None:
        found, numbers = group_parameters(names)
        return [found[k] for k in numbers]
    if not callable(groups):
        wrong = [each for each in jax.tree.leaves(groups) if not isinstance(each, str)]
        if wrong:
            raise InputError(
                "groups must be a function of an array's name, or a tree of names",
                received=f"{wrong[0]!r:.80} in place of a name",
                cause="numbers of groups, or the parameters themselves",
                fix="give a tree of names that is a prefix of the parameters, {key: key for key in params}",
            )
    sorted_leaves = parameter_groups(params, groups)
    members = zip(sorted_leaves.names, sorted_leaves.members, strict=True)
    by_leaf = {k: name for name, leaves in members for k in leaves}
    return [by_leaf[k] for k in range(len(names))]


def array_names(params: Params) -> tuple[str, ...]:
    """Names of the arrays of a tree, parts between dots."""
    return tuple(_name(path) for path, _ in jax.tree_util.tree_flatten_with_path(params)[0])


def _name(path: Any) -> str:
    """The place of an array in its tree, parts between dots; Flax NNX adds a part that says nothing."""
    return keystr(path, simple=True, separator=".").removesuffix(".value") or "params"
