"""Which kernels has the network that an estimator was given?"""

from functools import partial
from typing import Any, Literal, NamedTuple, final

import numpy as np

from lazyscope._checks import InputError, shown
from lazyscope.composed import network_covariance_kernel, network_tangent_kernel
from lazyscope.kernel import limit_covariance_kernel, limit_tangent_kernel
from lazyscope.model import AbstractNetwork

KernelName = Literal["ntk", "nngp"]
"""The tangent kernel, all layers trained, or the covariance kernel, the last one trained."""


@final
class FittedNetwork(NamedTuple):
    """The network that the parameters of an estimator say when it is fitted; later ones change nothing.

    Attributes:
        network: another network in place of the dense one.
        dense: arguments of the dense one.
    """

    network: Any
    dense: dict[str, Any]

    @classmethod
    def of(cls, estimator: Any) -> "FittedNetwork":
        """That of an estimator now."""
        names = ("depth", "activation", "weight_std", "bias_std")
        return cls(estimator.network, {name: getattr(estimator, name) for name in names})

    def kernel(self, which: KernelName, x1: np.ndarray, x2: np.ndarray | None = None) -> np.ndarray:
        """The kernel between rows of x1 and x2."""
        if self.network is None:
            kernel = limit_tangent_kernel if which == "ntk" else limit_covariance_kernel
            return kernel(x1, x2, **self.dense)
        found = np.asarray(_kernel_of(self.network, which)(x1, x2))
        shape = len(x1), len(x1 if x2 is None else x2)
        if found.shape != shape:
            raise InputError(
                "the kernel of network must have one row for each first and one column for each second "
                "point",
                received=f"shape {found.shape} in place of {shape}",
                cause="a kernel with axes for outputs or for layers",
                fix="give the kernel of one output, summed over layers",
            )
        return found


def _kernel_of(network: Any, which: KernelName) -> Any:
    if isinstance(network, AbstractNetwork):
        limit = network_tangent_kernel if which == "ntk" else network_covariance_kernel
        return partial(limit, network)
    name = "tangent_kernel" if which == "ntk" else "covariance_kernel"
    method = getattr(network, name, None)
    if callable(method):
        return method
    raise InputError(
        "network must have the methods tangent_kernel(x1, x2) and covariance_kernel(x1, x2)",
        received=shown(network),
        cause="a function, a module of another library, or the parts of a network",
        fix="give a ComposedNetwork, or an object with these two methods; leave it out for a dense network",
    )
