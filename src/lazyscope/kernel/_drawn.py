"""What is the tangent kernel of a drawn network, weighted by the speeds of its scheme?"""

from jaxtyping import Array, Float, Real

from lazyscope._checks import check_instance
from lazyscope._entry import checked
from lazyscope._jax import is_double, own_settings
from lazyscope._types import Params
from lazyscope.kernel.any_function import MEMORY
from lazyscope.kernel.any_function._kernel import tangent_kernel_by_parameter
from lazyscope.model import AbstractNetwork
from lazyscope.scaling import Scheme


@checked(own=("params",), any_axes=("x1", "x2"))
def drawn_tangent_kernel(
    network: AbstractNetwork,
    params: Params,
    x1: Real[Array, "n1 *point"],
    x2: Real[Array, "n2 *point"] | None = None,
    *,
    scheme: Scheme,
    memory: float = MEMORY,
) -> Float[Array, "n1 n2 C C"]:
    """The kernel that drives training: ``sum_l s_l K_l`` with the speeds s_l of the scheme at this width.

    Of a network that was drawn with the same scheme it tends, output by output, to
    `network_tangent_kernel` of network and scheme; nothing has to be converted by hand.

    Args:
        network: any network of the library.
        params: as `init` draws them.
        x1: n1 points.
        x2: n2 points; None means x1.
        scheme: the one that `params` were drawn with. Scales and shifts that start at fixed values have the
            speed one.
        memory: as for `tangent_kernel`.

    Returns:
        The kernel (n1, n2, C, C).

    Raises:
        InputError: as for `tangent_kernel`; a scheme of another number of layers.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from lazyscope.model import Dense
        >>> from lazyscope.scaling import named_scheme
        >>> net, scheme = Dense(2, 1, 64, 1), named_scheme("ntk", depth=1, input_dim=2)
        >>> params = net.init(jax.random.key(0), scheme, dtype=jnp.float32)
        >>> drawn_tangent_kernel(net, params, jnp.eye(2), scheme=scheme).shape
        (2, 2, 1, 1)
    """
    check_instance("network", network, AbstractNetwork)
    check_instance("scheme", scheme, Scheme)
    speeds = network.per_layer("speed", scheme.speed(network.width))
    shares = tangent_kernel_by_parameter(network.apply, params, x1, x2, memory=memory)
    groups = [[one for one in group if one is not None] for group in shares]
    weights = [*map(float, speeds)] + [1.0] * (len(groups) - len(network.layers))
    with own_settings(double=is_double(shares)):
        return sum(s * k for s, group in zip(weights, groups, strict=True) for k in group)  # pyright: ignore[reportReturnType]
