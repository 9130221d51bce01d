"""How does any JAX function of any parameter tree look as a network with groups of parameters?"""

from collections.abc import Hashable
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import check_callable, check_instance
from lazyscope._types import Apply, Params
from lazyscope.model._groups import ParameterGroups
from lazyscope.model._network import AbstractNetwork
from lazyscope.model._protocol import AbstractModel

Groups = tuple[tuple[Any, ...], ...]
"""Parameters as this library moves them: one tuple of arrays for each group."""


@final
class FunctionModel(AbstractModel):
    """A function ``apply(params, x) -> (n, C)`` seen as a network whose parameters come in groups.

    Args:
        apply: the function; an Equinox module or one of its methods keeps its arrays as data.
        groups: which leaf of the parameter tree belongs to which group.
        input_dtype: type in which `apply` wants its points; whole numbers such as tokens are kept as
            real numbers everywhere else. None hands them on as they are.
        token: whatever else tells this network from another one with the same function, such as a
            digest of the arrays that it closes over.
        precision: the coarsest type that it computes in when parameters and points are double.
        network: that whose function it is, which passes differences on from block to block; None for a
            function of unknown structure.
    """

    carried: tuple[Any, ...]
    network: AbstractNetwork | None
    fixed: "_Fixed" = eqx.field(static=True)
    groups: ParameterGroups = eqx.field(static=True)
    input_dtype: Any = eqx.field(static=True)
    precision: np.dtype = eqx.field(static=True)

    def __init__(
        self,
        apply: Apply,
        groups: ParameterGroups,
        *,
        input_dtype: Any = None,
        token: Hashable = None,
        precision: np.dtype | None = None,
        network: AbstractNetwork | None = None,
    ) -> None:
        check_callable("apply", apply)
        check_instance("groups", groups, ParameterGroups)
        dynamic, static = eqx.partition(apply, _is_array)
        carried, structure = jax.tree.flatten(dynamic)
        self.carried = tuple(carried)
        self.network = network
        self.fixed = _Fixed(static, structure, token)
        self.groups = groups
        self.input_dtype = input_dtype
        self.precision = np.dtype(np.float64) if precision is None else precision

    @property
    def group_names(self) -> tuple[str, ...]:
        """The names of the groups, in the order of the parameter tuple."""
        return self.groups.names

    def apply(self, params: Groups, x: Float[Array, "n ..."]) -> Float[Array, "n C"]:
        """Outputs f(x), one row per point, in double precision if a parameter or the points have it.

        Functions are not asked about no point at all.
        """
        asked = x if len(x) else jnp.zeros((1, *x.shape[1:]), x.dtype)
        outputs = self.fixed.call(self.carried, self.tree_of(params), self.points(asked))
        double = any(a.dtype == np.float64 for a in (*jax.tree.leaves(params), x))
        return outputs[: len(x)].astype(np.float64 if double else np.float32)

    def points(self, x: Any) -> Any:
        """Points in the type that the function wants."""
        if self.input_dtype is None:
            return x
        return jnp.asarray(x).astype(jax.dtypes.canonicalize_dtype(self.input_dtype))

    def tree_of(self, params: Any) -> Params:
        """Parameters (or a change of them) in the function's own tree."""
        return self.groups.tree_of(params)

    def groups_of(self, tree: Params) -> Groups:
        """A tree like the function's parameters, as groups."""
        return self.groups.groups_of(tree)


@final
class _Fixed:
    """What of a function is no array; equal for the same function with the same token only."""

    def __init__(self, static: Any, structure: Any, token: Hashable) -> None:
        self.static, self.structure = static, structure
        parts = (*jax.tree.leaves(static), jax.tree.structure(static), structure, token)
        try:
            hash(parts)
        except TypeError:
            parts = (object(),)
        self.parts = parts

    def call(self, carried: tuple[Any, ...], tree: Params, x: Any) -> Any:
        """The function itself."""
        dynamic = jax.tree.unflatten(self.structure, carried)
        return eqx.combine(dynamic, self.static)(tree, x)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Fixed) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)


def _is_array(leaf: Any) -> bool:
    return eqx.is_array(leaf) or isinstance(leaf, np.ndarray)
