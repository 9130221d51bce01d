"""What are the outputs of a linear model after training for a time t?"""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import InputError
from lazyscope._jax import coarser, known_array
from lazyscope.kernel._spectrum import (
    Spectrum,
    check_positive,
    kernel_precision,
    symmetric_kernel,
)


def predict_flow(
    k_train_train: Float[Array, "n n"],
    y: Float[Array, "n *outputs"],
    t: float | Float[Array, " times"] | None,
    *,
    k_test_train: Float[Array, "n_test n"] | None = None,
    f0_train: Float[Array, "n *outputs"] | float = 0.0,
    f0_test: Float[Array, "n_test *outputs"] | float = 0.0,
    precision: Any = None,
) -> Float[np.ndarray, "..."]:
    """Outputs at time t of gradient flow with a fixed kernel, in closed form.

    Loss R = 1/(2n) sum_i |f(x_i) - y_i|^2 with n the number of training points (outputs are summed,
    not averaged). Time is that of gradient flow: outputs on the training set follow
    f' = -(1/n) K (f - y), so that the mode of eigenvalue lambda decays as exp(-lambda t / n); k steps
    of gradient descent of size eta are time t = k eta. With c(t) = K^{-1} (1 - exp(-K t / n)) (y - f0),

        train: y + exp(-K t / n) (f0_train - y),      test: f0_test + k_test_train c(t).

    Directions in which K is zero to rounding (lambda <= n eps lambda_max, eps of the precision the
    kernels were computed in) do not move and are left out of c, on the test points too, where a
    positive kernel gives them no weight. `resolved_directions` counts the others.

    Args:
        k_train_train: tangent kernel of the training points, symmetric, the same for all outputs.
        y: targets, (n,) or (n, C).
        t: time at least 0, or T times (one decomposition serves all); ``None`` or infinity for the limit.
        k_test_train: kernel between test and training points; given, outputs are those of the test points.
        f0_train: outputs at time 0 on the training points, or one number.
        f0_test: the same on the test points.
        precision: in which the kernels were computed, such as ``np.float32``. ``None`` means the
            coarser one of their types; give it where kernels were converted since (a list,
            ``astype(float)``), because their entries stay as coarse as they were.

    Returns:
        (n, ...) or (n_test, ...), trailing axes those of y, a leading axis of times if t is an array.
        Double precision.

    Raises:
        InputError: shapes that do not fit, a kernel that is not symmetric or has eigenvalues further
            below zero than rounding explains, numbers that are not finite or not real, a negative
            time, a call while JAX traces (under ``jit``, ``grad`` or ``vmap``).

    Cost: one symmetric eigendecomposition, about 10 n^3 operations, then 2 n (n + n_test) C for each time.

    Trust: exact to rounding times the norm of the residual, early in time. A kernel in single
    precision has eigenvalues uncertain by 1e-7 lambda_max: late predictions leave out what lies in the
    directions it does not resolve, and are off by up to n 1e-7 lambda_max / lambda along the others.

    Reference: Jacot, Gabriel & Hongler 2018, section 5; Lee et al. 2019, equations 9 to 11.

    Example:
        >>> predict_flow(np.array([[2.0]]), np.array([1.0]), np.log(2.0)).round(12).tolist()
        [0.75]
    """
    kernel = symmetric_kernel("k_train_train", k_train_train)
    given = [k_train_train] if k_test_train is None else [k_train_train, k_test_train]
    dtype = coarser(*(kernel_precision(k, precision) for k in given))
    targets = as_outputs("y", y, len(kernel), None)
    start = as_outputs("f0_train", f0_train, len(kernel), targets.shape)
    times = _times(t)
    spectrum = Spectrum.of(kernel, len(kernel), dtype)
    check_positive(spectrum.computed, dtype)
    shape = targets.shape
    residual = spectrum.coefficients(targets - start)
    if k_test_train is None:
        moved = np.einsum("ik,tk,kc->tic", spectrum.vectors, spectrum.done(times), residual)
        outputs = start + moved.reshape(len(times), *shape)
    else:
        cross = as_cross("k_test_train", k_test_train, len(kernel))
        base = as_outputs("f0_test", f0_test, len(cross), (len(cross), *shape[1:]))
        pushed = spectrum.impulse(times)
        moved = np.einsum("ik,tk,kc->tic", cross @ spectrum.vectors, pushed, residual)
        outputs = base + moved.reshape(len(times), *base.shape)
    return outputs[0] if t is None or np.ndim(t) == 0 else outputs


def as_cross(name: str, k: Any, n: int) -> np.ndarray:
    """A kernel (n_test, n) between test and training points, or a refusal."""
    k = known_array(name, k).astype(np.float64)
    if k.ndim != 2 or k.shape[1] != n:
        raise InputError(
            f"{name} must have one column for each of the {n} training points",
            received=f"shape {k.shape}",
            cause="a transposed matrix",
            fix="give the kernel as (n_test, n)",
        )
    return k


def as_outputs(name: str, value: Any, n: int, shape: tuple[int, ...] | None) -> np.ndarray:
    """Outputs of n points with trailing axes of `shape` where it is known, or a refusal."""
    given = known_array(name, value)
    if given.ndim == 0 and given.dtype.kind == "b":
        raise InputError(
            f"{name} must hold outputs",
            received=repr(value),
            cause="a switch in place of a number",
            fix="give numbers, 0.0 where all outputs start at zero",
        )
    value = given.astype(np.float64)
    if value.ndim == 0 and shape is not None:
        return np.full(shape, float(value))
    if (shape is None and (value.ndim not in (1, 2) or len(value) != n)) or (
        shape is not None and value.shape != shape
    ):
        wanted = f"({n},) or ({n}, C)" if shape is None else str(shape)
        raise InputError(
            f"{name} must have shape {wanted}",
            received=f"shape {value.shape}",
            cause="another set of points, or a missing or extra axis of outputs",
            fix="give one row for each point and the trailing axes of y",
        )
    return value


def _times(t: Any) -> np.ndarray:
    times = np.atleast_1d(known_array("t", np.inf if t is None else t, finite=False))
    wrong = times.ndim != 1 or times.dtype.kind == "b"
    times = times.astype(np.float64)
    if wrong or np.isnan(times).any() or (times < 0).any():
        raise InputError(
            "t must be a time of at least 0, an array of times, or None for the limit",
            received=repr(t),
            cause="a difference of times the wrong way round, or a comparison instead of a time",
            fix="give times measured from the start of training",
        )
    return times
