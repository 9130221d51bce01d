"""Does the page of a study of condensation count the runs that its command counts?"""

import numpy as np
import xarray as xr

from lazyscope.study.condensation._stages import staged_runs
from lazyscope.study.phase_diagram.page._study import MapAxis, MapStudy


def test_runs_of_both_stages_are_counted_and_timed():
    axes = ("stop", "gamma", "gamma_prime", "width", "seed")
    shape = (2, 2, 3, 2, 1)
    ended = np.full(shape, "converged", dtype=object)
    ended[1, 0, 0, 0, 0] = "diverged"  # of the initial stage
    weights = np.zeros((*shape, 4, 2))
    runs = xr.Dataset(
        {
            "outcome": (axes, ended),
            "seconds": (axes, np.ones(shape)),
            "input_weights_final": ((*axes, "neuron", "feature"), weights),
            "output_weights_final": ((*axes, "neuron", "output"), weights),
        },
        {"stop": [0.01, 0.9], **{n: range(s) for n, s in zip(axes[1:], shape[1:], strict=True)}},
    )
    axis = MapAxis("gamma", "gamma", np.arange(2), False)
    study = MapStudy(staged_runs(runs), xr.Dataset(), axis, axis, "", [], [])
    assert study.outcomes == {"converged": 23, "diverged": 1}
    assert study.seconds == 24.0
