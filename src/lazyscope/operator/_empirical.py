"""What are the products of a finite network's tangent kernel, with none of its n C x n C entries stored?"""

import hashlib
from typing import Any, final

import jax
import numpy as np
from jaxtyping import Float, Int, Real

from lazyscope._checks import InputError, check_array, check_positive, check_tree
from lazyscope._entry import checked
from lazyscope._jax import own_settings
from lazyscope._types import Apply, Params
from lazyscope.kernel import as_matrix, tangent_kernel, tangent_kernel_product, working_precision
from lazyscope.operator._operator import (
    AbstractCrossKernel,
    AbstractKernelOperator,
    probed,
    told_entries,
)
from lazyscope.operator.tiles._blocks import as_points

_AT_ONCE = 64
_MEMORY = 2.0**30


@final
class EmpiricalKernelOperator(AbstractKernelOperator):
    """Tangent kernel of a finite network by products, J (J^T v); see `empirical_kernel_operator`.

    Args:
        apply: the network.
        params: its parameters.
        x: training points.
        num_outputs: C.
        memory: bytes for intermediates.
    """

    def __init__(
        self, apply: Apply, params: Params, x: np.ndarray, num_outputs: int, memory: float
    ) -> None:
        self._apply, self._params = apply, params
        self._x: Any = x
        self._outputs, self._memory = num_outputs, memory
        self._precision = np.dtype(working_precision(apply, params, self._x))
        self._diagonal: np.ndarray | None = None
        self._identity: str | None = None

    @property
    def num_points(self) -> int:
        return len(self._x)

    @property
    def num_coupled(self) -> int:
        return self._outputs

    @property
    def precision(self) -> np.dtype:
        return self._precision

    @property
    def points(self) -> np.ndarray:
        return self._x

    @property
    def identity(self) -> str:
        if self._identity is None:
            digest = hashlib.sha256(f"{self._x.shape} {self._x.dtype}".encode())
            for array in (self._x, *map(np.asarray, jax.tree.leaves(self._params))):
                digest.update(np.ascontiguousarray(array).data)
            places = probed(len(self._x))
            entries = self._entries(self._x[places], self._x[places])
            told = told_entries(entries, self._precision)
            self._identity = (
                f"{digest.hexdigest()[:24]} {hashlib.sha256(told.encode()).hexdigest()}"
            )
        return self._identity

    def product(self, vectors: Float[np.ndarray, "modes k"]) -> Float[np.ndarray, "modes k"]:
        return self.products_at(self._x, vectors)

    def products_at(
        self, x: Any, vectors: Float[np.ndarray, "modes k"]
    ) -> Float[np.ndarray, "others k"]:
        """K(x, X) times vectors, one after the other."""
        dtype = jax.tree.leaves(self._params)[0].dtype
        columns = []
        with own_settings(double=dtype == np.float64):
            for vector in vectors.T:
                given: Any = vector.reshape(-1, self._outputs).astype(dtype)
                found = tangent_kernel_product(
                    self._apply, self._params, x, given, self._x, memory=self._memory
                )
                columns.append(np.asarray(found, np.float64).reshape(-1))
        return np.stack(columns, axis=1) if columns else np.zeros((len(x) * self._outputs, 0))

    def diagonal(self) -> Float[np.ndarray, " modes"]:
        if self._diagonal is None:
            self._diagonal = self.diagonal_at(self._x)
        return self._diagonal

    def diagonal_at(self, x: np.ndarray) -> Float[np.ndarray, " others"]:
        """K(x, x) of every point and output, from small blocks."""
        size = min(_AT_ONCE, len(x))
        parts = []
        for start in range(0, len(x), size):
            some = x[start : start + size]
            filled = np.concatenate([some, np.repeat(some[-1:], size - len(some), axis=0)])
            whole = np.diagonal(self._entries(filled, None))
            parts.append(whole[: len(some) * self._outputs])
        return np.concatenate(parts)

    def columns(self, chosen: Int[np.ndarray, " m"]) -> Float[np.ndarray, "modes m"]:
        points, places = np.unique(chosen // self._outputs, return_inverse=True)
        entries = self._entries(self._x, self._x[points])
        return entries[:, places * self._outputs + chosen % self._outputs]

    def across(self, x_other: Any) -> "EmpiricalCrossKernel":
        return EmpiricalCrossKernel(self, as_points("x_other", x_other, self._x))

    def rows_at(self, x: np.ndarray) -> Float[np.ndarray, "others modes"]:
        """K(x, X), whole."""
        return self._entries(x, self._x)

    def _entries(self, x1: Any, x2: Any) -> np.ndarray:
        dtype = jax.tree.leaves(self._params)[0].dtype
        with own_settings(double=dtype == np.float64):
            kernel = tangent_kernel(self._apply, self._params, x1, x2, memory=self._memory)
            return np.asarray(as_matrix(kernel), np.float64)


@final
class EmpiricalCrossKernel(AbstractCrossKernel):
    """The kernel between other points and those of an empirical operator.

    Args:
        operator: the operator.
        x_other: the other points.
    """

    def __init__(self, operator: EmpiricalKernelOperator, x_other: np.ndarray) -> None:
        self._operator, self._x = operator, x_other

    def product(self, vectors: Float[np.ndarray, "modes k"]) -> Float[np.ndarray, "others k"]:
        return self._operator.products_at(self._x, vectors)

    def rows(self) -> Float[np.ndarray, "others modes"]:
        return self._operator.rows_at(self._x)

    def diagonal(self) -> Float[np.ndarray, " others"]:
        return self._operator.diagonal_at(self._x)


@checked(own=("apply", "params", "x"))
def empirical_kernel_operator(
    apply: Apply,
    params: Params,
    x: Real[Any, "n ..."],
    *,
    memory: float = _MEMORY,
) -> EmpiricalKernelOperator:
    """The tangent kernel of a finite network over n points and C outputs by its products.

    A product is one backward and one forward derivative, `tangent_kernel_product`; nothing of size n C x n C
    is stored. Vectors are over pairs of point and output, outputs fastest.

    Args:
        apply: ``apply(params, x) -> (n, C)``, as for `tangent_kernel`.
        params: its parameters, whose precision is that of the kernel.
        x: training points.
        memory: bytes for intermediates of a product.

    Returns:
        An `EmpiricalKernelOperator`, for everything in this room.

    Raises:
        InputError: as for `tangent_kernel`.

    Cost: a product about five forward passes; a column of a preconditioner as `tangent_kernel` between
    all points and one.

    Example:
        >>> operator = empirical_kernel_operator(lambda w, x: x @ w, np.ones((2, 1)), np.eye(2))
        >>> operator.product(np.array([[1.0], [2.0]])).ravel().tolist()
        [1.0, 2.0]
    """
    memory = check_positive("memory", memory)
    check_tree("params", params)
    points: Any = as_points("x", check_array("x", x))
    params = jax.tree.map(np.asarray, params)
    dtype = jax.tree.leaves(params)[0].dtype
    with own_settings(double=dtype == np.float64):
        entries = tangent_kernel(apply, params, points[:1], memory=memory)
    if not entries.shape[-1]:
        raise InputError(
            "a network must have an output",
            received=f"outputs of shape ({len(points)}, 0)",
            cause="a selection of no outputs",
            fix="return (n, C) with C at least 1",
        )
    return EmpiricalKernelOperator(apply, params, points, int(entries.shape[-1]), memory)
