"""Do the Matplotlib figures show the stored numbers, and can they be saved for a paper?"""

import numpy as np
import pytest
from matplotlib.figure import Figure

from lazyscope._checks import InputError
from lazyscope.report.parts import plain_log_ticks
from lazyscope.study import draw_displacement, draw_forecast, draw_loss
from report.synthetic_kappa import synthetic_result

DRAW = {"displacement": draw_displacement, "loss": draw_loss, "forecast": draw_forecast}


@pytest.fixture(scope="module")
def result():
    return synthetic_result()


@pytest.mark.parametrize("name", DRAW)
@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_figure_is_saved_for_a_paper(result, name, suffix, tmp_path):
    axes = DRAW[name](result)
    path = tmp_path / f"figure.{suffix}"
    axes.figure.savefig(path)
    assert path.stat().st_size > 5000


@pytest.mark.parametrize("name", DRAW)
def test_figure_is_drawn_into_given_axes(result, name):
    mine = Figure().subplots()
    assert DRAW[name](result, axes=mine) is mine


def test_displacement_figure_holds_every_stored_number_once(result):
    axes = draw_displacement(result)
    drawn = [y for line in axes.lines if line.get_marker() != "None" for y in line.get_ydata()]
    stored = [
        run["largest_displacement"] for run in result["runs"] if run["outcome"] == "converged"
    ]
    assert sorted(drawn) == sorted(stored)


def test_displacement_legend_carries_slope_and_interval(result):
    labels = [text.get_text() for text in draw_displacement(result).get_legend().get_texts()]
    assert "random: −0.80 [−1.05, −0.55]" in labels
    assert len(labels) == 6


def test_guide_has_slope_minus_one(result):
    guide = draw_displacement(result).lines[-1]
    slope = np.diff(np.log(guide.get_ydata())) / np.diff(np.log(guide.get_xdata()))
    assert slope == pytest.approx(-1)


def test_loss_figure_holds_network_linearisation_and_bound_of_every_run(result):
    axes = draw_loss(result, "random", 128)
    curves = [c for c in result["curves"] if (c["shape"], c["width"]) == ("random", 128)]
    assert len([line for line in axes.lines if len(line.get_xdata())]) == 3 * len(curves) > 0


def test_loss_figure_does_without_a_bound_that_theory_does_not_give():
    result = synthetic_result(seeds=(0,), num_failed=0)
    for curve in result["curves"]:
        curve["bound"] = None
    axes = draw_loss(result)
    assert len([line for line in axes.lines if len(line.get_xdata())]) == 2 * 6


def test_forecast_figure_holds_every_layer_of_every_converged_run(result):
    axes = draw_forecast(result)
    points = sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() == "o")
    assert points == 3 * sum(run["outcome"] == "converged" for run in result["runs"])


def test_unknown_shape_is_refused_with_the_nearest_name(result):
    with pytest.raises(InputError, match=r"Shape must be one of.*use 'balanced'"):
        draw_loss(result, "balance")


def test_unknown_width_is_refused(result):
    with pytest.raises(InputError, match=r"Width must be one of 128, 256, 512.*'100'"):
        draw_loss(result, width=100)


@pytest.mark.parametrize(
    "ends", [(0.42, 0.451), (1.0, 1.001), (9.9, 10.4), (1e-8, 1.1e-8), (1, 1.5), (0.3, 9), (2, 500)]
)
def test_a_logarithmic_axis_has_ticks_that_differ_however_short_it_is(ends):
    axes = Figure().subplots()
    axes.set(yscale="log", ylim=ends)
    plain_log_ticks(axes.yaxis)
    told = [text.get_text() for text in axes.get_yticklabels()]
    ticks = axes.get_yticks()
    assert 3 <= len(told) == len(set(told)) <= 10
    assert ends[0] * (1 - 1e-6) <= min(ticks) < max(ticks) <= ends[1] * (1 + 1e-6)
