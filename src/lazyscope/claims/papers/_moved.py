"""How far did one run go from its start: parameters by layer, and kernel?"""

import numpy as np
from jaxtyping import Float

from lazyscope.experiment import Experiment, run_experiment
from lazyscope.flow import AbstractMethod, Problem

MAX_STEPS = 3000


def moved_and_changed(
    problem: Problem, method: AbstractMethod, *, stop: float, max_steps: int = MAX_STEPS
) -> tuple[Float[np.ndarray, " groups"], float]:
    """Relative displacement of every group and change of the averaged kernel, in Frobenius norm.

    NaN for a run that did not come down to the fraction `stop` of its loss.

    Cost: one compilation per shape of problem, and the run.
    """
    record = ("displacement", "kernel")
    run = run_experiment(
        Experiment.of(problem), method, stop=stop, max_steps=max_steps, record=record
    )
    moved, change = run["displacement_frobenius"], float(run["kernel_change"])
    return (moved, change) if run.outcome.ok else (np.full_like(moved, np.nan), np.nan)
