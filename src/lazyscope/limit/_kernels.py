"""What kernels does an infinitely wide network have?"""

from typing import Unpack

import numpy as np
from jaxtyping import ArrayLike, Float, Real

from lazyscope._jax import own_settings
from lazyscope.limit._amplification import total_gain
from lazyscope.limit._assembly import kernel_of
from lazyscope.limit._inputs import as_inputs
from lazyscope.limit._network import NetworkArguments, limit_network, showing_network
from lazyscope.limit._recursion import covariance, tangent, tangent_by_layer
from lazyscope.limit._variances import single_points


@showing_network
def limit_tangent_kernel(
    x1: Real[ArrayLike, "n1 d"],
    x2: Real[ArrayLike, "n2 d"] | None = None,
    *,
    tile: int = 512,
    **network: Unpack[NetworkArguments],
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
            have no finite second moment, jump (their slope has none), or do not yield to quadrature;
            variances that overflow; a call while JAX traces (under ``jit``, ``grad`` or ``vmap``).

    Warns:
        AccuracyWarning: a chaotic network amplifies rounding of nearly equal inputs beyond what is
            promised below; `limit_amplification` says by how much.

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
    return kernel_of(tangent, limit_network(**network), x1, x2, tile)


@showing_network
def limit_covariance_kernel(
    x1: Real[ArrayLike, "n1 d"],
    x2: Real[ArrayLike, "n2 d"] | None = None,
    *,
    tile: int = 512,
    **network: Unpack[NetworkArguments],
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
    return kernel_of(covariance, limit_network(**network), x1, x2, tile)


@showing_network
def limit_tangent_kernel_by_layer(
    x1: Real[ArrayLike, "n1 d"],
    x2: Real[ArrayLike, "n2 d"] | None = None,
    *,
    tile: int = 512,
    **network: Unpack[NetworkArguments],
) -> Float[np.ndarray, "layers n1 n2"]:
    """What each layer's weights and biases contribute to `limit_tangent_kernel`.

    Layer l contributes Q[l] prod_{j=l..depth} weight_std[j+1]^2 S[j], the kernel if it alone were
    trained; the sum over layers is the tangent kernel. Arguments and the rest as there.

    Example:
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> limit_tangent_kernel_by_layer(x, depth=2, activation="linear")[:, 0, 0].tolist()
        [0.5, 0.5, 0.5]
    """
    return kernel_of(tangent_by_layer, limit_network(**network), x1, x2, tile)


@showing_network
def limit_amplification(
    x: Real[ArrayLike, "n d"],
    **network: Unpack[NetworkArguments],
) -> Float[np.ndarray, " n"]:
    """By how much an infinitely wide network amplifies small differences of its inputs.

    The derivative of 1 - rho of the outputs by 1 - rho of the inputs at equal inputs, for each input:
    the product over layers of c^2 q E sigma'(u)^2 / E sigma(u)^2, u ~ N(0, q), c^2 the share of the
    weights in the next variance. Above one the network is chaotic. Rounding of inputs is amplified
    alike: at the inverse of this number, 1 - rho of two inputs is lost.

    Args:
        x: n inputs.
        depth: number of hidden layers.
        activation: as in `limit_tangent_kernel`.
        weight_std: as there.
        bias_std: as there.
        readout_weight_std: as there.
        readout_bias_std: as there.

    Returns:
        (n,), infinite for activations with jumps.

    Reference: Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli 2016, equation 7.

    Example:
        >>> limit_amplification(np.ones((1, 2)), depth=5, activation="relu").tolist()
        [1.0]
    """
    described = limit_network(**network)
    with own_settings():
        return total_gain(described, single_points(described, as_inputs("x", x), slopes=False))
