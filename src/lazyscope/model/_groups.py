"""How are the arrays of any parameter tree sorted into named groups, and back?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr
from jaxtyping import Array, Float

from lazyscope._checks import InputError, check_array, check_tree, is_known, shown
from lazyscope._entry import checked
from lazyscope._types import Params


class ParameterGroups(NamedTuple):
    """Which leaf of a parameter tree belongs to which group; hashable, holds no numbers.

    Attributes:
        treedef: structure of the tree.
        leaf_names: where each leaf stands in the tree, such as ``['conv']['weight']``.
        names: one name for each group.
        members: numbers of the leaves in each group, in the order of the tree.
    """

    treedef: Any
    leaf_names: tuple[str, ...]
    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]

    def groups_of(self, tree: Params) -> tuple[tuple[Any, ...], ...]:
        """The leaves of `tree`, one tuple for each group."""
        leaves = self.treedef.flatten_up_to(tree)
        return tuple(tuple(leaves[k] for k in group) for group in self.members)

    def tree_of(self, groups: Sequence[Sequence[Any]]) -> Params:
        """The tree that `groups` came from."""
        pairs = zip(self.members, groups, strict=True)
        placed = {k: leaf for ks, group in pairs for k, leaf in zip(ks, group, strict=True)}
        return jax.tree.unflatten(self.treedef, [placed[k] for k in range(len(placed))])


Grouping = Callable[[str], str] | Params | None
"""How to name groups: a function of a leaf's name, or a tree of names that is a prefix of the tree."""


def parameter_groups(params: Params, groups: Grouping = None) -> ParameterGroups:
    """Sort the leaves of `params` into groups, numbered as they first appear in the tree.

    Args:
        params: any tree of arrays.
        groups: None puts every leaf into a group of its own. A function gets a leaf's name and
            returns its group's. A tree of names stands for all leaves below each name:
            ``{key: key for key in params}`` groups a dict by its keys.

    Raises:
        InputError: names that are no text, or a tree of names that does not fit.

    Example:
        >>> params = {"conv": {"b": 1.0, "w": 2.0}, "out": 3.0}
        >>> parameter_groups(params, {"conv": "body", "out": "head"}).names
        ('body', 'head')
        >>> parameter_groups(params).names
        ("['conv']['b']", "['conv']['w']", "['out']")
    """
    check_tree("params", params, finite=False)
    named, treedef = jax.tree_util.tree_flatten_with_path(params)
    leaf_names = tuple(keystr(path) or "params" for path, _ in named)
    if groups is None:
        labels: Sequence[Any] = leaf_names
    elif callable(groups):
        labels = [named_by(groups, name) for name in leaf_names]
    else:
        labels = _spread(groups, params)
    for leaf, label in zip(leaf_names, labels, strict=True):
        if not isinstance(label, str):
            raise InputError(
                "names of groups must be text",
                received=f"{label!r} for {leaf}",
                cause="numbers or nothing where a name was expected",
                fix="give a name for every leaf, for instance {key: key for key in params}",
            )
    members: dict[str, list[int]] = {}
    for number, label in enumerate(labels):
        members.setdefault(label, []).append(number)
    return ParameterGroups(treedef, leaf_names, tuple(members), tuple(map(tuple, members.values())))


def named_by(groups: Callable[[str], Any], name: str) -> Any:
    """The group of a leaf by the caller's function; a refusal where this raises."""
    try:
        return groups(name)
    except Exception as error:
        raise InputError(
            "a function of groups must name the group of every parameter array",
            received=f"{type(error).__name__} for {name}: {shown(str(error))}",
            cause="a function that is meant for something else, or that does not know this name",
            fix="give a function from the name of an array to the name of its group, such as "
            "lambda name: name.split('.')[0]",
        ) from error


@checked()
def speeds_by_name(speeds: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """One speed for each group, 1 where a name is not mentioned."""
    unknown = sorted(set(speeds) - set(names))
    if unknown:
        raise InputError(
            "speeds must be given for groups that exist",
            received=f"a speed for {', '.join(map(repr, unknown))}",
            cause="a misspelt name, or a name from another grouping",
            fix=f"use names among {', '.join(names)}",
        )
    return [speeds.get(name, 1.0) for name in names]


def group_norms(params: Sequence[Params]) -> Float[Array, " groups"]:
    """Euclidean norm of every group of parameters.

    Example:
        >>> group_norms(((jnp.asarray([3.0]), jnp.asarray(4.0)), (jnp.asarray(-2.0),))).tolist()
        [5.0, 2.0]
    """
    return jnp.stack(
        [jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(group))) for group in params]
    )


def _is_name(node: Any) -> bool:
    return isinstance(node, str)


def _spread(groups: Params, params: Params) -> list[Any]:
    """The name that stands above each leaf."""
    if isinstance(groups, Iterator):
        groups = object()  # used up once it was looked at
    for name in jax.tree.leaves(groups, is_leaf=_is_name):
        if not _is_name(name):
            raise InputError(
                "names of groups must be text",
                received=shown(name),
                cause="numbers or nothing where a name was expected",
                fix="give a name for every leaf, for instance {key: key for key in params}",
            )
    try:
        spread = jax.tree.map(
            lambda name, below: [name] * len(jax.tree.leaves(below)),
            groups,
            params,
            is_leaf=_is_name,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            "a tree of group names must be a prefix of the parameter tree",
            received=f"{groups!r} for {jax.tree.structure(params)}",
            cause="a missing or misspelt key, or names for another network",
            fix="name every entry of the upper levels, or give a function of the leaf's name",
        ) from error
    return [name for names in jax.tree.leaves(spread, is_leaf=_is_list) for name in names]


def _is_list(node: Any) -> bool:
    return isinstance(node, list) and all(isinstance(name, str) for name in node)


def check_speeds(speeds: Any, num_groups: int, dtype: np.dtype) -> Array:
    """One speed per group, 1 unless given, or a refusal."""
    if speeds is not None:
        check_array("speeds", speeds)
    if isinstance(speeds, jax.Array):
        speeds = speeds.astype(jax.dtypes.canonicalize_dtype(dtype))
    else:
        speeds = np.asarray(np.ones(num_groups) if speeds is None else speeds, dtype)
    if speeds.shape != (num_groups,):
        raise InputError(
            "there must be one speed for every layer or group of parameters",
            received=f"{speeds.shape} speeds for {num_groups} of them",
            cause="speeds made for another depth or grouping",
            fix=f"give {num_groups} speeds (a dense network: one more than the hidden layers)",
        )
    if is_known(speeds) and bool((np.asarray(speeds) < 0).any()):
        raise InputError(
            "speeds must not be below zero",
            received=shown(np.asarray(speeds).tolist()),
            cause="a sign that was meant differently: a negative speed climbs the loss",
            fix="give speeds above zero, or zero for a group that stays",
        )
    return speeds
