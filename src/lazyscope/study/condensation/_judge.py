"""What do the runs of a plane say about condensation, as a record?"""

import json
from typing import Any

import xarray as xr

from lazyscope.study._protocol import answer_of, stated
from lazyscope.study.condensation._estimates import condensation_estimates
from lazyscope.study.condensation._stages import staged_runs
from lazyscope.study.phase_diagram._judge import estimates_record

TITLE = "Where do the input weights condense on a few directions?"
_AXES = ("gamma", "gamma_prime", "stage", "width", "seed")


def judge_condensation(runs: xr.Dataset, *, num_directions: int) -> dict[str, Any]:
    """Order parameters of every cell, and on which side of the boundary they are large.

    Returns:
        ``title``; the axes; order parameters and effective directions with their ``dims``;
        ``predicted_layer_1``; ``side_check``; ``verdict``; ``estimates``, whole.
    """
    estimates = condensation_estimates(
        staged_runs(runs), num_directions=num_directions, title=TITLE
    )
    names = [str(name) for name in estimates.data_vars if str(name).startswith(("order", "direct"))]
    check = json.loads(estimates.attrs["side_check"])
    return {
        "title": TITLE,
        **{axis: estimates[axis].values.tolist() for axis in _AXES},
        "num_directions": num_directions,
        "dims": {name: [str(dim) for dim in estimates[name].dims] for name in names},
        **{name: estimates[name].values for name in names},
        "predicted_layer_1": estimates["predicted"].sel(layer=1).values,
        "side_check": check,
        "verdict": stated(answer_of(check["supported"]), check["sentence"]),
        "estimates": estimates_record(estimates),
    }
