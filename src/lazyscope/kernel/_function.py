"""What is the tangent kernel of any JAX function, as the flows and forecasts ask for it?"""

from collections.abc import Callable, Sequence
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Real

from lazyscope._checks import check_instance, check_not_negative
from lazyscope._trace import asking, kernel_type, pose
from lazyscope.kernel._protocol import AbstractExpansion, AbstractGradient, AbstractTangentKernel
from lazyscope.kernel.any_function._blocks import MEMORY, Finish, Programs, in_blocks
from lazyscope.kernel.any_function._plan import Outputs, make_plan
from lazyscope.kernel.orders._rows import Rows, add_rows, assemble
from lazyscope.model import FunctionModel, group_norms

Groups = tuple[tuple[Any, ...], ...]


def _memory(value: Any) -> float:
    """Bytes as a plain number, before they become a part of programs."""
    return check_not_negative(
        "memory", value.item() if hasattr(value, "dtype") and np.ndim(value) == 0 else value
    )


@final
class FunctionKernel(AbstractTangentKernel):
    """Tangent kernel of a `FunctionModel`: uses contracted by structure, gradients by differentiation.

    Args:
        model: the function with its groups of parameters.
        memory: bytes of intermediates that kernels may take; larger ones are put together from blocks.

    Cost: kernels as for `tangent_kernel`; the kernel averaged over outputs about C times less where
    products dominate. A gradient is one backward pass.
    Trust: exact to rounding. Whether examples are mixed is checked where a problem is made, not here.

    Example:
        >>> from lazyscope.model import parameter_groups
        >>> params = {"a": jnp.full((1, 1), 2.0), "b": jnp.full((1, 1), 3.0)}
        >>> product = lambda p, x: x @ p["a"] @ p["b"]
        >>> model = FunctionModel(product, parameter_groups(params))
        >>> kernel = FunctionKernel(model)
        >>> kernel.by_group(model.groups_of(params), jnp.ones((1, 1))).ravel().tolist()
        [9.0, 4.0]
    """

    model: FunctionModel
    memory: float = eqx.field(static=True, default=MEMORY, converter=_memory)

    def __check_init__(self) -> None:
        check_instance("model", self.model, FunctionModel)

    @property
    def precision(self) -> np.dtype:
        """The coarsest type that the kernel is computed in when parameters and points are double."""
        return self.model.precision

    def by_group(
        self, params: Groups, x1: Real[Array, "n1 ..."], x2: Real[Array, "n2 ..."] | None = None
    ) -> Float[Array, "groups n1 n2 C C"]:
        """One kernel for each group."""
        with asking(params):
            return _by_group(self, params, x1, x2)

    def summed(
        self,
        params: Groups,
        x1: Real[Array, "n1 ..."],
        x2: Real[Array, "n2 ..."] | None = None,
        *,
        speeds: Float[Array, " groups"],
    ) -> Float[Array, "n1 n2 C C"]:
        """sum_g s_g K_g, added up leaf by leaf."""
        with asking(params):
            return _summed(self, params, x1, x2, speeds)

    def expand(self, params: Groups, x: Real[Array, "n ..."]) -> "FunctionExpansion":
        """The network to first order around `params`, on the points `x`."""
        outputs, pull = _vjp(self.model, params, x)
        return FunctionExpansion(self, params, x, outputs, pull)

    def gradient_at(
        self,
        params: Groups,
        x: Real[Array, "n ..."],
        cotangent_of: Callable[[Float[Array, "n C"]], Float[Array, "n C"]],
    ) -> "FunctionGradient":
        """One forward and one backward pass, whatever the number of outputs."""
        outputs, pull = _vjp(self.model, params, x)
        return FunctionGradient(pull(cotangent_of(outputs))[0])


@final
class FunctionExpansion(AbstractExpansion):
    """A function with what its forward pass left behind; kernels are computed when asked for.

    Attributes:
        tangent: the kernel it belongs to.
        params: the parameters.
        x: the points.
        values: outputs f(x).
        pull: the transposed Jacobian.
    """

    tangent: FunctionKernel
    params: Groups
    x: Real[Array, "n ..."]
    values: Float[Array, "n C"]
    pull: Callable[[Any], Any]

    @property
    def outputs(self) -> Float[Array, "n C"]:
        """f(x) at the parameters."""
        return self.values

    def kernel(self, speeds: Float[Array, " groups"]) -> Float[Array, "n n C C"]:
        """sum_g s_g K_g."""
        return _summed(self.tangent, self.params, self.x, None, speeds)

    def mean_kernel(self, speeds: Float[Array, " groups"]) -> Float[Array, "n n"]:
        """(1/C) sum_c sum_g s_g K_g[:, :, c, c], without the blocks between different outputs."""
        return _mean(self.tangent, self.params, self.x, speeds)

    def gradient(self, cotangent: Float[Array, "n C"]) -> "FunctionGradient":
        """sum_ic cotangent_ic d f_c(x_i) / d theta: one backward pass."""
        return FunctionGradient(self.pull(cotangent)[0])


@final
class FunctionGradient(AbstractGradient):
    """A gradient, formed."""

    groups: Groups

    def plus(self, other: "FunctionGradient") -> "FunctionGradient":
        """The sum of both."""
        return FunctionGradient(jax.tree.map(jnp.add, self.groups, other.groups))

    @property
    def is_small(self) -> bool:
        """It is formed."""
        return True

    def norms(self) -> Float[Array, " groups"]:
        """Euclidean norms."""
        return group_norms(self.groups)

    def as_params(self) -> Groups:
        """The gradient as groups."""
        return self.groups


def _vjp(model: FunctionModel, params: Groups, x: Any) -> tuple[Array, Callable[[Any], Any]]:
    x = _points(model, params, x)
    return jax.vjp(lambda moved: model.apply(moved, x), params)


def _points(model: FunctionModel, params: Groups, x: Any) -> Any:
    """Points as the network wants them: whole numbers, or the precision of its parameters."""
    if model.input_dtype is not None:
        return model.points(x)
    return jnp.asarray(x, kernel_type([leaf.dtype for leaf in jax.tree.leaves(params)]))


@eqx.filter_jit
def _by_group(kernel: FunctionKernel, params: Groups, x1: Any, x2: Any | None) -> Any:
    return jnp.stack(_contracted(kernel, params, x1, x2, _listing(params)))


@eqx.filter_jit
def _summed(kernel: FunctionKernel, params: Groups, x1: Any, x2: Any | None, speeds: Any) -> Any:
    return _contracted(kernel, params, x1, x2, _weighing(params, speeds))


@eqx.filter_jit
def _mean(kernel: FunctionKernel, params: Groups, x: Any, speeds: Any) -> Any:
    weighed = _weighing(params, speeds)
    return _contracted(kernel, params, x, None, weighed, outputs="mean")[:, :, 0, 0]


def _contracted(
    kernel: FunctionKernel,
    params: Groups,
    x1: Any,
    x2: Any | None,
    finish: Finish,
    *,
    outputs: Outputs = "pairs",
) -> Any:
    """What `finish` makes of the shares of all parameters."""
    if not len(x1):
        one = jnp.zeros((1, *x1.shape[1:]), x1.dtype)
        none = _contracted(kernel, params, one, x2, finish)
        return jax.tree.map(lambda k: k[:0], none)
    first = _points(kernel.model, params, x1)
    second = None if x2 is None else _points(kernel.model, params, x2)
    question = pose(kernel.model.apply, params, first, second)
    n2 = None if second is None else len(second)
    plan = make_plan(question.example, len(first), n2, kernel.memory, outputs=outputs)
    return in_blocks(Programs(finish, plan), question)


def _grouped(params: Groups, shares: Sequence[Rows | None]) -> list[Rows | None]:
    """Shares of leaves added up to those of groups; None is zero."""
    remaining, found = list(shares), []
    for group in params:
        mine, remaining = remaining[: len(group)], remaining[len(group) :]
        parts = [share for share in mine if share is not None]
        found.append(add_rows(parts) if parts else None)
    return found


def _listing(params: Groups) -> Finish:
    def finish(shares: Sequence[Rows | None], edges: Sequence[int], symmetric: bool) -> Any:
        groups = _grouped(params, shares)
        kernels = [None if g is None else assemble(g, edges, symmetric) for g in groups]
        some = next(k for k in kernels if k is not None)
        return [jnp.zeros_like(some) if k is None else k for k in kernels]

    return finish


def _weighing(params: Groups, speeds: Any) -> Finish:
    def finish(shares: Sequence[Rows | None], edges: Sequence[int], symmetric: bool) -> Any:
        groups = zip(speeds, _grouped(params, shares), strict=True)
        parts = [tuple(s * row for row in rows) for s, rows in groups if rows is not None]
        return assemble(add_rows(parts), edges, symmetric)

    return finish
