"""What kernels does an infinitely wide network have?"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import InputError, check_count
from lazyscope.kernel._limit_block import Combine, covariance, tangent, tangent_by_layer
from lazyscope.kernel._limit_function import PiecewiseSmooth
from lazyscope.kernel._limit_network import LimitNetwork, limit_network
from lazyscope.kernel._limit_points import pair_maps, single_points
from lazyscope.kernel._limit_tiles import fill
from lazyscope.model._activation import Activation

Nonlinearity: TypeAlias = str | Activation | PiecewiseSmooth | Callable[[Array], Array]
"""A name, an `Activation`, a function of one JAX array, or a function with its kinks."""


def limit_tangent_kernel(
    x1: Float[Array, "n1 d"],
    x2: Float[Array, "n2 d"] | None = None,
    *,
    depth: int,
    activation: Nonlinearity,
    weight_std: float | Sequence[float] = 1.0,
    bias_std: float | Sequence[float] = 0.0,
    readout_weight_std: float | None = None,
    readout_bias_std: float | None = None,
    tile: int = 512,
) -> Float[np.ndarray, "n1 n2"]:
    """Tangent kernel of an infinitely wide network, all weights and biases trained (NTK parametrisation).

    Pre-activations are z[l] = weight_std W[l] x[l-1] / sqrt(fan_in) + bias_std b[l] with standard normal
    W and b, for l = 1..depth + 1, the last one being the output; x[l] = sigma(z[l]). With C[0] =
    <x, x'> / d, C[l] = E sigma(u) sigma(v) and S[l] = E sigma'(u) sigma'(v) for (u, v) of covariance Q[l],

        Q[l] = weight_std^2 C[l-1] + bias_std^2,
        Theta[1] = Q[1],   Theta[l+1] = Q[l+1] + weight_std^2 S[l] Theta[l],

    and the result is Theta[depth + 1], per output; it does not depend on any width.

    Args:
        x1: n1 inputs. Single precision gives a kernel in single precision, anything else in double.
        x2: n2 inputs. ``None`` means x1; half the work, and a result that is symmetric to the bit.
        depth: number of hidden layers, at least 1.
        activation: name ("relu", "leaky_relu", "abs", "linear", "erf", "sine", "gelu" in closed form;
            any other name of the library by quadrature), a function of one JAX array, or a
            `PiecewiseSmooth` function with its kinks.
        weight_std: one number, or one for each layer: depth + 1, or depth beside `readout_weight_std`.
        bias_std: the same for biases.
        readout_weight_std: that of the last layer; ``None`` means as before.
        readout_bias_std: the same for the last bias.
        tile: largest number of rows and columns computed at once; bounds the memory beside the
            result by about depth * tile^2 numbers. 512 keeps a block inside the processor's cache.

    Returns:
        (n1, n2) in host memory.

    Raises:
        InputError: depth below 1; inputs not a finite matrix; activations that are not numbers,
            have no finite second moment, jump (their slope has none), or do not yield to quadrature.

    Cost: n1 n2 (2 d + 30 depth) operations for the ReLU family, half of it without x2; other closed
    forms two to three times as much. Smooth functions take a power series of 20 to 250 terms, kinked
    ones a series in the angle after a second or two of quadrature; kinks away from zero with inputs
    of different norms fall back to quadrature of every pair (a millisecond each).

    Trust: 1e-12 of the largest entry in double precision, also for equal, opposite and orthogonal
    inputs (test_limit_precision); 1e-6 in single.

    Reference: Jacot, Gabriel & Hongler 2018, theorem 1 (with the variances of both parts as above).

    Example:
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> limit_tangent_kernel(x, depth=1, activation="relu", weight_std=2**0.5).round(12).tolist()
        [[2.0, 0.318309886184], [0.318309886184, 2.0]]
    """
    network = limit_network(
        depth, activation, weight_std, bias_std, readout_weight_std, readout_bias_std
    )
    return kernel_of(tangent, network, x1, x2, tile)


def limit_covariance_kernel(
    x1: Float[Array, "n1 d"],
    x2: Float[Array, "n2 d"] | None = None,
    *,
    depth: int,
    activation: Nonlinearity,
    weight_std: float | Sequence[float] = 1.0,
    bias_std: float | Sequence[float] = 0.0,
    readout_weight_std: float | None = None,
    readout_bias_std: float | None = None,
    tile: int = 512,
) -> Float[np.ndarray, "n1 n2"]:
    """Covariance of the outputs of an infinitely wide random network (NNGP kernel), Q[depth + 1].

    Definition, arguments, precision, cost and refusals are those of `limit_tangent_kernel`, except
    that activations with jumps are welcome.

    Reference: Lee, Bahri, Novak, Schoenholz, Pennington & Sohl-Dickstein 2018, equation 5.

    Example:
        >>> x = np.array([[1.0, 0.0], [-1.0, 0.0]])
        >>> limit_covariance_kernel(x, depth=2, activation="linear", weight_std=2.0).round(12).tolist()
        [[32.0, -32.0], [-32.0, 32.0]]
    """
    network = limit_network(
        depth, activation, weight_std, bias_std, readout_weight_std, readout_bias_std
    )
    return kernel_of(covariance, network, x1, x2, tile)


def limit_tangent_kernel_by_layer(
    x1: Float[Array, "n1 d"],
    x2: Float[Array, "n2 d"] | None = None,
    *,
    depth: int,
    activation: Nonlinearity,
    weight_std: float | Sequence[float] = 1.0,
    bias_std: float | Sequence[float] = 0.0,
    readout_weight_std: float | None = None,
    readout_bias_std: float | None = None,
    tile: int = 512,
) -> Float[np.ndarray, "depth+1 n1 n2"]:
    """What each layer's weights and biases contribute to `limit_tangent_kernel`.

    Layer l contributes Q[l] prod_{j=l..depth} weight_std[j+1]^2 S[j], the kernel if it alone were
    trained; the sum over layers is the tangent kernel. Arguments and the rest as there.

    Example:
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> limit_tangent_kernel_by_layer(x, depth=2, activation="linear")[:, 0, 0].tolist()
        [0.5, 0.5, 0.5]
    """
    network = limit_network(
        depth, activation, weight_std, bias_std, readout_weight_std, readout_bias_std
    )
    return kernel_of(tangent_by_layer, network, x1, x2, tile)


def kernel_of(
    combine: Combine, network: LimitNetwork, x1: Any, x2: Any | None, tile: int
) -> np.ndarray:
    """The kernel that `combine` makes of the layers of `network`."""
    tile = check_count("tile", tile)
    x1 = as_inputs("x1", x1)
    if x2 is not None:
        x2 = as_inputs("x2", x2)
        _check_match(x1, x2)
        x2 = x2.astype(x1.dtype)
    squares = network.weight_stds**2
    with jax.enable_x64(True):
        points1 = single_points(network, x1, slopes=combine is not covariance)
        points2 = points1 if x2 is None else single_points(network, x2, slopes=False)
        maps, left, right = pair_maps(network, points1, points2)
        shape = len(x1), len(x1 if x2 is None else x2)
        leading = (network.depth + 1,) if combine is tangent_by_layer else ()
        out = np.empty((*leading, *shape), x1.dtype)
        fill(out, combine, maps, left, right, squares, tile=tile, symmetric=x2 is None)
        if x2 is None:
            diagonal = np.arange(len(x1))
            out[..., diagonal, diagonal] = combine(list(left.variances), list(left.slopes), squares)
    return out


def as_inputs(name: str, x: Any) -> np.ndarray:
    """Inputs (n, d) as a finite NumPy matrix in single or double precision, or a refusal."""
    x = np.asarray(x)
    if x.ndim != 2 or 0 in x.shape:
        raise InputError(
            f"{name} must be a matrix with one row for each input",
            received=f"shape {x.shape}",
            cause="images not flattened, a single input without its batch axis, or an empty selection",
            fix="reshape to (n, d), for example x.reshape(len(x), -1)",
        )
    if x.dtype.kind not in "fiub" or not np.isfinite(x).all():
        raise InputError(
            f"{name} must hold finite real numbers",
            received=f"{x.dtype}" if x.dtype.kind not in "fiub" else "nan or infinity among them",
            cause="missing values, a division by a zero norm, or labels passed as inputs",
            fix="drop or fill those rows",
        )
    return x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)


def _check_match(x1: np.ndarray, x2: np.ndarray) -> None:
    if x1.shape[1] != x2.shape[1]:
        raise InputError(
            "x1 and x2 must have the same number of features",
            received=f"{x1.shape[1]} and {x2.shape[1]}",
            cause="a transposed matrix, or training and test data prepared differently",
            fix="give both as (n, d) with the same d",
        )
    if {x1.dtype, x2.dtype} == {np.dtype(np.float32), np.dtype(np.float64)}:
        raise InputError(
            "x1 and x2 must have the same precision",
            received=f"{x1.dtype} and {x2.dtype}",
            cause="one of them read from a file or made by NumPy's default",
            fix="convert one of them with astype",
        )
