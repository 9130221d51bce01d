"""Do the rows about the collapse follow the numbers: true for a planted 1/2, false for another power?"""

import numpy as np
import pytest

from lazyscope.claims import CLAIMS
from lazyscope.claims.papers._output_scale import OUTPUT_SCALE, SETTINGS, _rows
from lazyscope.study.output_scale._collapse import judge_collapse

SCALES, WIDTHS = 2.0 ** np.arange(-4, 9), np.array([64, 256, 1024, 4096, 16384])


def record(power, slope=-1.0):
    """What the study stores of displacements that depend on alpha m^power."""
    x = SCALES * WIDTHS[:, None] ** power
    noise = np.exp(0.01 * np.random.default_rng(2).standard_normal((*x.shape, 4)))
    values = noise / (np.sqrt(x) + x / 3)[..., None]
    found = judge_collapse(SCALES, WIDTHS, values, level=0.3, predicted=0.5, accuracy=0.01)
    ends = [slope - 0.003, slope + 0.003]
    return {
        "output_scale": SCALES.tolist(),
        "widths": WIDTHS.tolist(),
        "quantities": {"displacement": {"label": "displacement", "values": values.tolist()}},
        "collapse": {"displacement": found},
        "lazy_slope": {"slope": slope, "interval": ends, "num_runs": 40, "below": 0.1},
    }


def verdicts(power, **more):
    rows = _rows(record(power, **more), ("displacement",), "made up")
    return {row.name: (row.verdict, row.as_expected) for row in rows}


def test_a_collapse_on_alpha_root_m_makes_every_row_come_out_as_expected():
    found = verdicts(0.5)
    assert found.pop("control-alpha-alone") == ("disagrees", True)
    assert set(found) == {"collapse-displacement", "collapse-distance", "lazy-slope"}
    assert set(found.values()) == {("agrees", True)}


def test_a_collapse_on_alpha_alone_contradicts_the_claim_and_unmasks_the_control():
    found = verdicts(0.0)
    assert found["collapse-displacement"] == ("disagrees", False)
    assert found["collapse-distance"][0] == "disagrees"
    assert found["control-alpha-alone"] == ("agrees", False)


def test_another_slope_on_the_lazy_side_is_contradicted():
    assert verdicts(0.5, slope=-0.5)["lazy-slope"] == ("disagrees", False)


@pytest.mark.parametrize("effort", ["quick", "full"])
def test_settings_span_a_factor_of_256_in_the_width(effort):
    widths = SETTINGS[effort].widths
    assert widths[-1] / widths[0] >= 256


def test_the_claim_is_in_the_table():
    assert OUTPUT_SCALE in CLAIMS
