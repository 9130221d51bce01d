"""Which class do infinitely wide networks vote for, and how many of them?"""

from typing import Any, Self, final

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from lazyscope._checks import check_flag
from lazyscope.estimators._abstract import ROOT_2, AbstractTangentKernelEstimator, validated

_NODES = 64


@final
class TangentKernelClassifier(ClassifierMixin, AbstractTangentKernelEstimator):
    """Classification by infinitely wide networks, trained by least squares on centred one-hot targets.

    Every network of the ensemble votes for the class of its largest output. `predict` is the class of the
    largest mean output, and `predict_proba` the share of networks that vote for a class: outputs of
    classes are independent Gaussians of one variance. Where all networks agree it is zero or one, also
    where they are wrong together; it is not a frequency of errors.

    Arguments are those of `TangentKernelRegressor`.

    Args:
        depth: hidden layers of a dense network.
        activation: its nonlinearity, as in `limit_tangent_kernel`.
        weight_std: standard deviation of its weights in the NTK parametrisation.
        bias_std: that of its biases.
        network: another network in place of the dense one.
        kernel: ``"ntk"``, all layers trained, or ``"nngp"``, the last layer alone.
        ridge: decay of parameters towards their start, in units of the mean diagonal of the kernel.
        time: of gradient flow; ``None`` or infinity for the limit.
        friction: of flow with momentum, as in `HeavyBallFlow`; ``None`` means gradient flow.

    Attributes:
        classes_: labels, sorted.
        trained_: the `GaussianProcess` or `TrainedEnsemble` of the training points.
        ridge_: ridge in the units of the kernel.
        X_fit_: the training points.
        n_features_in_: number of features.

    Raises:
        InputError: parameters that are none, networks without such kernels; for points and labels
            scikit-learn's own errors.

    Reference: Lee et al. 2018, section 4, for regression on classes; Lee et al. 2019 for the ensemble.

    Example:
        >>> x = np.array([[-1.0], [-0.5], [0.5], [1.0]])
        >>> model = TangentKernelClassifier().fit(x, ["left", "left", "right", "right"])
        >>> model.predict([[-0.7], [0.8]]).tolist()
        ['left', 'right']
        >>> model.predict_proba([[-0.7]]).sum().round(12).tolist()
        1.0
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

    def fit(self, X: Any, y: Any) -> Self:
        """Train on points (n, d) and labels (n,).

        Args:
            X: points, an array or data frame of finite numbers.
            y: labels of any kind that sorts.
        """
        X, y = validated(self, X, reset=True, y=y)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        hot = np.eye(len(self.classes_))[numbers] - 1 / len(self.classes_)
        self._fit_outputs(X, hot)
        return self

    def predict(self, X: Any) -> Any:
        """The class of the largest mean output at each point.

        Args:
            X: points (n, d).
        """
        outputs = self._outputs(X)
        return self.classes_[np.argmax(outputs, axis=1)]

    def predict_outputs(self, X: Any, return_std: bool = False) -> Any:
        """Mean outputs (n, C) of the networks, with ``return_std`` their standard deviation (n,) too.

        Args:
            X: points (n, d).
            return_std: whether the standard deviation, the same for all outputs, follows.
        """
        mean, variance = self._predicted(X, spread=check_flag("return_std", return_std))
        return (mean, np.sqrt(variance)) if return_std else mean

    def predict_proba(self, X: Any) -> Any:
        """Share of the networks that vote for each class (n, C).

        Args:
            X: points (n, d).
        """
        mean, variance = self._predicted(X, spread=True)
        return vote_shares(mean, variance)


def vote_shares(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Probability (n, C) that each of C independent Gaussians of one variance is the largest.

    P_c = E_u prod_{b != c} Phi(u + (m_c - m_b) / s) with u standard normal, by 64 nodes of Gauss and Hermite.
    """
    from scipy.special import log_ndtr

    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    spread = np.sqrt(np.maximum(variance, np.finfo(float).tiny))[:, None]
    shares = np.empty_like(mean)
    for c in range(mean.shape[1]):
        others = np.delete(np.arange(mean.shape[1]), c)
        with np.errstate(over="ignore"):
            gaps = (mean[:, [c]] - mean[:, others]) / spread
        logs = log_ndtr(nodes[:, None, None] + gaps).sum(axis=2)
        shares[:, c] = np.exp(logs).T @ weights
    return shares / shares.sum(axis=1, keepdims=True)
