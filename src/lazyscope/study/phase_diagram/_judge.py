"""What does a plane of stored runs say about the displacement law, as a record?"""

import json
from typing import Any

import xarray as xr

from lazyscope.study._protocol import answer_of, stated
from lazyscope.study.phase_diagram._estimates import map_estimates


def judge_plane(runs: xr.Dataset, *, title: str) -> dict[str, Any]:
    """Exponents of every cell with the law's beside them, and whether their signs agree.

    Returns:
        ``title``; ``estimates`` as `stored_estimates` reads them; ``sign_check``; ``verdict``.
    """
    estimates = map_estimates(runs, title=title)
    check = json.loads(estimates.attrs["sign_check"])
    return {
        "title": title,
        "sign_check": check,
        "verdict": stated(answer_of(check["supported"]), check["sentence"]),
        "estimates": estimates_record(estimates),
    }


def estimates_record(estimates: xr.Dataset) -> dict[str, Any]:
    """A dataset of estimates ready for JSON, whole: variables, coordinates and attributes."""
    return {
        "attrs": dict(estimates.attrs),
        **{
            kind: {
                str(name): {
                    "dims": list(held.dims),
                    "values": held.values,
                    "attrs": dict(held.attrs),
                }
                for name, held in variables.items()
            }
            for kind, variables in (
                ("coords", estimates.coords),
                ("variables", estimates.data_vars),
            )
        },
    }
