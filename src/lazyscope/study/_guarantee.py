"""Which rate does the theorem guarantee on given points, for any scheme and width?"""

from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope.composed import composition_of, normalised_network_kernels
from lazyscope.data import Dataset
from lazyscope.forecast import BoundForm, guaranteed_rate
from lazyscope.kernel import smallest_eigenvalue
from lazyscope.model import AbstractNetwork, activation, architecture, build_network
from lazyscope.scaling import Scheme

_ANY_WIDTH = 16  # at which to see whether there is a limit


class LimitShares(NamedTuple):
    """The normalised limit kernels of all layers, and the smallest eigenvalue of each."""

    kernels: Float[np.ndarray, "layers n n"]
    smallest: Float[np.ndarray, " layers"]


@final
class Bound:
    """The theorem's rate on one set of points, for any scheme, width and spread of kappa.

    For homogeneous activations and no branches the limit kernels are computed once. Residual branches
    weigh what passes through them by their scales, and other activations see the size of their
    pre-activations: there the kernels depend on the scheme, and one whose pre-activations vanish or
    saturate has no bound.

    Args:
        data: the training points count.
        depth: hidden layers.
        activation: nonlinearity.
        model: name of an architecture that has a composition.

    Raises:
        InputError: an architecture whose limit is not known, or points that do not fit it.
    """

    def __init__(self, data: Dataset, depth: int, activation: str, model: str = "dense") -> None:
        self._x = data.x_train
        self._model, self._depth, self._activation = model, depth, activation
        composition_of(self.network(_ANY_WIDTH))
        self._branches = architecture(model).has_branches
        self._last: tuple[tuple[float, ...], LimitShares | None] | None = None

    def network(self, width: int) -> AbstractNetwork:
        """The network at a width, with one output, as kernels are per output."""
        return build_network(self._model, self._x.shape[1], 1, width, self._depth, self._activation)

    @property
    def one_for_all(self) -> bool:
        """Whether the normalised limit kernels are the same for every scheme and width."""
        return self._homogeneous and not self._branches

    @property
    def _homogeneous(self) -> bool:
        return activation(self._activation).homogeneous

    def lambda_record(self) -> dict[str, Any]:
        """lambda_S and lambda_min of every layer; None where they depend on the scheme."""
        if not self.one_for_all:
            return {"smallest": None, "layers": None}
        network = self.network(1)
        found = self.shares(Scheme.at_width(1, alpha=[1.0] * len(network.layers)), 1)
        assert found is not None
        return {"smallest": float(found.smallest.min()), "layers": found.smallest.tolist()}

    def shares(self, scheme: Scheme, width: int) -> LimitShares | None:
        """Normalised limit kernels with their smallest eigenvalues, None where the theorem does not speak."""
        seen = self._seen(scheme, width)
        if self._last is None or self._last[0] != seen:
            self._last = seen, self._limit(scheme, width)
        return self._last[1]

    def _seen(self, scheme: Scheme, width: int) -> tuple[float, ...]:
        """The scales that the kernels depend on; never that of the readout."""
        if self.one_for_all:
            return ()
        alpha = scheme.alpha(width).tolist()
        return tuple(alpha[1:-1]) if self._homogeneous else (float(width), *alpha[:-1])

    def _limit(self, scheme: Scheme, width: int) -> LimitShares | None:
        try:
            kernels = normalised_network_kernels(self.network(width), self._x, scheme=scheme)
        except InputError:
            return None
        return LimitShares(kernels, smallest_eigenvalue(kernels))

    def rate(self, scheme: Scheme, width: int, *, form: BoundForm = "derived") -> float | None:
        """The rate that the theorem guarantees, in one of its forms; None where it does not speak."""
        found = self.shares(scheme, width)
        if found is None:
            return None
        network, alpha = self.network(width), scheme.alpha(width)
        given = alpha, scheme.speed(width), found.smallest, len(self._x)
        known = {"kappa": network.kappa(alpha), "leverage": network.leverage(alpha)}
        return guaranteed_rate(*given, form=form, **known)

    def weights(self, scheme: Scheme, width: int) -> Float[np.ndarray, " layers"]:
        """s_l (kappa phi_l / alpha_l)^2, by which normalised kernels enter the kernel."""
        network, alpha = self.network(width), scheme.alpha(width)
        share = network.kappa(alpha) * network.leverage(alpha) / alpha
        return scheme.speed(width) * share**2

    def rates(self, scheme: Scheme, width: int) -> dict[str, float | None]:
        """The theorem's bounds, and ``limit``: 2 lambda_min / n of the summed limit kernel.

        ``bound_published`` has one lambda_S for all layers, ``bound`` the lambda_min of every layer: the
        derived form, which is at least the published one. ``limit`` is what a network of infinite width has
        at its start. It is at least ``bound``, because the smallest eigenvalue of a sum is at least the sum
        of the smallest ones. ``lambda_s`` is the smallest of the layers' eigenvalues.
        """
        found = self.shares(scheme, width)
        if found is None:
            return dict.fromkeys(("bound", "bound_published", "limit", "lambda_s"))
        summed = np.einsum("l,lij->ij", self.weights(scheme, width), found.kernels)
        return {
            "bound": self.rate(scheme, width),
            "bound_published": self.rate(scheme, width, form="published"),
            "limit": float(2.0 / len(self._x) * smallest_eigenvalue(summed)),
            "lambda_s": float(found.smallest.min()),
        }
