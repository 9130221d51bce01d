"""How is a function learned by infinitely wide networks, with its uncertainty?"""

from typing import Any, Self, final

import numpy as np
from sklearn.base import RegressorMixin

from lazyscope._checks import check_flag
from lazyscope.estimators._abstract import ROOT_2, AbstractTangentKernelEstimator, validated


@final
class TangentKernelRegressor(RegressorMixin, AbstractTangentKernelEstimator):
    """Regression by infinitely wide networks: the mean of their trained ensemble and its spread.

    Args:
        depth: hidden layers of a dense network.
        activation: its nonlinearity, as in `limit_tangent_kernel`.
        weight_std: standard deviation of its weights in the NTK parametrisation, one number or one for each
            layer; root 2 keeps the size of signals under the rectifier.
        bias_std: that of its biases.
        network: another network in place of the dense one: a `ComposedNetwork`, or any object with methods
            ``tangent_kernel(x1, x2)`` and ``covariance_kernel(x1, x2)``, ``x2=None`` meaning x1.
        kernel: ``"ntk"``, all layers trained, or ``"nngp"``, the last layer alone. In the limit, the second
            is the posterior of a Gaussian process with noise `ridge`.
        ridge: decay of parameters towards their start, in units of the mean diagonal of the kernel, at
            least 0. Above zero where points are duplicates or the kernel is singular.
        time: of gradient flow on the mean squared error over two, as in `predict_flow`; ``None`` or infinity
            for the limit.
        friction: of flow with momentum, as in `HeavyBallFlow`, whose time is in units of the root of the
            time of gradient flow; ``None`` means gradient flow. The limit is the same.
        normalize_y: whether targets are centred and scaled to variance one first, so that the variance
            of the networks before training is in units of that of the targets.

    Attributes:
        trained_: the `GaussianProcess` or `TrainedEnsemble` of the training points.
        ridge_: ridge in the units of the kernel.
        X_fit_: the training points.
        n_features_in_: number of features.

    Raises:
        InputError: parameters that are none, networks without such kernels; for points and targets
            scikit-learn's own errors.

    Cost: fit takes about 10 n^3 operations and 16 n^2 bytes.

    Reference: Jacot, Gabriel & Hongler 2018; Lee et al. 2018, 2019.

    Example:
        >>> x = np.linspace(-1, 1, 8)[:, None]
        >>> model = TangentKernelRegressor(activation="erf", ridge=0.0).fit(x, x[:, 0] ** 2)
        >>> mean, std = model.predict(x, return_std=True)
        >>> bool(np.max(np.abs(mean - x[:, 0] ** 2)) < 1e-4), bool(np.max(std) < 1e-4)
        (True, True)
    """

    def __init__(
        self,
        *,
        depth: Any = 3,
        activation: Any = "relu",
        weight_std: Any = ROOT_2,
        bias_std: Any = 0.1,
        network: Any = None,
        kernel: Any = "ntk",
        ridge: Any = 1e-3,
        time: Any = None,
        friction: Any = None,
        normalize_y: Any = True,
    ) -> None:
        super().__init__(
            depth=depth,
            activation=activation,
            weight_std=weight_std,
            bias_std=bias_std,
            network=network,
            kernel=kernel,
            ridge=ridge,
            time=time,
            friction=friction,
        )
        self.normalize_y = normalize_y

    def fit(self, X: Any, y: Any) -> Self:
        """Train on points (n, d) and targets (n,) or (n, C).

        Args:
            X: points, an array or data frame of finite numbers.
            y: targets.
        """
        X, y = validated(self, X, reset=True, y=y, multi_output=True, y_numeric=True)
        targets = np.asarray(y, np.float64)
        self._columns = targets.shape[1:]
        targets = targets.reshape(len(targets), -1)
        self._shift, self._scale = np.zeros(targets.shape[1]), np.ones(targets.shape[1])
        if check_flag("normalize_y", self.normalize_y):
            self._shift = targets.mean(axis=0)
            spread = targets.std(axis=0)
            self._scale = np.where(spread > 0, spread, 1.0)
        self._fit_outputs(X, (targets - self._shift) / self._scale)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Mean outputs at points, with ``return_std`` their standard deviations too.

        Args:
            X: points (n, d).
            return_std: whether standard deviations of the function, without noise, follow.
        """
        mean, variance = self._predicted(X, spread=check_flag("return_std", return_std))
        shape = (len(mean), *self._columns)
        outputs = (mean * self._scale + self._shift).reshape(shape)
        if not return_std:
            return outputs
        return outputs, (np.sqrt(variance)[:, None] * self._scale).reshape(shape)

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()  # pyright: ignore[reportAttributeAccessIssue]
        tags.target_tags.multi_output = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"multioutput": True}
