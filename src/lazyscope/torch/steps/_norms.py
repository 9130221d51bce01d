"""How large is a matrix as an operator?"""

import numpy as np
import torch

from lazyscope.measure import LANCZOS_AT_ONCE, LANCZOS_CONVERGED, LANCZOS_STEPS, SMALL_SIDE


def operator_norm(matrix: torch.Tensor) -> float:
    """Largest singular value, by the method of `lazyscope.measure.operator_norm`.

    By the smaller Gram matrix where one side is at most 64, else by up to 40 Lanczos steps with full
    reorthogonalisation. NaN for a matrix that is not finite.
    """
    if not bool(torch.isfinite(matrix).all()):
        return float("nan")
    largest = float(matrix.abs().max()) if matrix.numel() else 0.0
    if largest == 0:
        return 0.0
    return largest * _norm_of_scaled(matrix / largest)


def _norm_of_scaled(matrix: torch.Tensor) -> float:
    """Of a matrix whose largest entry is one, so that no square leaves the range of numbers."""
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    if matrix.shape[1] <= SMALL_SIDE:
        gram = (matrix.T @ matrix).double()
        return float(torch.linalg.eigvalsh(gram)[-1].clamp(min=0.0).sqrt())
    return _lanczos_norm(matrix)


def _lanczos_norm(matrix: torch.Tensor) -> float:
    start = np.random.default_rng(0).normal(size=matrix.shape[1])
    vector = torch.as_tensor(start / np.linalg.norm(start)).to(matrix)
    basis = vector[None]
    diagonal, beside = [], []
    for count in range(1, LANCZOS_STEPS + 1):
        image = matrix.T @ (matrix @ basis[-1])
        diagonal.append(float(image @ basis[-1]))
        for _ in range(2):
            image = image - basis.T @ (basis @ image)
        length = float(torch.linalg.vector_norm(image))
        if length <= 1e-11 * max(map(abs, diagonal)):
            break
        beside.append(length)
        if count % LANCZOS_AT_ONCE == 0:
            value, last = _ritz(diagonal, beside)
            if length * last <= LANCZOS_CONVERGED * value:
                break
        basis = torch.cat([basis, image[None] / length])
    return float(np.sqrt(max(_ritz(diagonal, beside)[0], 0.0)))


def _ritz(diagonal: list[float], beside: list[float]) -> tuple[float, float]:
    """The largest Ritz value of a chain, and the last entry of its vector."""
    side = beside[: len(diagonal) - 1]
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(side, 1) + np.diag(side, -1))
    return float(values[-1]), abs(float(vectors[-1, -1]))
