"""In which directions of its points does a dense network train, and how does it move in all of them?

Gradient flow moves the first layer by sums of outer products with training points, so that nothing
leaves their span. Where there are fewer points than features it is trained in coordinates of the span,
``x = z Q^T``: the flow of ``W_1 Q`` on the points z is that of W_1 on x, of which ``D_1 = D Q^T``.
"""

from dataclasses import replace
from typing import final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope._types import Params
from lazyscope.flow._problem import Problem
from lazyscope.kernel import LayerwiseKernel
from lazyscope.model import Dense, Layer


@final
class Span(eqx.Module):
    """A problem as it is trained.

    Attributes:
        problem: the same flow with as many features as it needs.
        basis: Q, orthonormal columns; None where the problem is the given one.
    """

    problem: Problem
    basis: Float[Array, "d n"] | None

    @classmethod
    def of(cls, problem: Problem) -> "Span":
        """The problem in coordinates of its points; as it is if these are no fewer than features."""
        model, x = problem.model, problem.x
        if not (isinstance(model, Dense) and isinstance(problem.kernel, LayerwiseKernel)):
            return cls(problem, None)
        if x.ndim != 2 or x.shape[0] >= x.shape[1]:
            return cls(problem, None)
        basis, coordinates = jnp.linalg.qr(x.T)
        narrow = Dense(
            x.shape[0],
            model.output_dim,
            model.width,
            model.depth,
            model.activation_name,
            use_bias=model.use_bias,
            output_scale=model.output_scale,
        )
        first, *others = problem.params
        params = (Layer(first.weight @ basis, first.bias), *others)
        kernel = LayerwiseKernel(narrow)
        told = {"model": narrow, "kernel": kernel, "params": params, "x": coordinates.T}
        return cls(replace(problem, initial=None, **told), basis)

    def whole(self, displacement: Params) -> Params:
        """The displacement of the given problem, of that of `problem`."""
        if self.basis is None:
            return displacement
        first, *others = displacement
        return (Layer(first.weight @ self.basis.T, first.bias), *others)
