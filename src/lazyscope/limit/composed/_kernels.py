"""What kernels does a composed network have at infinite width?"""

import numpy as np
from jaxtyping import ArrayLike, Float, Real

from lazyscope._entry import checked
from lazyscope.limit._normalised import VARIANCES_THAT_BEND, check_unit
from lazyscope.limit.composed._assembly import kernel_of, points_of
from lazyscope.model import AbstractNetwork
from lazyscope.model.composed import ComposedNetwork, composition_of
from lazyscope.scaling import Scheme


@checked(own=("network",), any_axes=("x1", "x2"))
def network_tangent_kernel(
    network: AbstractNetwork,
    x1: Real[ArrayLike, "n1 *point"],
    x2: Real[ArrayLike, "n2 *point"] | None = None,
    *,
    scheme: Scheme | None = None,
    training: bool = False,
    memory: int | None = None,
) -> Float[np.ndarray, "n1 n2"]:
    """Tangent kernel per output of a composed network of infinite width, weighted by speeds.

    ``Theta = sum_l s_l <df / dW_l, df' / dW_l>``, effective weights W_l with the standard deviations and
    speeds s_l of the scheme; with the NTK parametrisation of the parts unless a scheme is given. It is what
    the tangent kernel of the network itself, weighted by the same speeds, tends to as its width grows.

    Args:
        network: a composition, or a network of the library that has one (`composition_of`); without a scheme
            its width does not matter.
        x1: n1 points of the network's input shape, or flattened. Single precision gives a kernel in single
            precision, anything else in double.
        x2: n2 points; ``None`` means x1: half the work, and a result that is symmetric to the bit.
        scheme: scales and speeds at the network's width, one for each drawn layer.
        training: with the noise of dropout, other masks for every point.
        memory: bytes that rectangles of the computation may take beside the result; what suits the
            processor's cache unless given.

    Returns:
        (n1, n2) in host memory.

    Raises:
        InputError: points of another shape; parts without a limit, or variances that explode or vanish
            (with the place or the layer); a memory budget too small for one pair of points.

    Warns:
        AccuracyWarning: a chaotic network amplifies rounding of nearly equal points.

    Cost: n1 n2 times positions (squared before a pooling or attention) times layers, half without x2.

    Trust: 1e-7 of the largest entry in double precision for nearly equal points and piecewise linear
    activations, whose kernels depend on the root of 1 - rho, better elsewhere; equal points are told by
    their bits and exact.
    Single precision: 1e-3 and 1e-6. Beside neural-tangents 0.6.5: 1e-6 in double precision.

    Reference: Jacot, Gabriel & Hongler 2018; convolutions, Arora et al. 2019 and Novak et al. 2019;
    attention, Hron et al. 2020.

    Example:
        >>> from lazyscope import composed
        >>> relu = composed.activation("relu")
        >>> net = composed.ComposedNetwork(
        ...     composed.serial(composed.dense(weight_std=2**0.5), relu, composed.dense(outputs=1)), (2,), 8
        ... )
        >>> network_tangent_kernel(net, np.eye(2)).round(12).tolist()
        [[1.0, 0.159154943092], [0.159154943092, 1.0]]
    """
    network = composition_of(network)
    shares = kernel_of("layers" if scheme else "tangent", network, x1, x2, scheme, training, memory)
    if scheme is None:
        return shares
    speeds = _per_weight(network, scheme) * scheme.speed(network.width)
    return np.tensordot(speeds.astype(shares.dtype), shares, axes=1)


@checked(own=("network",), any_axes=("x1", "x2"))
def network_covariance_kernel(
    network: AbstractNetwork,
    x1: Real[ArrayLike, "n1 *point"],
    x2: Real[ArrayLike, "n2 *point"] | None = None,
    *,
    scheme: Scheme | None = None,
    training: bool = False,
    memory: int | None = None,
) -> Float[np.ndarray, "n1 n2"]:
    """Covariance per output of a composed random network of infinite width (NNGP kernel).

    Arguments, refusals and the rest as in `network_tangent_kernel`.

    Example:
        >>> from lazyscope import composed
        >>> net = composed.ComposedNetwork(composed.dense(outputs=1, weight_std=2.0), (2,), 8)
        >>> network_covariance_kernel(net, np.eye(2)).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """
    return kernel_of("covariance", composition_of(network), x1, x2, scheme, training, memory)


@checked(own=("network",), any_axes=("x1", "x2"))
def network_tangent_kernel_by_layer(
    network: AbstractNetwork,
    x1: Real[ArrayLike, "n1 *point"],
    x2: Real[ArrayLike, "n2 *point"] | None = None,
    *,
    scheme: Scheme | None = None,
    training: bool = False,
    memory: int | None = None,
) -> Float[np.ndarray, "layers n1 n2"]:
    """What every drawn layer contributes to `network_tangent_kernel`; the sum over layers is that kernel.

    Arguments, refusals and the rest as there.

    Example:
        >>> from lazyscope import composed
        >>> net = composed.ComposedNetwork(
        ...     composed.serial(composed.dense(), composed.dense(outputs=1)), (2,), 8
        ... )
        >>> network_tangent_kernel_by_layer(net, np.eye(2))[:, 0, 0].tolist()
        [0.5, 0.5]
    """
    network = composition_of(network)
    shares = kernel_of("layers", network, x1, x2, scheme, training, memory)
    if scheme is None:
        return shares
    speeds = _per_weight(network, scheme) * scheme.speed(network.width)
    return shares * speeds.astype(shares.dtype)[:, None, None]


@checked(own=("network",), any_axes=("x1", "x2"))
def normalised_network_kernels(
    network: AbstractNetwork,
    x1: Real[ArrayLike, "n1 *point"],
    x2: Real[ArrayLike, "n2 *point"] | None = None,
    *,
    scheme: Scheme | None = None,
    training: bool = False,
    memory: int | None = None,
) -> Float[np.ndarray, "layers n1 n2"]:
    """Kbar_l of every layer, freed of its scale: ``K_l = (kappa phi_l / alpha_l)^2 Kbar_l``.

    K_l is the tangent kernel of layer l alone at speed one, kappa and the leverages phi_l those of the
    network at the scales of the scheme; every phi_l is one in a row of layers without branches. For
    homogeneous activations Kbar_l depends on the scales of residual branches alone, and tends to a limit
    as these vanish.

    Args:
        network: the composition.
        x1: n1 points, whose mean squared norm must be one, for which scales are defined.
        x2: n2 points; ``None`` means x1.
        scheme: scales; those of the network's NTK parametrisation unless given.
        training: as in `network_tangent_kernel`.
        memory: as there.

    Returns:
        (layers, n1, n2), in the order of ``network.layers``.

    Raises:
        InputError: as in `network_tangent_kernel`; inputs that are not of norm one on average; for
            activations that are not homogeneous, pre-activation variances below 1e-4 or above 1e4, where the
            network acts as its linearisation or saturates.

    Example:
        >>> from lazyscope import composed
        >>> relu = composed.activation("relu")
        >>> net = composed.ComposedNetwork(
        ...     composed.serial(composed.dense(), relu, composed.dense(outputs=1)), (2,), 8
        ... )
        >>> normalised_network_kernels(net, np.eye(2)).round(12).tolist()
        [[[0.5, 0.0], [0.0, 0.5]], [[0.5, 0.159154943092], [0.159154943092, 0.5]]]
    """
    network = composition_of(network)
    scheme = network.ntk_scheme() if scheme is None else scheme
    for name, x in (("x1", x1), ("x2", x2)):
        if x is not None:
            points = points_of(name, x, network)
            check_unit(name, points.reshape(len(points), -1))
    given = x1, x2, scheme, training, memory
    shares = kernel_of("layers", network, *given, between=VARIANCES_THAT_BEND)
    alpha = scheme.alpha(network.width)
    own = alpha / (network.kappa(alpha) * network.leverage(alpha))
    factors = _per_weight(network, scheme) * own**2
    return shares * factors.astype(shares.dtype)[:, None, None]


def _per_weight(network: ComposedNetwork, scheme: Scheme) -> np.ndarray:
    """fan_in / weight_std^2: from parameters of the NTK parametrisation to effective weights."""
    return network.fan_ins() / network.weight_stds(scheme) ** 2
