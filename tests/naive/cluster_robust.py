"""CR2 standard error and Bell-McCaffrey degrees of freedom, with every matrix written out.

Transcribed from Imbens & Kolesar 2016, section IV, for the last coefficient of a regression.
"""

import numpy as np
from scipy.linalg import fractional_matrix_power


def cr2(design, response, member):
    """Standard error and degrees of freedom of the last coefficient."""
    n, k = design.shape
    inverse = np.linalg.inv(design.T @ design)
    annihilator = np.eye(n) - design @ inverse @ design.T
    residual = annihilator @ response
    unit = np.zeros(k)
    unit[-1] = 1
    meat = np.zeros((k, k))
    columns = []
    for group in np.unique(member):
        rows = np.flatnonzero(member == group)
        block = np.eye(len(rows)) - design[rows] @ inverse @ design[rows].T
        root = np.real(fractional_matrix_power(block, -0.5))
        score = design[rows].T @ root @ residual[rows]
        meat += np.outer(score, score)
        columns.append(annihilator[:, rows] @ root @ design[rows] @ inverse @ unit)
    variance = inverse @ meat @ inverse
    eigenvalues = np.linalg.eigvalsh(np.column_stack(columns).T @ np.column_stack(columns))
    dof = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    return np.sqrt(variance[-1, -1]), dof
