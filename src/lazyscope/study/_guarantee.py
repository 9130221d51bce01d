"""Which rate does the theorem guarantee on given points, for any scheme and width?"""

from typing import Any, final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope.data import Dataset
from lazyscope.forecast import BoundForm, guaranteed_rate, limit_lambda_min
from lazyscope.kernel import normalised_limit_kernels, smallest_eigenvalue
from lazyscope.model import Dense
from lazyscope.scaling import Scheme


@final
class Bound:
    """The theorem's rate on one set of points, for any scheme, width and spread of kappa.

    For homogeneous activations the limit kernels are computed once; for others they depend on the
    scales, and a scheme whose pre-activations vanish or saturate has no bound.

    Args:
        data: the training points count.
        depth: hidden layers.
        activation: nonlinearity.
    """

    def __init__(self, data: Dataset, depth: int, activation: str) -> None:
        self._x = data.x_train
        self._model = Dense(self._x.shape[1], data.y_train.shape[1], 1, depth, activation)
        self._shared: np.ndarray | None = None
        self._found: dict[tuple[float, ...], np.ndarray | None] = {}
        if self._model.activation.homogeneous:
            self._shared = np.asarray(
                normalised_limit_kernels(
                    self._x,  # pyright: ignore[reportArgumentType]
                    depth=depth,
                    activation=activation,
                )
            )

    @property
    def kernels(self) -> Float[np.ndarray, "layers n n"] | None:
        """The normalised limit kernels, None where they depend on the scheme."""
        return self._shared

    def lambda_record(self) -> dict[str, Any]:
        """lambda_S and lambda_min of every layer; None where they depend on the scheme."""
        if self._shared is None:
            return {"smallest": None, "layers": None}
        layers = smallest_eigenvalue(self._shared)
        return {"smallest": float(layers.min()), "layers": layers.tolist()}

    def smallest(self, scheme: Scheme, width: int) -> Float[np.ndarray, " layers"] | None:
        """lambda_min(Kbar_l) of every layer, None where the theorem does not speak."""
        if self._shared is not None:
            return smallest_eigenvalue(self._shared)
        # Every scale but the readout's is seen by the kernels.
        seen = (float(width), *scheme.alpha(width)[:-1].tolist())
        if seen not in self._found:
            self._found[seen] = self._limit(scheme, width)
        return self._found[seen]

    def _limit(self, scheme: Scheme, width: int) -> Float[np.ndarray, " layers"] | None:
        sizes = (self._x.shape[1], 1, width, self._model.depth)
        try:
            return limit_lambda_min(scheme, Dense(*sizes, self._model.activation_name), self._x)
        except InputError:
            return None

    def rate(self, scheme: Scheme, width: int, *, form: BoundForm = "derived") -> float | None:
        """The rate that the theorem guarantees, in one of its forms; None where it does not speak."""
        smallest = self.smallest(scheme, width)
        if smallest is None:
            return None
        given = scheme.alpha(width), scheme.speed(width), smallest, len(self._x)
        return guaranteed_rate(*given, form=form)

    @staticmethod
    def weights(scheme: Scheme, width: int) -> Float[np.ndarray, " layers"]:
        """s_l kappa^2 / alpha_l^2, by which normalised kernels enter the kernel."""
        alpha = scheme.alpha(width)
        return scheme.speed(width) * (np.prod(alpha) / alpha) ** 2

    def rates(self, scheme: Scheme, width: int) -> dict[str, float | None]:
        """The theorem's bounds, and ``limit``: 2 lambda_min / n of the summed limit kernel.

        ``bound_published`` has one lambda_S for all layers, ``bound`` the lambda_min of every layer: the
        derived form, which is at least the published one. ``limit`` is what a network of infinite width has
        at its start. It is at least ``bound``, because the smallest eigenvalue of a sum is at least the sum
        of the smallest ones.
        """
        bound, limit = self.rate(scheme, width), None
        if bound is not None and self._shared is not None:
            summed = np.einsum("l,lij->ij", self.weights(scheme, width), self._shared)
            limit = float(2.0 / len(self._x) * smallest_eigenvalue(summed))
        published = self.rate(scheme, width, form="published")
        return {"bound": bound, "bound_published": published, "limit": limit}
