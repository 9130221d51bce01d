"""What do both estimators share: parameters, the fit and the outputs with their variance?"""

import abc
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from lazyscope._checks import check_choice, check_not_negative
from lazyscope.estimators._network import FittedNetwork
from lazyscope.kernel import GaussianProcess, GradientFlow, HeavyBallFlow, TrainedEnsemble

KERNELS = ("ntk", "nngp")
ROOT_2 = 2**0.5


class AbstractTangentKernelEstimator(BaseEstimator, abc.ABC):
    """An infinitely wide network, trained on all points that `fit` gets."""

    def __init__(
        self,
        *,
        depth: Any,
        activation: Any,
        weight_std: Any,
        bias_std: Any,
        network: Any,
        kernel: Any,
        ridge: Any,
        time: Any,
        friction: Any,
    ) -> None:
        self.depth = depth
        self.activation = activation
        self.weight_std = weight_std
        self.bias_std = bias_std
        self.network = network
        self.kernel = kernel
        self.ridge = ridge
        self.time = time
        self.friction = friction

    def _fit_outputs(self, x: np.ndarray, y: np.ndarray) -> None:
        """Condition on, or train to, targets (n, C)."""
        check_choice("kernel", self.kernel, KERNELS)
        ridge = check_not_negative("ridge", self.ridge)
        dynamics = GradientFlow() if self.friction is None else HeavyBallFlow(self.friction)
        self._network, self._kernel, self._time = FittedNetwork.of(self), self.kernel, self.time
        covariance = self._network.kernel("nngp", x)
        tangent = self._network.kernel("ntk", x) if self.kernel == "ntk" else covariance
        self.ridge_ = ridge * float(np.mean(np.diag(tangent)))
        self.X_fit_ = x
        if self._is_posterior():
            self.trained_ = GaussianProcess(covariance, y, self.ridge_)
        else:
            self.trained_ = TrainedEnsemble(
                tangent, covariance, y, dynamics=dynamics, ridge=self.ridge_
            )
            self.trained_.mean(self._time)  # refuses what is no time

    def _is_posterior(self) -> bool:
        """Whether Bayes' rule is meant: the last layer alone, in the limit."""
        return self.kernel == "nngp" and (self.time is None or self.time == np.inf)

    def _outputs(self, x: Any) -> np.ndarray:
        """Mean outputs (n, C)."""
        return self._predicted(x, spread=False)[0]

    def _predicted(self, x: Any, *, spread: bool) -> tuple[np.ndarray, np.ndarray]:
        """Mean outputs (n, C), and their variances (n,) where they are asked for."""
        check_is_fitted(self)
        x = validated(self, x, reset=False)
        trained, train = self.trained_, self.X_fit_
        cross = self._network.kernel(self._kernel, x, train)
        nothing = np.zeros(0)
        if isinstance(trained, GaussianProcess):
            mean = trained.mean(cross)
            if not spread:
                return mean, nothing
            return mean, trained.variance(cross, self._prior(x))
        mean = trained.mean(self._time, tangent_test=cross)
        if not spread:
            return mean, nothing
        across = cross if self._kernel == "nngp" else self._network.kernel("nngp", x, train)
        variance = trained.variance(
            self._time,
            tangent_test=cross,
            covariance_test=across,
            covariance_diagonal=self._prior(x),
        )
        return mean, variance

    def _prior(self, x: np.ndarray, rows: int = 256) -> np.ndarray:
        """Variances of the network before training, from blocks on the diagonal."""
        blocks = [x[start : start + rows] for start in range(0, len(x), rows)]
        return np.concatenate([np.diag(self._network.kernel("nngp", each)) for each in blocks])


def validated(
    estimator: Any, x: Any, *, reset: bool, y: Any = "no_validation", **checks: Any
) -> Any:
    """Points (and targets) as scikit-learn checks them; its releases before 1.6 do so by a method."""
    checks |= {"dtype": [np.float64, np.float32], "reset": reset, "y": y}
    checks |= {
        "copy": reset
    }  # points of the fit stay what they were, whatever becomes of the array
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:
        found: Any = estimator._validate_data(x, **checks)
    else:
        found = validate_data(estimator, x, **checks)
    if reset or found.dtype == estimator.X_fit_.dtype:
        return found
    return found.astype(estimator.X_fit_.dtype)
