"""What is the kernel of one draw of a build, whatever library it is of?"""

import hashlib
from typing import Any, Literal, TypeAlias, final

import jax
import numpy as np

from lazyscope._checks import InputError
from lazyscope.kernel.any_function import KernelsOfDraws
from lazyscope.observe import Described, DescribedModule, call_build

KernelName: TypeAlias = Literal["tangent", "covariance"]
"""The tangent kernel, or products of outputs, both in the mean over outputs."""


@final
class Draws:
    """Networks of a build, and the kernels that they have on given points."""

    def __init__(self, build: Any, x: Any, kernel: KernelName, seed: int, memory: float) -> None:
        self._build, self._x, self._kernel = build, x, kernel
        self._seed, self._memory = seed, memory
        self._functions = KernelsOfDraws(memory)

    def network(self, width: int, number: int) -> Described | DescribedModule:
        """A network; its seed depends on the width and its number alone, so that more can be added."""
        words = np.random.SeedSequence([self._seed, width, number]).generate_state(1)
        return call_build(self._build, width, int(words[0]) >> 1)

    def kernel(self, network: Described | DescribedModule) -> np.ndarray:
        """The kernel (n, n) in double precision."""
        if isinstance(network, Described):
            found = self._of_function(network)
        else:
            found = self._of_module(network.module)
        found = np.asarray(found, float)
        if not np.isfinite(found).all():
            raise InputError(
                "kernels of draws must be finite",
                received=f"{int((~np.isfinite(found)).sum())} of {found.size} entries that are not",
                cause="weights whose scale explodes with depth, or single precision that overflows",
                fix="scale the start with the width, or build in double precision",
            )
        return found

    def _of_function(self, made: Described) -> Any:
        ask = self._functions.tangent if self._kernel == "tangent" else self._functions.covariance
        return ask(made.apply, made.params, self._x)

    def _of_module(self, module: Any) -> Any:
        from lazyscope.torch import conjugate_kernel, tangent_kernel_diagonal  # an extra

        if self._kernel == "covariance":
            return conjugate_kernel(module, self._x, memory=self._memory)
        return tangent_kernel_diagonal(module, self._x, memory=self._memory).mean(-1)


def digest_of(network: Described | DescribedModule) -> str:
    """What tells the start of a network from any other."""
    if isinstance(network, Described):
        arrays = [np.asarray(leaf) for leaf in jax.tree.leaves(network.params)]
    else:
        arrays = [p.detach().cpu().numpy() for p in network.module.parameters()]
    stamp = hashlib.sha256()
    for array in arrays:
        stamp.update(repr((array.shape, str(array.dtype))).encode() + array.tobytes())
    return stamp.hexdigest()[:16]
