"""What does the page of a kappa study show, and in which order?"""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazyscope._entry import checked
from lazyscope.report.parts import (
    NEUTRAL,
    Choice,
    Figure,
    Key,
    Legend,
    Page,
    Selector,
    Settings,
    decimal,
    interval,
    is_number,
    listing,
    number,
    render_page,
    seconds,
    settings_section,
    study_page,
    write_whole,
)
from lazyscope.study.kappa.page._curve_plots import (
    CURVE_NAMES,
    CURVES,
    loss_panel,
    prediction_panels,
    target_values,
)
from lazyscope.study.kappa.page._run_plots import (
    displacement_panel,
    forecast_panels,
    gap_panels,
    rate_panels,
    slope_panel,
)
from lazyscope.study.kappa.page._study import KappaRecord, read_kappa_study
from lazyscope.study.kappa.page._tables import (
    collapse_table,
    failed_table,
    fit_table,
    run_table,
    scheme_table,
    weighed_tables,
)


@checked()
def write_kappa_page(result: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write the page of a kappa study: figures, tables and the verdict, in one HTML file.

    Everything shown is stored in the result; nothing is fitted or decided here. The page opens
    without a network and is written whole or not at all.

    Args:
        result: the stored JSON object of the study, format 1.
        path: where the page goes; its folder must exist.

    Returns:
        The path of the page.

    Raises:
        InputError: the result is another study or format, or the path cannot be written.

    Cost: about a second for a few hundred runs; 1.5 MB for plotly.js and about 1 kB per run.
    """
    return write_whole(render_page(kappa_page(read_kappa_study(result))), path)


def kappa_page(study: KappaRecord) -> Page:
    """The sections of the page, in order."""
    stored, settings = study.stored, study.stored["settings"]
    return study_page(
        stored,
        title="Does kappa alone decide how lazily a network trains?",
        lead=_lead(study),
        detail=deciding_groups(study),
        facts=[
            ("runs", str(len(study.runs))),
            ("did not converge", str(len(study.failed))),
            ("running", seconds(stored["timing"].get("run_seconds"))),
            ("compiling, all threads", seconds(stored["timing"].get("compile_seconds"))),
        ],
        sections=[
            _displacement_figure(study),
            *_weighed_figures(study),
            _loss_figure(study),
            _forecast_figure(study),
            *_prediction_figures(study),
            _gap_figure(study),
            *([] if study.optimiser else [_rate_figure(study)]),
            fit_table(study),
            collapse_table(study),
            *weighed_tables(study),
            scheme_table(study),
            failed_table(study),
            run_table(study),
            _settings(stored, settings),
        ],
    )


def deciding_groups(study: KappaRecord) -> str:
    """Which group of parameters had the largest displacement, which is what is judged; by spread."""
    spreads: dict[str, list[str]] = {}
    for shape in study.shapes:
        moved = [run["displacement"]["operator"] for run in study.runs if run["shape"] == shape]
        largest = Counter(
            max(range(len(row)), key=lambda k: row[k])
            for row in moved
            if row and all(is_number(value) for value in row)
        )
        if largest:
            group = largest.most_common(1)[0][0]
            spreads.setdefault(study.groups[group], []).append(shape)
    told = "; ".join(f"{group} ({', '.join(shapes)})" for group, shapes in spreads.items())
    return (
        f"The displacement that was judged is that of the group that moved most: {told}."
        if told
        else ""
    )


def _lead(study: KappaRecord) -> str:
    settings = study.stored["settings"]
    return (
        f"{settings['num_points']} points of {settings['data']} ({settings['target']} target), "
        f"{_network(settings)}, "
        f"{f'trained by {study.optimiser} in small steps, ' if study.optimiser else ''}"
        f"{len(study.shapes)} ways to spread kappa over the layers, widths "
        f"{listing(study.widths)}, kappa from {number(min(study.kappas, default=None))} to "
        f"{number(max(study.kappas, default=None))}, {len(settings['seeds'])} seeds. "
        f"{_expected(settings)}"
    )


def _network(settings: Mapping[str, Any]) -> str:
    """What was trained, in words."""
    dense = f"{settings['depth']} hidden layers, {settings['activation']}"
    return f"{settings.get('model', 'dense')} networks ({settings.get('network', dense)})"


def _expected(settings: Mapping[str, Any]) -> str:
    if settings.get("model", "dense") == "dense":
        return (
            "Theory says that the relative displacement of the weights falls like 1/kappa, "
            "however kappa is spread over the layers."
        )
    return (
        "For dense networks theory says that the relative displacement of the weights falls like "
        "1/kappa, however kappa is spread over the layers. Whether it does so here, with the kappa of this "
        "architecture, is what the runs show."
    )


def _displacement_figure(study: KappaRecord) -> Figure:
    return Figure(
        anchor="displacement",
        title="Largest relative displacement against kappa",
        caption=(
            "Look for lines that fall like the dashed one, with all widths of a spread on top of "
            "each other: small marks are runs, large ones means over seeds with bars from the "
            "smallest to the largest; lines are dotted outside the range of the fit."
        ),
        panels=[displacement_panel(study), slope_panel(study, study.stored["fits"])],
        legends=[_shape_legend(study, with_fits=True), _width_legend(study)],
        columns="minmax(0, 2.1fr) minmax(0, 1fr)",
    )


def _weighed_figures(study: KappaRecord) -> list[Figure]:
    """Displacement times leverage, where groups differ in it, with the stored verdict on it."""
    if study.weighed is None:
        return []
    label = "largest displacement × leverage"
    return [
        Figure(
            anchor="weighed",
            title="The same, weighed by what a group does to the output",
            caption=(
                "Look for lines that are nearer to slope -1 and to each other than above: then kappa decides "
                "how far the function moves, and groups through which little of the output passes "
                f"move further for it. {study.weighed['verdict']['sentence']}"
            ),
            panels=[
                displacement_panel(study, "largest_weighed", label),
                slope_panel(study, study.weighed["fits"]),
            ],
            legends=[_shape_legend(study), _width_legend(study)],
            columns="minmax(0, 2.1fr) minmax(0, 1fr)",
        )
    ]


def _loss_figure(study: KappaRecord) -> Figure:
    curves = study.stored["curves"]
    shapes = [s for s in study.shapes if any(c["shape"] == s for c in curves)]
    widths = [w for w in study.widths if any(c["width"] == w for c in curves)]
    linear = {"xaxis": {"type": "linear", "rangemode": "tozero"}}
    kappas = [Choice(number(k), f"κ = {number(k)}", linear) for k in study.kappas]
    return Figure(
        anchor="loss",
        title="Loss against time",
        caption=(
            "Look for curves of one form that move to later times, sums of steps, as kappa falls."
            if study.optimiser
            else "Look for solid lines that hide the dotted ones (the network trains like its "
            f"linearisation){' and stay below the dashed bound' if study.has_bounds else ''}; choose "
            "one kappa for a linear time axis, on which exponential decay is a straight line."
        ),
        panels=[loss_panel(study)],
        selectors=[
            Selector.of_values("shape", "Spread", shapes),
            Selector.of_values("width", "Width", widths, -1),
            Selector("kappa", "Kappa", [Choice("*", "all"), *kappas], "*"),
        ],
        legends=[
            Legend(
                "curve",
                "Line",
                [
                    Key(n, CURVE_NAMES[n], NEUTRAL, dash=d)
                    for n, d in CURVES.items()
                    if n == "loss" or (study.has_bounds if n == "bound" else not study.optimiser)
                ],
            ),
            Legend.of_colors("kappa", "Kappa", study.kappa_colors, text=number, dash="solid"),
        ],
    )


def _forecast_figure(study: KappaRecord) -> Figure:
    return Figure(
        anchor="forecast",
        title="Displacement forecast from initialization, and measured",
        caption=(
            f"Look for points on the diagonal: what {_foreseen_by(study)} says about each "
            "layer (relative, Frobenius norm) is what training does; points leave it where the "
            "displacement is large."
        ),
        panels=forecast_panels(study),
        legends=[_shape_legend(study), _width_legend(study)],
        columns="repeat(auto-fit, minmax(min(100%, 17rem), 1fr))",
    )


def _prediction_figures(study: KappaRecord) -> list[Figure]:
    outputs = study.stored["test_outputs"]
    if not outputs:
        return []
    shapes = [s for s in study.shapes if any(o["shape"] == s for o in outputs)]
    widths = [w for w in study.widths if any(o["width"] == w for o in outputs)]
    targets = target_values(study)
    panels = prediction_panels(study)
    columns = 3 if len(panels) <= 6 else 4 if len(panels) <= 8 else 5
    target = Legend.of_colors(
        "target", "Target", dict(zip(targets, ("#0072b2", "#d55e00"), strict=False))
    )
    return [
        Figure(
            anchor="prediction",
            title="Network against kernel prediction on test points",
            caption=(
                "Look for clouds that shrink onto the diagonal as kappa grows: the trained network "
                "then answers what its kernel at initialization predicts, point by point."
            ),
            panels=panels,
            selectors=[
                Selector.of_values("shape", "Spread", shapes),
                Selector.of_values("width", "Width", widths, -1),
            ],
            legends=[target] if targets else [],
            columns=f"repeat({columns}, minmax(0, 1fr))",
        )
    ]


def _foreseen_by(study: KappaRecord) -> str:
    if study.optimiser:
        return "the linearised network that takes the same steps"
    return "the kernel at initialization"


def _gap_figure(study: KappaRecord) -> Figure:
    far = "Distance from the linearised network, and kernel change"
    return Figure(
        anchor="gap",
        title="Kernel change" if study.optimiser else far,
        caption=(
            "Look for values that fall like 1/kappa or faster: the kernel at the start describes training "
            "the better, the larger kappa is."
            if study.optimiser
            else "Look for all three falling together with kappa: the linearised network and the "
            "initial kernel describe training the better, the larger kappa is."
        ),
        panels=gap_panels(study),
        legends=[_shape_legend(study), _width_legend(study)],
        columns="repeat(auto-fit, minmax(min(100%, 17rem), 1fr))",
    )


def _rate_figure(study: KappaRecord) -> Figure:
    caption = (
        "Look for points above the dashed lines at large kappa: there the loss falls faster "
        "than the bound of theory (left) and than the slowest mode of the initial kernel "
        "(right)."
    )
    if not study.has_bounds:
        caption = (
            "Look for points above the dashed line at large kappa: there the loss falls faster than "
            "the slowest mode of the initial kernel. The bound of theory needs limit kernels, which "
            "are known for dense networks without bias only: there is none here."
        )
    return Figure(
        anchor="rate",
        title="Decay rate of the loss against theory",
        caption=caption,
        panels=rate_panels(study),
        legends=[_shape_legend(study), _width_legend(study)],
        columns="repeat(auto-fit, minmax(min(100%, 22rem), 1fr))",
    )


def _shape_legend(study: KappaRecord, *, with_fits: bool = False) -> Legend:
    keys = []
    for shape in study.shapes:
        fit = study.fits.get(shape) if with_fits else None
        detail = ""
        if fit:
            detail = f"{decimal(fit['slope'])} {interval(fit['interval'])}"
        keys.append(Key(shape, shape, study.shape_colors[shape], detail=detail))
    predicted = {decimal(fit["predicted"], 0) for fit in study.fits.values()}
    label = "Spread"
    if with_fits and len(predicted) == 1:
        label = f"Spread, with its slope and interval (predicted {predicted.pop()})"
    return Legend("shape", label, keys)


def _width_legend(study: KappaRecord) -> Legend:
    keys = [Key(str(w), str(w), symbol=marker) for w, marker in study.width_markers.items()]
    return Legend("width", "Width", keys)


def _settings(stored: Mapping[str, Any], settings: Mapping[str, Any]) -> Settings:
    centred = ", centred at initialization" if settings["centred"] else ""
    return settings_section(
        stored,
        [
            ("data", f"{settings['data']}: {'; '.join(settings['description'])}"),
            ("points, training and test", f"{settings['num_points']} and {settings['num_test']}"),
            ("target", f"{settings['target']}, {settings['num_outputs']} output(s)"),
            ("network", f"{_network(settings)}{centred}"),
            ("seeds", listing(settings["seeds"])),
            ("stop", f"at {listing([settings['stop']])} of the initial loss"),
            ("method", f"{settings['method']}, {_accuracy(settings)}"),
            ("time, all in all", seconds(stored["timing"].get("total_seconds"))),
        ],
    )


def _accuracy(settings: Mapping[str, Any]) -> str:
    if "share" in settings:
        return f"steps of {listing([settings['share']])} of the gap"
    return f"tolerance {listing([settings['tolerance']])}"
