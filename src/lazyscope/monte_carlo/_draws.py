"""What is the kernel of one draw of a build, whatever library it is of?"""

import hashlib
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, final

import jax
import numpy as np

from lazyscope._checks import InputError
from lazyscope.kernel.any_function import KernelsOfDraws
from lazyscope.observe import Described, DescribedModule, call_build, check_width_matters

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


def check_draws(drawn: Draws, widths: Sequence[int]) -> None:
    """Refuse a build that ignores its width or its seed.

    The first would be its own limit, and draws of the second would have no scatter, so that no interval
    would tell.
    """
    first, wider = (drawn.network(width, 0) for width in widths[:2])
    shapes = [[array.shape for array in _arrays(one)] for one in (first, wider)]
    check_width_matters(shapes, widths[:2])
    if digest_of(first) == digest_of(drawn.network(widths[0], 1)):
        raise InputError(
            "build must depend on the seed",
            received=f"the same parameters for two seeds at width {widths[0]}",
            cause="a seed that build ignores, or a constant in its place",
            fix="draw the parameters with the argument seed, such as "
            "numpy.random.default_rng(seed), jax.random.key(seed) or torch.manual_seed(seed)",
        )


def digest_of(network: Described | DescribedModule) -> str:
    """What tells the start of a network from any other."""
    stamp = hashlib.sha256()
    for array in _arrays(network):
        stamp.update(repr((array.shape, str(array.dtype))).encode() + array.tobytes())
    return stamp.hexdigest()[:16]


def _arrays(network: Described | DescribedModule) -> list[np.ndarray]:
    if isinstance(network, Described):
        return [np.asarray(leaf) for leaf in jax.tree.leaves(network.params)]
    return [p.detach().cpu().numpy() for p in network.module.parameters()]
