"""How large is every correction to the displacement law still, where a scheme was measured?"""

import math

import numpy as np
from jaxtyping import Float

from lazyscope.scaling import displacement_exponents, growth_power, relative_speed_exponents
from lazyscope.study.random_schemes._virtual import Exponents


def correction_sizes(
    scheme: Exponents,
    widths: Float[np.ndarray, " W"],
    displacements: Float[np.ndarray, "layers W"],
    optimiser: str = "sgd",
) -> Float[np.ndarray, "K W"]:
    """Sizes of all corrections to the law at every width, to first and second order.

    The law takes maxima for sums. What it leaves out is seen in the runs themselves, with the constants
    that its exponents do not tell:

    - the share of every layer in the motion of the outputs against that of the fastest, ``d_l^2 / q_l`` with
      ``q_l = s_l / alpha_l^2`` for descent, ``d_l / (1 + d_l)`` for optimisers that do not know the size of a
      gradient;
    - rho >= 0: the largest displacement against 1, since training leaves the linearisation by it, and the
      output at the start against the targets, or the reverse;
    - rho < 0: every layer's displacement against its start, or its start against the displacement.

    Where such a number is not small, a law of maxima is not there yet, and its exponents are only seen as
    well as the corrections can be told from a power.

    Args:
        scheme: scale and speed exponents.
        widths: the W virtual widths.
        displacements: relative, one number for each layer and width.
        optimiser: whose rates the speeds are.
    """
    scales, speeds = scheme
    exponents = np.array(displacement_exponents(scales, speeds, optimiser=optimiser))
    rho = math.fsum(scales)
    x = np.log(widths)
    with np.errstate(over="ignore"):
        if growth_power(optimiser) == 2:
            added = 2 * np.log(displacements)
            added -= np.outer(relative_speed_exponents(scales, speeds), x)
        else:
            added = np.log(displacements) - np.log1p(displacements)
        fastest = int(np.argmax(added[:, -1]))
        shares = np.exp(np.delete(added - added[fastest], fastest, axis=0))
        if rho < 0:
            signs = np.sign(np.where(exponents == 0, -1.0, exponents))
            first = displacements ** -signs[:, None]
        else:
            # E |f_0|^2 = |x|^2 kappa^2 / (M 2^L) for ReLU, inputs of norm one and targets of order one.
            start = (rho - 0.5) * x - (len(scales) - 1) / 2 * math.log(2)
            first = np.stack([displacements.max(0), np.exp(start if rho < 0.5 else -start)])
        return np.concatenate([first, first**2, shares])
