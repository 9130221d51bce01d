"""Which kernel is frozen during a step, as a spectrum?"""

from typing import Literal

from jaxtyping import Array, Float

from lazyscope.kernel import AbstractExpansion, Spectrum, as_matrix

FrozenKernel = Literal["mean", "full"]


def frozen_spectrum(
    expansion: AbstractExpansion, speeds: Float[Array, " groups"], frozen: FrozenKernel
) -> Spectrum:
    """The spectrum of the full kernel, n C modes, or of the kernel averaged over outputs, n modes.

    Those n modes are shared by the C outputs: exact in the limit of infinite width, where outputs
    decouple.
    """
    num_points, num_outputs = expansion.outputs.shape
    if frozen == "full" and num_outputs > 1:
        return Spectrum.of(as_matrix(expansion.kernel(speeds)), num_points)
    return Spectrum.of(expansion.mean_kernel(speeds), num_points)
