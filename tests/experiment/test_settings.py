"""Are settings known by what a run with them is, in every version of the library?"""

import pytest

from lazyscope.sweep import SweepDesign

PINNED = [
    ({"axes": {"width": [8, 64]}, "fixed": {"scheme": "ntk"}}, "32c8b46883900bf4 b5d69a4eb792e25f"),
    (
        {
            "axes": {"gamma": [0.5], "seed": [0, 3]},
            "fixed": {"width": 100, "gamma_prime": 0.1},
        },
        "ee21c3c34d680a49 028943945183536c",
    ),
    (
        {
            "fixed": {
                "width": 32,
                "depth": 2,
                "scale_exponents": [0.5, 0, 0.25],
                "kappa": 4.0,
                "method": "descent",
                "step": 0.3,
                "data": "digits",
                "num_points": 16,
                "num_test": 4,
                "target": "parity",
                "centred": True,
            }
        },
        "a82d186dcc8d23da",
    ),
]
"""Hashes of cells as they were before a run could be of another model than dense."""


@pytest.mark.parametrize(("table", "hashes"), PINNED)
def test_runs_keep_the_name_that_stores_know_them_by(table, hashes):
    assert [cell.hash for cell in SweepDesign(**table).cells()] == hashes.split()
