"""Which kernels of test points fit, and when is a variance zero?"""

from typing import Any

import numpy as np

from lazyscope._checks import InputError
from lazyscope._jax import known_array
from lazyscope.kernel._spectrum import NOT_ROUNDING, symmetric_kernel


def as_diagonal(name: str, value: Any, num_test: int) -> np.ndarray:
    """Prior variances (n_test,) in double precision, or a refusal."""
    found = known_array(name, value).astype(np.float64)
    if found.shape != (num_test,):
        raise InputError(
            f"{name} must have one prior variance for each of the {num_test} test points",
            received=f"shape {found.shape}",
            cause="a whole kernel in place of its diagonal, or another set of points",
            fix="give np.diag of the kernel of the test points",
        )
    if (found < 0).any():
        raise InputError(
            f"{name} must not be below zero",
            received=f"{found.min():.3g}",
            cause="entries that are no variances",
            fix="give np.diag of the kernel of the test points",
        )
    return found


def as_test_kernel(name: str, value: Any, num_test: int) -> np.ndarray:
    """A kernel (n_test, n_test) in double precision, or a refusal."""
    found = symmetric_kernel(name, value)
    if len(found) != num_test:
        raise InputError(
            f"{name} must be the kernel of the {num_test} test points",
            received=f"shape {found.shape}",
            cause="another set of points",
            fix="compute the kernel of the test points with x2=None",
        )
    return found


def known_variances(found: np.ndarray, prior: np.ndarray, rounding: float) -> np.ndarray:
    """Differences of variances: zero within `rounding` of the prior, refused further below zero.

    Raises:
        InputError: variances below zero by more than rounding explains.
    """
    scale = np.max(prior, initial=0.0)
    if (found < -NOT_ROUNDING * max(rounding, 1e-12) * scale).any():
        raise InputError(
            "kernels of test and training points must belong together",
            received=f"a variance of {found.min():.3g} beside a prior one of up to {scale:.3g}",
            cause="kernels of different networks or precisions, or a prior variance of other points",
            fix="compute all of them by one function with the same settings",
        )
    return np.maximum(found, 0.0)
