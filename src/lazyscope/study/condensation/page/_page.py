"""What does the page of a study of condensation show, and in which order?"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope.report.parts import (
    Choice,
    Figure,
    Legend,
    Page,
    Panel,
    Selector,
    Settings,
    Table,
    decimal,
    listing,
    ordered_colors,
    render_page,
    write_whole,
)
from lazyscope.study.phase_diagram.page._page import map_page
from lazyscope.study.phase_diagram.page._study import MapStudy, read_map_study, stored_json

STAGE_NAMES = {"final": "after training", "early": "end of the initial stage", "initial": "before"}
"""Stages of training as the stored estimates name them, and how that is said."""


@checked()
def write_condensation_page(
    runs: xr.Dataset, estimates: xr.Dataset, path: str | os.PathLike[str]
) -> Path:
    """Write the page of a study of condensation: the map of the order parameter, to look into.

    A click on a cell shows its input weights before training, when the loss begins to fall and after
    training, besides everything that `write_map_page` shows.

    Args:
        runs: over (x, y, width, seed), as the study of condensation makes them.
        estimates: of the same study.
        path: where the page goes; its folder must exist.

    Returns:
        The path of the page.

    Raises:
        InputError: estimates of another study, or the path cannot be written.
    """
    if "order" not in estimates or "stage" not in estimates.coords:
        raise InputError(
            "the page of a study of condensation needs order parameters by stage",
            received=f"the variables {', '.join(map(str, estimates.data_vars))}",
            cause="the estimates of another study",
            fix="use those of the study of condensation, or write_map_page",
        )
    return write_whole(render_page(condensation_page(runs, estimates)), path)


def condensation_page(runs: xr.Dataset, estimates: xr.Dataset) -> Page:
    """The sections of the page, in order."""
    own = {"study": "condensation", "command": "lazyscope study condensation --output DIR"}
    shown = estimates.drop_vars(["order", "directions"]).assign_attrs(own | estimates.attrs)
    study = read_map_study(runs, shown)
    page = map_page(study)
    figure = page.sections[0]
    tables = {getattr(s, "anchor", ""): s for s in page.sections[1:]}
    settings = tables["settings"]
    assert isinstance(settings, Settings)
    return replace(
        page,
        lead=_lead(study),
        sections=[
            figure,
            _sharpening_figure(study, estimates),
            _extremes_table(study),
            tables["outcomes"],
            _settings(study, settings),
        ],
    )


def _settings(study: MapStudy, section: Settings) -> Settings:
    """The settings of the map's page, and when the initial stage ends."""
    settings = ("early stop", listing([study.runs.attrs.get("early_stop")]))
    return replace(section, items=[settings, *section.items])


def _lead(study: MapStudy) -> str:
    count = study.estimates.attrs.get("num_directions", 0)
    stop = study.runs.attrs.get("early_stop")
    return (
        f"How much of the input weights' mass lies in the {count} heaviest directions: 0 for what "
        f"random weights give, 1 for all of it; over {study.x.label} and {study.y.label}, widths "
        f"{', '.join(map(str, study.widths))}, {study.runs.sizes['seed']} seeds each. The initial "
        f"stage ends when the loss is at {listing([stop])} of its start. Theory: weights condense "
        "where layer 1 moves by more than its size, below the solid line."
    )


def _sharpening_figure(study: MapStudy, estimates: xr.Dataset) -> Figure:
    colors = ordered_colors(study.widths)
    stages = [stage for stage in STAGE_NAMES if stage in estimates["stage"].values]
    return Figure(
        anchor="sharpening",
        title="From lazy to condensed, sharper with every width",
        caption=(
            "Look for points at 0 on the left (lazy) and at 1 on the right (condensed), with a step "
            "at the boundary of theory that becomes steeper as the width grows. One point per cell, "
            "mean over seeds; the distance from the boundary of layer 1 is in units of the axes."
        ),
        panels=[_sharpening_panel(study, estimates, stages, colors)],
        selectors=[
            Selector("stage", "Stage", [Choice(s, STAGE_NAMES[s]) for s in stages], stages[0])
        ],
        legends=[
            Legend.of_colors("width", "Width", colors),
        ],
    )


def _sharpening_panel(
    study: MapStudy, estimates: xr.Dataset, stages: list[str], colors: Any
) -> Panel:
    x, y = study.x.name, study.y.name
    order = estimates["order"].transpose(x, y, "stage", "width", "seed")
    predicted = estimates["predicted"].transpose(x, y, "layer").sel(layer=1).values
    distance = estimates["distance"].transpose(x, y, "layer").sel(layer=1).values
    place = np.where(predicted > 0, 1, -1) * np.where(predicted == 0, 0, distance)
    rows, columns = np.meshgrid(study.x.values, study.y.values, indexing="ij")
    traces = []
    for stage in stages:
        for number, width in enumerate(study.widths):
            values = order.sel(stage=stage).values[:, :, number]
            known = np.isfinite(values).any(axis=-1) & np.isfinite(place)
            means = np.nanmean(values[known], axis=-1)
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"width {width}",
                    "meta": {"stage": stage, "width": width},
                    "x": place[known].tolist(),
                    "y": means.tolist(),
                    "marker": {"color": colors[width], "size": 7, "opacity": 0.8},
                    "hovertext": [
                        f"{study.x.label} = {listing([a])}, {study.y.label} = {listing([b])}"
                        f"<br>width {width}: {decimal(float(v))}"
                        for a, b, v in zip(rows[known], columns[known], means, strict=True)
                    ],
                    "hoverinfo": "text",
                }
            )
    line = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper"}
    return Panel(
        data=traces,
        layout={
            "xaxis": {"title": {"text": "signed distance from the boundary of layer 1"}},
            "yaxis": {"title": {"text": "order parameter"}, "range": [-0.04, 1.06]},
            "shapes": [{**line, "line": {"dash": "dash"}}],
        },
        size="large",
    )


def _extremes_table(study: MapStudy) -> Table:
    check = stored_json(study.estimates, "side_check") or {}
    rows = []
    if "condensed" in check:
        rows = [
            [
                "condensed",
                str(check["condensed"]),
                str(check["above"]),
                str(check["early_above"]),
                f"{check['rising']} rise",
                f"at least {decimal(check['lowest_condensed'])}",
            ],
            [
                "lazy",
                str(check["lazy"]),
                str(check["lazy"] - check["below"]),
                str(check["lazy"] - check["early_below"]),
                f"{check['falling']} fall or are at chance",
                f"at most {decimal(check['highest_lazy'])}",
            ],
        ]
    return Table(
        anchor="sides",
        title="On both sides of the boundary of layer 1",
        caption=(
            f"Cells farther than {listing([check.get('margin')])} from the boundary, at the largest "
            "width; the last column is about the end of the initial stage."
        ),
        header=[
            "The law says",
            "Cells",
            "Above 1/2 after training",
            "Above 1/2 in the initial stage",
            "With the width",
            "Order parameter",
        ],
        rows=rows,
        numeric=False,
    )
