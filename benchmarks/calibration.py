"""Are intervals of Gaussian processes and trained ensembles right on points that were held out?

    python -m benchmarks calibration

Diabetes (targets as they are) and digits (centred one-hot targets of ten outputs), five seeded splits: share
of held-out targets inside the 95 % interval, mean squared standardised residual, log density in nats,
accuracy of the class of the largest mean. Noise is the likeliest one, added to all; "scaled" multiplies
kernel and noise by the likeliest factor.
"""

from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes, load_digits

from lazyscope.kernel import (
    GaussianProcess,
    TrainedEnsemble,
    calibration,
    limit_covariance_kernel,
    limit_tangent_kernel,
)

NETWORK: dict[str, Any] = {"depth": 2, "activation": "erf", "weight_std": 1.5, "bias_std": 0.3}
SPLITS = 5


def run(splits: int = SPLITS, num_train: int = 250) -> dict[str, Any]:
    """Every data set under every way of prediction, means over the splits."""
    rows = []
    for name, (x, y, labels) in {"diabetes": _diabetes(), "digits": _digits()}.items():
        found = [_split(x, y, labels, num_train, seed) for seed in range(splits)]
        for way in found[0]:
            numbers = [each[way] for each in found]
            mean = {key: float(np.mean([n[key] for n in numbers])) for key in numbers[0]}
            rows.append({"data": name, "prediction": way, **mean})
    return {"network": NETWORK, "splits": splits, "num_train": num_train, "rows": rows}


def _diabetes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y = load_diabetes(return_X_y=True)
    return x / x.std(axis=0), ((y - y.mean()) / y.std())[:, None], np.zeros(0)


def _digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, labels = load_digits(return_X_y=True)
    return x / 8 - 1, np.eye(10)[labels] - 0.1, labels


def _split(
    x: np.ndarray, y: np.ndarray, labels: np.ndarray, num_train: int, seed: int
) -> dict[str, dict[str, float]]:
    order = np.random.default_rng(seed).permutation(len(x))[: 2 * num_train]
    x, y, half = x[order], y[order], num_train
    k, theta = limit_covariance_kernel(x, **NETWORK), limit_tangent_kernel(x, **NETWORK)
    prior = np.diag(k)[half:]
    process = GaussianProcess(k[:half, :half], y[:half], 0.1).with_likeliest_noise()
    scale, cross = process.likeliest_scale, k[half:, :half]
    mean, variance = process.mean(cross), process.variance(cross, prior)
    ridge = process.noise * np.mean(np.diag(theta)) / np.mean(np.diag(k))
    ensemble = TrainedEnsemble(theta[:half, :half], k[:half, :half], y[:half], ridge=ridge)
    test: dict[str, Any] = {"tangent_test": theta[half:, :half]}
    spread = ensemble.variance(**test, covariance_test=cross, covariance_diagonal=prior)
    ways = {
        "process": (mean, variance, process.noise),
        "process, scaled": (mean, scale * variance, scale * process.noise),
        "ensemble": (ensemble.mean(**test), spread, process.noise),
        "ensemble, scaled": (ensemble.mean(**test), scale * spread, scale * process.noise),
    }
    return {way: _numbers(*given, y[half:], labels, order[half:]) for way, given in ways.items()}


def _numbers(
    mean: np.ndarray,
    variance: np.ndarray,
    noise: float,
    y: np.ndarray,
    labels: np.ndarray,
    order: np.ndarray,
) -> dict[str, float]:
    found = calibration(mean, variance, y, noise=noise, levels=(0.95,))
    numbers = {
        "coverage_95": float(found.coverage[0].value or 0.0),
        "mean_square": found.mean_square,
        "log_density": found.log_density,
        "rmse": found.rmse,
    }
    if labels.size:
        numbers["accuracy"] = float(np.mean(mean.argmax(1) == labels[order]))
    return numbers
