"""Which small problems do the papers use, that need no data?"""

import numpy as np

from lazyscope._checks import check_count
from lazyscope._entry import checked
from lazyscope.data._dataset import Dataset
from lazyscope.data._targets import value_targets


def four_points() -> Dataset:
    """Four points on a line, inputs ``(x, 1)``: the kind of problem of the phase diagrams.

    The second coordinate stands for a bias, so a network without biases can fit them. The target
    goes up and down, so that a kernel method and a condensed network give different curves. The
    positions and values are this library's own choice.

    Returns:
        Inputs of shape (4, 2), not of norm one; targets of shape (4, 1) with mean zero; no test
        points.

    Reference:
        Luo, Xu, Ma & Zhang 2021 (arXiv 2007.07497) and Zhou et al. 2022 (arXiv 2205.12101) train on
        four points in one dimension.

    Example:
        >>> four_points().x_train[0].tolist()
        [-1.0, 1.0]
    """
    position = np.array([-1.0, -0.4, 0.4, 1.0])
    value = np.array([[-0.5], [0.75], [-0.75], [0.5]])
    x = np.stack([position, np.ones(4)], axis=1)
    note = "four points on a line, inputs (x, 1), targets going up and down"
    return Dataset(x, value, np.zeros((0, 2)), np.zeros((0, 1)), (), "four-points", (note,))


@checked()
def sphere_teacher(
    *, num_points: int, input_dim: int, num_test: int = 0, teacher_width: int = 4, seed: int = 0
) -> Dataset:
    """Gaussian points brought to the unit sphere, with the values of a small ReLU network.

    The teacher is ``sum_j c_j max(<v_j, x>, 0)`` with k unit vectors v_j and signs c_j, alternating
    from +1. Targets are standardised with mean and deviation of the training points.

    Args:
        num_points: training points n, at least two.
        input_dim: input dimension d, at least two.
        num_test: test points.
        teacher_width: units k of the teacher.
        seed: chooses points and teacher.

    Returns:
        Inputs of norm one, one output.

    Raises:
        InputError: a number that is not a count, or too small.

    Example:
        >>> data = sphere_teacher(num_points=8, input_dim=3)
        >>> bool(np.allclose(np.linalg.norm(data.x_train, axis=1), 1))
        True
    """
    n = check_count("num_points", num_points, minimum=2)
    d = check_count("input_dim", input_dim, minimum=2)
    n_test = check_count("num_test", num_test, minimum=0)
    k = check_count("teacher_width", teacher_width)
    generator = np.random.default_rng(check_count("seed", seed, minimum=0))
    units = _on_sphere(generator, k, d)
    x = _on_sphere(generator, n + n_test, d)
    signs = np.where(np.arange(k) % 2 == 0, 1.0, -1.0)
    y = (np.maximum(x @ units.T, 0.0) @ signs)[:, None]
    targets = value_targets(y[:n], y[n:])
    steps = (
        f"{n} training and {n_test} test points uniform on the unit sphere of {d} dimensions",
        f"values of a teacher with {k} ReLU units, seed {seed}",
        targets.step,
    )
    return Dataset(x[:n], targets.y_train, x[n:], targets.y_test, (), "sphere-teacher", steps)


def _on_sphere(generator: np.random.Generator, count: int, dim: int) -> np.ndarray:
    points = generator.standard_normal((count, dim))
    return points / np.linalg.norm(points, axis=1, keepdims=True)
