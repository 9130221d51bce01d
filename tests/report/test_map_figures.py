"""Do the Matplotlib maps show the stored estimates, and can they be saved for a paper?"""

import numpy as np
import pytest
from matplotlib.figure import Figure

from lazyscope._checks import InputError
from lazyscope.study import draw_map, draw_scaling
from report.synthetic_map import synthetic_map


@pytest.fixture(scope="module")
def datasets():
    return synthetic_map(num_cells=5, num_records=8, num_neurons=4)


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_map_is_saved_for_a_paper(datasets, suffix, tmp_path):
    path = tmp_path / f"map.{suffix}"
    draw_map(datasets[1]).figure.savefig(path)
    assert path.stat().st_size > 5000


@pytest.mark.parametrize("layer", [1, 2])
def test_map_shows_the_exponents_of_its_layer_with_gamma_to_the_right(datasets, layer):
    axes = draw_map(datasets[1], layer)
    drawn = axes.collections[0].get_array()
    stored = datasets[1]["exponent"].values[..., layer - 1].T
    np.testing.assert_array_equal(drawn.filled(np.nan), stored)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("γ", "γ′")


def test_colour_scale_is_symmetric_about_zero(datasets):
    low, high = draw_map(datasets[1]).collections[0].get_clim()
    assert low == -high < 0


def test_a_huge_exponent_does_not_wash_out_the_others(datasets):
    exponent = datasets[1]["exponent"].copy()
    exponent[0, 0, 0] = -3.0
    axes = draw_map(datasets[1].assign(exponent=exponent))
    assert axes.collections[0].get_clim() == (-1.0, 1.0)


def test_cells_are_centred_on_their_values(datasets):
    axes = draw_map(datasets[1], axes=Figure().subplots())
    values = datasets[1]["gamma"].values
    half = (values[1] - values[0]) / 2
    assert axes.collections[0].get_datalim(axes.transData).x0 == pytest.approx(values[0] - half)


def test_undecided_disagreeing_and_blank_cells_are_marked(datasets):
    estimates = datasets[1]
    axes = draw_map(estimates, 2)
    count = {line.get_marker(): len(line.get_xdata()) for line in axes.lines[:3]}
    known = np.isfinite(estimates["exponent"].values[..., 1])
    sign, verdict = estimates["sign"].values[..., 1], estimates["verdict"].values[..., 1]
    assert count == {
        "o": (known & (sign == "undecided")).sum(),
        "D": (verdict == "disagrees").sum(),
        "x": (~known).sum(),
    }


def test_scaling_figure_shows_every_run_of_the_cell_and_the_stored_fit(datasets):
    runs, estimates = datasets
    cell = (float(runs["gamma"].values[1]), float(runs["gamma_prime"].values[2]))
    axes = draw_scaling(runs, estimates, cell)
    points = [y for line in axes.lines if line.get_marker() in "ox" for y in line.get_ydata()]
    stored = runs["displacement_operator"].values[1, 2]
    assert sorted(points) == sorted(stored[np.isfinite(stored)])
    fits = [line.get_ydata() for line in axes.lines if line.get_linestyle() == "-"]
    np.testing.assert_array_equal(fits, estimates["fit"].values[1, 2])


def test_cell_outside_the_map_is_refused(datasets):
    with pytest.raises(InputError, match=r"Gamma of the cell must lie on the map.*other order"):
        draw_scaling(*datasets, (7.0, 0.0))


def test_layer_that_is_not_there_is_refused(datasets):
    with pytest.raises(InputError, match=r"Layer must be one of 1, 2.*'3'"):
        draw_map(datasets[1], 3)
