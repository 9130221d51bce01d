"""Do rows about a phase diagram notice a wrong law, a wrong layer and an error that does not fall?"""

import numpy as np
import pytest
import xarray as xr

from lazyscope.claims._verdict_map import error_findings, share_finding, sign_findings
from lazyscope.claims.papers._three_layer import own_regime_findings

X, Y = np.linspace(-1, 1, 7), np.linspace(-1.1, 1.1, 7)
WIDTHS = np.array([100, 1000, 10000])


def law():
    """Exponents of two layers over a plane: the first changes sign with x, the second with y."""
    return np.stack(np.meshgrid(X + 0.05, Y, indexing="ij"), axis=-1)


def estimates(exponent, predicted, half_width=0.05):
    dims = ("x", "y", "layer")
    low, high = exponent - half_width, exponent + half_width
    sign = np.where(low > 0, "positive", np.where(high < 0, "negative", "undecided"))
    values = {
        "exponent": exponent,
        "low": low,
        "high": high,
        "sign": sign,
        "slope": exponent,
        "predicted": predicted,
        "distance": np.abs(predicted),
    }
    coords = {"x": X, "y": Y, "layer": 1 + np.arange(exponent.shape[-1])}
    return xr.Dataset({name: (dims, value) for name, value in values.items()}, coords)


def runs(predicted, first_error, last_error):
    """Displacements whose local slopes miss the law by one error first and by another one last."""
    steps = np.diff(np.log(WIDTHS))
    logs = np.stack(
        [
            np.zeros_like(predicted),
            steps[0] * (predicted + first_error),
            steps[0] * (predicted + first_error) + steps[1] * (predicted + last_error),
        ]
    )
    moved = np.repeat(np.exp(logs)[..., None], 2, axis=-1)
    dims = ("width", "x", "y", "layer", "seed")
    coords = {"width": WIDTHS, "x": X, "y": Y, "layer": 1 + np.arange(predicted.shape[-1])}
    return xr.Dataset({"displacement_operator": (dims, moved)}, coords)


def verdicts(rows):
    return [row.verdict for row in rows]


def test_signs_of_the_law_are_confirmed_and_opposite_ones_refuted():
    exponent = law()
    assert verdicts(sign_findings(estimates(exponent, law()), basis="")) == ["agrees", "agrees"]
    turned = sign_findings(estimates(-exponent, law()), basis="")
    assert verdicts(turned) == ["disagrees", "disagrees"]


def test_cells_near_the_boundary_do_not_count_for_signs():
    exponent, predicted = law(), law()
    near = np.abs(predicted) <= 0.1
    assert near.any()
    exponent[near] *= -1
    assert verdicts(sign_findings(estimates(exponent, predicted), basis="")) == ["agrees", "agrees"]


def test_intervals_that_contain_zero_are_counted_and_not_judged():
    rows = sign_findings(estimates(law(), law(), half_width=0.5), basis="")
    total = rows[0].details["total"]
    assert 0 < rows[1].details["total"] < total
    assert f"{total - rows[1].details['total']} of {total} intervals contain zero" in rows[1].note


@pytest.mark.parametrize(
    ("shift", "first", "last", "expected"),
    [
        (0.02, 0.2, 0.02, ["agrees", "agrees"]),
        (0.3, 0.6, 0.3, ["undecided", "agrees"]),  # the error still falls: nothing is refuted
        (0.3, 0.3, 0.6, ["disagrees", "disagrees"]),
    ],
)
def test_sizes_are_judged_by_their_error_and_whether_it_falls(shift, first, last, expected):
    predicted = law()
    rows = error_findings(
        runs(predicted, first, last), estimates(predicted + shift, predicted), 1, basis=""
    )
    assert verdicts(rows) == expected
    assert rows[0].measured.value == pytest.approx(shift)
    assert rows[1].measured.value == pytest.approx(last / first)


def test_errors_within_their_own_intervals_refute_nothing():
    predicted = law()
    noise = np.random.default_rng(0).normal(scale=0.3, size=predicted.shape)
    seen = estimates(predicted + noise, predicted, half_width=0.6)
    size, _ = error_findings(runs(predicted, 0.3, 0.3), seen, 2, basis="")
    assert size.verdict == "undecided"
    assert size.measured.low < 0.125 < size.measured.high


def test_the_worst_cell_is_named():
    predicted = law()
    exponent = predicted.copy()
    exponent[5, 2, 0] += 0.7
    size, _ = error_findings(runs(predicted, 0.1, 0.1), estimates(exponent, predicted), 1, basis="")
    assert f"+0.70 at x {X[5]:g}, y {Y[2]:g}" in size.note


def test_a_share_is_confirmed_refuted_or_left_open():
    counts = {"agrees": (98, 100), "undecided": (9, 10), "disagrees": (50, 100)}
    for verdict, (count, total) in counts.items():
        row = share_finding("name", "claim", np.arange(total) < count, basis="")
        assert (row.verdict, row.details) == (verdict, {"count": count, "total": total})
    assert share_finding("name", "claim", np.array([], bool), basis="").verdict == "undecided"


def test_layers_in_regimes_of_their_own_are_shown_by_intervals():
    assert own_regime_findings(estimates(law(), law()), basis="")[0].verdict == "agrees"
    wide = own_regime_findings(estimates(law(), law(), half_width=0.6), basis="")[0]
    assert wide.verdict == "undecided"
    swapped = own_regime_findings(estimates(law()[..., ::-1], law()), basis="")
    assert verdicts(swapped) == ["disagrees", "disagrees"]


def test_narrow_widths_refute_no_exponent():
    predicted = law()
    seen, narrow = estimates(predicted + 0.3, predicted), runs(predicted, 0.3, 0.33)
    wide = error_findings(narrow, seen, 1, basis="")[0]
    narrow = narrow.assign_coords(width=[100, 200, 400])
    size = error_findings(narrow, seen, 1, basis="")[0]
    assert (wide.verdict, size.verdict) == ("disagrees", "undecided")
    assert "less than a factor of 16" in size.note
