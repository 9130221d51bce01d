"""What is a tangent kernel to the rooms that use it, whatever computes it?"""

import abc
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Real

from lazyscope._types import Params


class AbstractGradient(eqx.Module):
    """A pulled-back cotangent, sum_ic cotangent_ic d f_c(x_i) / d theta, that need not be formed yet.

    Sums and sizes of gradients cost no memory of the size of the parameters where a representation
    can avoid it.
    """

    @abc.abstractmethod
    def plus(self, other: "AbstractGradient") -> "AbstractGradient":
        """The sum with another gradient of the same network, at the same or another point."""

    @property
    @abc.abstractmethod
    def is_small(self) -> bool:
        """Whether the formed gradient takes no more memory than what stands for it."""

    @abc.abstractmethod
    def norms(self) -> Float[Array, " groups"]:
        """Euclidean norm of every group's share."""

    @abc.abstractmethod
    def as_params(self) -> Params:
        """The gradient itself, shaped like the parameters."""


class AbstractExpansion(eqx.Module):
    """A network to first order around one set of parameters, on one set of points.

    It holds what a forward and a backward pass leave behind, so that outputs, kernel and gradients
    at the same parameters are computed once.
    """

    @property
    @abc.abstractmethod
    def outputs(self) -> Float[Array, "n C"]:
        """f(x) at the parameters."""

    @abc.abstractmethod
    def mean_kernel(self, speeds: Float[Array, " groups"]) -> Float[Array, "n n"]:
        """The kernel averaged over outputs, (1/C) sum_c sum_g s_g K_g[:, :, c, c]."""

    @abc.abstractmethod
    def kernel(self, speeds: Float[Array, " groups"]) -> Float[Array, "n n C C"]:
        """The kernel that drives training, sum_g s_g K_g."""

    @abc.abstractmethod
    def gradient(self, cotangent: Float[Array, "n C"]) -> AbstractGradient:
        """sum_ic cotangent_ic d f_c(x_i) / d theta, without speeds."""

    def pull_back(self, cotangent: Float[Array, "n C"]) -> Params:
        """The same, formed: shaped like the parameters."""
        return self.gradient(cotangent).as_params()


class AbstractTangentKernel(eqx.Module):
    """Inner products of parameter gradients, split by group of parameters.

    ``K_g[i, j, c, k] = <d f_c(x1_i)/d theta_g, d f_k(x2_j)/d theta_g>`` for each group g (the layers of
    a dense network). The kernel that drives training is the sum over groups weighted by their speeds.
    One file holds one representation; all of them answer the same questions.
    """

    @abc.abstractmethod
    def by_group(
        self, params: Params, x1: Real[Array, "n1 ..."], x2: Real[Array, "n2 ..."] | None = None
    ) -> Float[Array, "groups n1 n2 C C"]:
        """One kernel for each group; ``x2=None`` means x1 with itself."""

    @abc.abstractmethod
    def expand(self, params: Params, x: Float[Array, "n ..."]) -> AbstractExpansion:
        """The network to first order around `params`, on the points `x`."""

    @abc.abstractmethod
    def gradient_at(
        self,
        params: Params,
        x: Float[Array, "n ..."],
        cotangent_of: Callable[[Float[Array, "n C"]], Float[Array, "n C"]],
    ) -> AbstractGradient:
        """The gradient at `params` for the cotangent that `cotangent_of` makes of the outputs there."""

    def summed(
        self,
        params: Params,
        x1: Real[Array, "n1 ..."],
        x2: Real[Array, "n2 ..."] | None = None,
        *,
        speeds: Float[Array, " groups"],
    ) -> Float[Array, "n1 n2 C C"]:
        """The kernel that drives training, sum_g s_g K_g."""
        return jnp.einsum("g,gijck->ijck", speeds, self.by_group(params, x1, x2))


def as_matrix(kernel: Float[Array, "n1 n2 C C"]) -> Float[Array, "n1*C n2*C"]:
    """The same numbers as a matrix over (point, output) pairs, outputs running fastest."""
    n1, n2, c1, c2 = kernel.shape
    return kernel.transpose(0, 2, 1, 3).reshape(n1 * c1, n2 * c2)
