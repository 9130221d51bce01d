"""What does the page of a phase diagram show, and in which order?"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from markupsafe import Markup

from lazyscope._entry import checked
from lazyscope.report.parts import (
    AGREEMENT_TONES,
    CONVERGED,
    Cell,
    Custom,
    Page,
    Settings,
    Table,
    decimal,
    interval,
    listing,
    number,
    outcome_table,
    page_templates,
    render_page,
    seconds,
    shown_verdict,
    sweep_commands,
    write_whole,
)
from lazyscope.study.phase_diagram.page._data import curve_stride, map_data, quantity_name
from lazyscope.study.phase_diagram.page._study import LARGEST, MapStudy, read_map_study, stored_json


@checked()
def write_map_page(runs: xr.Dataset, estimates: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write the page of a phase diagram: a map to look into, in one HTML file.

    A click on a cell of the map (or the arrow keys) shows its exponents with intervals, displacement
    against width with the stored fit, loss curves, and input weights before and after training.
    Nothing is fitted here. The page opens without a network and is written whole or not at all.

    Args:
        runs: results over (x, y, width, seed), as ``lazyscope.sweep.open_store`` gives them.
        estimates: exponents over (x, y, layer): ``exponent``, ``low``, ``high``, ``verdict``, and
            where there are any ``predicted``, ``sign``, ``fit`` over (x, y, layer, fit_width) and
            further numbers over cells. Attributes: ``level``, ``quantity``, and as JSON
            ``boundaries``, ``regions`` and ``verdict``. See ``docs/report.md``.
        path: where the page goes; its folder must exist.

    Returns:
        The path of the page.

    Raises:
        InputError: variables or axes are missing or do not fit together, or the path cannot be
            written.

    Cost: 1.5 MB for plotly.js, 2 bytes per number of a loss curve, 4 kB per cell for weights. Curves of
    more than 280000 records in all are drawn by every second or third, and the page says so.
    """
    return write_whole(render_page(map_page(read_map_study(runs, estimates))), path)


def map_page(study: MapStudy) -> Page:
    """The sections of the page, in order."""
    runs = study.runs
    made = sum(n for name, n in study.outcomes.items() if name != "missing")
    failed = sum(n for name, n in study.outcomes.items() if name not in (CONVERGED, "missing"))
    facts = [
        ("cells", str(len(study.x.values) * len(study.y.values))),
        ("runs", str(made)),
        ("did not converge", str(failed)),
    ]
    if study.seconds is not None:
        facts.append(("time of all runs", seconds(study.seconds)))
    title = str(study.estimates.attrs.get("title") or runs.attrs.get("title") or "Phase diagram")
    version = _versions(runs).get("lazyscope_version", "")
    named = study.estimates.attrs.get("study")
    return Page(
        title=title,
        eyebrow=f"lazyscope, {f'study {named}' if named else 'phase diagram'}",
        lead=_lead(study),
        verdict=shown_verdict(stored_json(study.estimates, "verdict")),
        facts=facts,
        sections=[
            Custom(_map_section(study), "map", _plane_title(study)),
            _layer_table(study),
            _disagreement_table(study),
            outcome_table(study.outcomes),
            _settings(study),
        ],
        footer=f"Made by lazyscope {version} from stored results.",
        styles=["map.css"],
        scripts=["map.js"],
        version=version,
    )


def _lead(study: MapStudy) -> str:
    virtual = study.virtual_widths
    widths = f"widths {', '.join(map(str, study.widths))}"
    if virtual is not None:
        widths = f"{len(study.widths)} virtual widths to {number(float(virtual.max()), 1)} in each"
    return (
        f"How the {quantity_name(study)} of each layer scales with the width, over "
        f"{study.x.label} and {study.y.label}: {len(study.x.values)} by {len(study.y.values)} "
        f"cells, {widths}, {study.runs.sizes['seed']} seeds each. "
        "Blue is lazy (the displacement vanishes as the width grows), orange is condensed."
    )


def _map_section(study: MapStudy) -> Markup:
    template = page_templates().get_template("map.html.j2")
    caption = (
        "Look for the colour that changes across the lines of theory, and click on a cell to see "
        "what it is made of."
    )
    stride = curve_stride(study)
    if stride > 1:
        caption += (
            f" Of loss curves one record in {stride} is drawn, the first and the last included."
        )
    text = template.render(
        words=map_words(study), title=_plane_title(study), caption=caption, data=map_data(study)
    )
    return Markup(text)  # noqa: S704 (made by a template that escapes)


def map_words(study: MapStudy) -> str:
    """What the map shows, counted, for readers who do not see it."""
    low, high = (study.estimates[name].values for name in ("low", "high"))
    axes = [
        f"{len(one.values)} values of {one.label} from {number(float(one.values[0]))} to "
        f"{number(float(one.values[-1]))}"
        for one in (study.x, study.y)
    ]
    told = [f"{'; '.join(axes)}."]
    for place, layer in enumerate(study.layers):
        lazy, condensed = int((high[..., place] < 0).sum()), int((low[..., place] > 0).sum())
        told.append(
            f"Layer {layer}: {lazy} of {low[..., place].size} cells lazy (exponent below zero), {condensed} "
            "condensed (above zero), the others undecided or without an estimate."
        )
    names = [f"{line['name']} ({line.get('kind', 'predicted')})" for line in study.boundaries]
    return " ".join([*told, *([f"Lines: {', '.join(names)}."] if names else [])])


def _plane_title(study: MapStudy) -> str:
    return f"The plane of {study.x.label} and {study.y.label}"


def _layer_table(study: MapStudy) -> Table:
    verdicts = study.estimates["verdict"].values.astype(str)
    rows = []
    for place, layer in enumerate(study.layers):
        count = Counter(verdicts[:, :, place].ravel().tolist())
        known = int(np.isfinite(study.estimates["exponent"].values[:, :, place]).sum())
        verdict_counts = (str(count[name]) for name in AGREEMENT_TONES)
        rows.append([str(layer), str(known), *verdict_counts, *_rests(study, place).values()])
    rests = list(_rests(study, 0))
    caption = "Cells with an estimate, and what their intervals say about the prediction."
    if rests:
        caption += (
            " A largest width that the others do not expect says that they do not tell of larger ones; what "
            "an interval takes for granted is told of every cell above."
        )
    return Table(
        anchor="layers",
        title="Layer by layer",
        caption=caption,
        header=["Layer", "Cells with an estimate", "Agree", "Undecided", "Disagree", *rests],
        rows=rows,
    )


def _rests(study: MapStudy, place: int) -> dict[str, str]:
    """In how many cells of a layer a bend shows, and the largest width is where the others expect it."""
    chosen, told = study.estimates.isel(layer=place), {}
    if "straight_p" in chosen:
        said = chosen["assumption"].values.astype(str).ravel()
        bends = sum(one.startswith("A bend") for one in said)
        told["A bend shows"] = f"{bends} of {sum(map(bool, said))}"
    if LARGEST[0] in chosen:
        seen, low, high = (chosen[name].values for name in LARGEST)
        known = np.isfinite(low)
        inside = int((known & (low <= seen) & (seen <= high)).sum())
        told["Largest width as expected"] = f"{inside} of {int(known.sum())}"
    return told


def _disagreement_table(study: MapStudy) -> Table:
    estimates = study.estimates
    verdicts = estimates["verdict"].values.astype(str)
    rows, told = [], "assumption" in estimates
    for i, j, place in np.argwhere(verdicts == "disagrees"):
        numbers = {
            name: float(estimates[name].values[i, j, place])
            for name in ("exponent", "low", "high", "predicted")
            if name in estimates
        }
        rows.append(
            [
                listing([float(study.x.values[i])], 4),
                listing([float(study.y.values[j])], 4),
                str(study.layers[place]),
                decimal(numbers["exponent"]),
                interval([numbers["low"], numbers["high"]]),
                decimal(numbers.get("predicted")),
                Cell("disagrees", "bad"),
                *([str(estimates["assumption"].values[i, j, place])] if told else []),
            ]
        )
    caption = "No interval excludes its prediction."
    if rows:
        caption = (
            "One interval excludes its prediction."
            if len(rows) == 1
            else f"{len(rows)} intervals exclude their prediction."
        )
    return Table(
        anchor="disagreements",
        title="Where measurement and theory disagree",
        caption=caption,
        header=[
            *(study.x.label, study.y.label, "Layer", "Exponent", "Interval", "Predicted", ""),
            *(["Rests on"] if told else []),
        ],
        rows=rows,
        folded=f"All {len(rows)} of them" if len(rows) > 12 else "",
    )


def _versions(runs: xr.Dataset) -> Mapping[str, str]:
    batches: Sequence[Mapping[str, Any]] = stored_json(runs, "batches") or []
    first = batches[0] if batches else {}
    return {name: str(value) for name, value in first.items() if name.endswith("_version")}


def _settings(study: MapStudy) -> Settings:
    shared = stored_json(study.runs, "settings") or {}
    items = [(name.replace("_", " "), str(value)) for name, value in shared.items()]
    versions = _versions(study.runs)
    if versions:
        words = (f"{name.removesuffix('_version')} {value}" for name, value in versions.items())
        items.append(("versions", ", ".join(words)))
    design = stored_json(study.runs, "design")
    return Settings(
        "settings",
        "How this was made",
        items,
        sweep_commands(design, study.estimates.attrs.get("command", "")),
    )
