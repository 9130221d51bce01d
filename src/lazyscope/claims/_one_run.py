"""What is one run of a claim, and how far did it go from its start?"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from lazyscope._jax import own_settings
from lazyscope.data import Dataset
from lazyscope.experiment import RunRecord, Value, default_settings, run_settings
from lazyscope.flow import AbstractMethod
from lazyscope.scaling import Scheme

MAX_STEPS = 3000


def one_run(
    told: Mapping[str, Value],
    data: Dataset,
    scheme: Scheme | None = None,
    *,
    method: AbstractMethod | None = None,
    record: tuple[str, ...] = ("displacement", "kernel"),
) -> RunRecord:
    """One run on a data set, as its settings say in the words of sweep files.

    Args:
        told: settings that are not the default ones; steps are `MAX_STEPS` unless given.
        data: points and targets.
        scheme: scales and speeds, where settings do not say them.
        method: how to train, where settings do not say it.
        record: what to keep.

    Cost: one compilation per shape, and the run.
    """
    settings = {**default_settings(), "max_steps": MAX_STEPS, **told}
    with own_settings():
        return run_settings(settings, record, data=data, scheme=scheme, method=method)


def moved_and_changed(run: RunRecord) -> tuple[Float[np.ndarray, " groups"], float]:
    """Relative displacement of every group and change of the averaged kernel, in Frobenius norm.

    NaN for a run that did not come down to its fraction of the loss.
    """
    moved, change = run["displacement_frobenius"], float(run["kernel_change"])
    return (moved, change) if run.outcome.ok else (np.full_like(moved, np.nan), np.nan)
