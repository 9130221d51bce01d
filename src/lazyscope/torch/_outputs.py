"""What is the tangent kernel of every output of a module alone, and summed over them?"""

import numpy as np
import torch
from jaxtyping import Float

from lazyscope.torch.kernel._kernel import MEMORY, Examples, kernel_of, look


def tangent_kernel_trace(
    module: torch.nn.Module,
    x1: Examples,
    x2: Examples | None = None,
    *,
    memory: float = MEMORY,
) -> Float[np.ndarray, "n1 n2"]:
    """Tangent kernel summed over equal outputs; the C x C kernels are never formed.

    Definition, a plain sum over outputs and parameters (divide by C for the mean over outputs)::

        T[i, j] = sum_c K[i, j, c, c]

    Args:
        module: as for `tangent_kernel`.
        x1: as for `tangent_kernel`.
        x2: as for `tangent_kernel`.
        memory: as for `tangent_kernel`.

    Returns:
        The trace, in the precision of the parameters.

    Raises:
        InputError: as for `tangent_kernel`.

    Cost: one forward and C backward passes per example, plus for a weight (o, i) used at s positions per
    pair of examples at most ``s^2 (i + C o)`` multiply-adds, where the full kernel takes C^2 o.
    Trust: exact to rounding.

    Example:
        >>> import numpy as np, torch
        >>> layer = torch.nn.Linear(2, 3, bias=False)
        >>> tangent_kernel_trace(layer, np.array([[1.0, 2.0], [0.0, 1.0]])).tolist()
        [[15.0, 6.0], [6.0, 3.0]]
    """
    return kernel_of(look(module, x1, x2, memory, "sum"))[:, :, 0, 0]


def tangent_kernel_diagonal(
    module: torch.nn.Module,
    x1: Examples,
    x2: Examples | None = None,
    *,
    memory: float = MEMORY,
) -> Float[np.ndarray, "n1 n2 C"]:
    """Tangent kernel of every output with itself; the C x C kernels are never formed.

    Definition, a plain sum over parameters::

        D[i, j, c] = K[i, j, c, c]

    Args:
        module: as for `tangent_kernel`.
        x1: as for `tangent_kernel`.
        x2: as for `tangent_kernel`.
        memory: as for `tangent_kernel`.

    Returns:
        One kernel for every output, in the precision of the parameters.

    Raises:
        InputError: as for `tangent_kernel`.

    Cost: one forward and C backward passes per example, plus C times what a module of one output takes.
    Trust: exact to rounding.

    Example:
        >>> import numpy as np, torch
        >>> layer = torch.nn.Linear(2, 3, bias=False)
        >>> tangent_kernel_diagonal(layer, np.array([[1.0, 2.0], [0.0, 1.0]]))[0, 1].tolist()
        [2.0, 2.0, 2.0]
    """
    return kernel_of(look(module, x1, x2, memory, "each"))[:, :, :, 0]
