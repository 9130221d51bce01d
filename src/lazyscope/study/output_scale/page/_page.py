"""What does the page of a study of the output scale show, and in which order?"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lazyscope._entry import checked
from lazyscope.report.parts import (
    AGREEMENT_TONES,
    Cell,
    Choice,
    Figure,
    Key,
    Legend,
    Page,
    Selector,
    Table,
    category_colors,
    check_stored,
    decimal,
    interval,
    listing,
    log_axis,
    number,
    ordered_colors,
    outcome_table,
    percent,
    render_page,
    settings_section,
    study_page,
    write_whole,
)
from lazyscope.study.output_scale.page._plots import crossover_panel, spread_panel, threshold_panel


@checked()
def write_output_scale_page(result: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write the page of a study of the output scale, in one HTML file that needs nothing else.

    Args:
        result: the stored JSON object, as the study of the output scale stores it.
        path: where the page goes; its folder must exist.

    Returns:
        The path of the page.

    Raises:
        InputError: the result is another study or format, or the path cannot be written.
    """
    check_stored(result, "output-scale")
    return write_whole(render_page(output_scale_page(result)), path)


def output_scale_page(result: Mapping[str, Any]) -> Page:
    """The sections of the page, in order."""
    outcomes = result["outcomes"]
    failed = sum(n for name, n in outcomes.items() if name not in ("converged", "missing"))
    made = sum(n for name, n in outcomes.items() if name != "missing")
    return study_page(
        result,
        lead=_lead(result),
        facts=[("runs", str(made)), ("did not converge", str(failed))],
        sections=[
            _crossover_figure(result),
            _power_figure(result),
            _collapse_table(result),
            _slope_table(result),
            outcome_table(outcomes),
            settings_section(result),
        ],
    )


def _lead(result: Mapping[str, Any]) -> str:
    settings, scales = result["settings"], result["output_scale"]
    return (
        f"Networks α (f − f₀), hidden layers: {settings['depth']} ({settings['activation']}), in "
        f"{settings['scheme']} scaling, trained on {settings['num_points']} points of "
        f"{settings['data']}; widths {listing(result['widths'], 5)}, α from {number(scales[0])} to "
        f"{number(scales[-1])}. A large α makes training lazy, a small one rich. Theory says that "
        f"kappa, here α m^{listing([result['kappa_exponent']])}, decides which."
    )


def _crossover_figure(result: Mapping[str, Any]) -> Figure:
    colors = ordered_colors(result["widths"])
    choices = []
    for name, entry in result["quantities"].items():
        values = [v for row in entry["values"] for cell in row for v in cell if v]
        axis = {
            "yaxis": {"title": {"text": entry["label"]}, "type": "linear", "rangemode": "tozero"}
        }
        if name != "test_error":
            axis = {"yaxis": log_axis(entry["label"], values)}
        choices.append(Choice(name, name.replace("_", " "), axis))
    return Figure(
        anchor="crossover",
        title="From rich to lazy",
        caption=(
            "Look for curves that lie apart on the left, where runs of equal α are compared, and on "
            "top of each other on the right, where runs of equal kappa are. Points are means over "
            "seeds (geometric, but for the test error), bars go from the smallest to the largest."
        ),
        panels=[
            crossover_panel(result, colors, against="alpha"),
            crossover_panel(result, colors, against="kappa"),
        ],
        selectors=[Selector("quantity", "Quantity", choices, choices[0].value)],
        legends=[Legend.of_colors("width", "Width", colors)],
        columns="repeat(auto-fit, minmax(min(100%, 24rem), 1fr))",
    )


def _power_figure(result: Mapping[str, Any]) -> Figure:
    colors = category_colors(list(result["collapse"]))
    keys = []
    for name, found in result["collapse"].items():
        detail = "no estimate"
        if found["power"] is not None:
            detail = f"p = {decimal(found['power'])} {interval(found['interval'])}"
        keys.append(Key(name, result["quantities"][name]["label"], colors[name], detail=detail))
    return Figure(
        anchor="power",
        title="Which power of the width?",
        caption=(
            "Look for thresholds that follow the dashed lines (left: the α at which a quantity comes "
            "down through its level, one point per seed) and for a distance between the widths that "
            "is least at the dashed power (right)."
        ),
        panels=[threshold_panel(result, colors), spread_panel(result, colors)],
        legends=[Legend("quantity", "Quantity", keys)],
        columns="repeat(auto-fit, minmax(min(100%, 24rem), 1fr))",
    )


def _collapse_table(result: Mapping[str, Any]) -> Table:
    rows = []
    for name, found in result["collapse"].items():
        spreads = (
            found[f"spread_{which}"]
            for which in ("at_equal_scale", "at_predicted_power", "between_seeds")
        )
        rows.append(
            [
                name.replace("_", " "),
                number(found["level"]),
                decimal(found["power"]),
                interval(found["interval"]),
                decimal(found["predicted"]),
                Cell(found["verdict"], AGREEMENT_TONES[found["verdict"]]),
                decimal(found["closest_power"]),
                *(percent(None if s is None else float(np.expm1(s))) for s in spreads),
            ]
        )
    return Table(
        anchor="collapse",
        title="How well curves of different widths collapse",
        caption=(
            "p is the power of the width in α m^p, from the α at which the quantity crosses the "
            "level, with a 95 % interval that includes what finite width hides; the closest p has "
            "the least distance between widths. Distances are typical factors minus one."
        ),
        header=[
            "Quantity",
            "Level",
            "p",
            "Interval",
            "Predicted",
            "Verdict",
            "Closest p",
            "Apart at equal α",
            "at predicted p",
            "between seeds",
        ],
        rows=rows,
    )


def _slope_table(result: Mapping[str, Any]) -> Table:
    slope = result["lazy_slope"]
    return Table(
        anchor="slope",
        title="The lazy side",
        caption=(
            f"Slope of the largest displacement in kappa over the {slope['num_runs']} runs in which "
            f"it is below {number(slope['below'])}; for any model it should be −1. {slope['note']}"
        ),
        header=["Slope", "Interval", "Predicted"],
        rows=[
            [
                decimal(slope["slope"], 3),
                interval(slope["interval"], 3),
                decimal(slope["predicted"]),
            ]
        ],
    )
