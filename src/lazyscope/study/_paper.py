"""Which figures of a stored result go into a paper, and how do they become files?"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import matplotlib

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope._file import local_path, read_json
from lazyscope.study._run import stored_studies
from lazyscope.sweep import open_store

_STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "pdf.fonttype": 42,  # text stays text
    "svg.fonttype": "none",
    "svg.hashsalt": "lazyscope",
}
_MAPS = ("two-layer", "three-layer", "condensation")
Drawn = Iterator[tuple[str, Callable[[], Any]]]


@checked()
def save_figures(
    stored: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    kind: Literal["pdf", "svg", "png"] = "pdf",
) -> list[Path]:
    """Save every figure of a stored result for a paper: one style, legends below what is drawn.

    Args:
        stored: folder of a study, or store of a sweep over at most two axes besides width and seed.
        folder: where the figures go; made if absent.
        kind: of the files.

    Returns:
        The paths of the figures.

    Raises:
        InputError: nothing stored there, or a study without figures for papers (random-schemes, theorem).

    Cost: about a second a figure.
    """
    place = local_path("a stored result", stored)
    target = local_path("the folder of figures", folder)
    names = stored_studies(place)
    with matplotlib.rc_context(_STYLE):
        drawn = _of_study(names[0], place) if len(names) == 1 else _of_sweep(place)
        paths = []
        for name, draw in drawn:
            made = draw()
            figure = getattr(made, "figure", None) or made
            if figure is not made:
                _legend_below(made)
            target.mkdir(parents=True, exist_ok=True)
            figure.savefig(target / f"{name}.{kind}", dpi=300)
            paths.append(target / f"{name}.{kind}")
    if not paths:
        raise InputError(
            "a result needs figures for papers",
            received=f"{place}, a study {names[0]}",
            cause="a study whose figures are on its page only",
            fix="take the page's own figures: the camera above each saves it as SVG",
        )
    return paths


def _legend_below(axes: Any) -> None:
    """Move the legend out of the axes, where it covers nothing."""
    legend = axes.get_legend()
    handles, labels = axes.get_legend_handles_labels()
    if legend is not None:
        legend.remove()
    if labels:
        longest = max(map(len, labels))
        columns = max(1, min(len(labels), 64 // (longest + 6)))
        axes.figure.legend(
            handles, labels, loc="outside lower center", ncols=columns, frameon=False
        )


def _of_study(name: str, place: Path) -> Drawn:
    from lazyscope import study

    result: Mapping[str, Any] = read_json(place / f"{name}.json")
    if name == "kappa":
        for what in ("displacement", "loss", "forecast"):
            yield what, lambda what=what: getattr(study, f"draw_{what}")(result)
    elif name == "output-scale":
        for quantity in result["quantities"]:
            yield quantity, lambda quantity=quantity: study.draw_crossover(result, quantity)
    elif name == "coordinates":
        yield "coordinates", lambda: study.draw_coordinate_check(result)
    elif name == "narrow-proxy":
        yield "loss", lambda: study.draw_predicted_loss(result)
    elif name in _MAPS:
        estimates = study.stored_estimates(result["estimates"])
        if name == "condensation":
            yield "order-parameter", lambda: study.draw_order_parameter(estimates)
        for layer in estimates["layer"].values.tolist():
            yield f"layer-{layer}", lambda layer=layer: study.draw_map(estimates, layer)


def _of_sweep(place: Path) -> Drawn:
    from lazyscope import study

    runs = open_store(place)
    further = [d for d in runs["outcome"].dims if d not in ("width", "seed")]
    if len(further) < 2:
        yield "exponents", lambda: study.draw_exponents(runs, study.sweep_exponents(runs))
        return
    estimates = study.map_estimates(runs)
    for layer in estimates["layer"].values.tolist():
        yield f"layer-{layer}", lambda layer=layer: study.draw_map(estimates, layer)
