"""What does the page of a coordinate check show?"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from lazyscope._entry import checked
from lazyscope.report.parts import (
    Custom,
    Table,
    decimal,
    interval,
    listing,
    raised,
    render_page,
    settings_section,
    study_page,
    write_whole,
)
from lazyscope.study.coordinates.page._figure import draw_coordinate_check
from lazyscope.study.coordinates.page._format import TRAINED_FORMAT
from lazyscope.study.coordinates.page._trained import array_table, short_table, trained_words


@checked()
def write_coordinates_page(result: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write the page of a coordinate check, in one HTML file that needs nothing else.

    Args:
        result: the stored JSON object of the study.
        path: where the page goes; its folder must exist.

    Returns:
        The path of the page.

    Raises:
        InputError: the result is another study or format, or the path cannot be written.
    """
    figure = Custom.drawn("figure", "Against the width", draw_coordinate_check(result))
    page = study_page(
        result,
        lead=_lead(result),
        facts=[
            (result.get("axis", "width") + "s", listing(result["widths"], 5)),
            ("seeds", str(result["seeds"])),
            ("steps", str(result["steps"])),
        ],
        sections=[_said(result), figure, layer_table(result), settings_section(result)],
    )
    return write_whole(render_page(page), path)


def _lead(result: Mapping[str, Any]) -> str:
    axis = result.get("axis", "width")
    return (
        f"Networks of one build are drawn at every {axis}, {result['seeds']} of each, and take their first "
        f"steps. Powers of the {axis} with which kappa, speeds and displacements go say which "
        "parametrisation it is: in muP kappa has the exponent 0 and every layer moves at order one, in NTK "
        "scaling every layer is lazy."
    )


def _said(result: Mapping[str, Any]) -> Custom:
    """What was found beside the verdict, and what would change it."""
    title = "What was found, and what would change it"
    lines = Markup("").join(
        Markup("<li>{}</li>").format(raised(one)) for one in check_words(result)
    )
    section = Markup('<section id="said"><h2>{}</h2><ul>{}</ul></section>').format(title, lines)
    return Custom(section, "said", title)


def check_words(result: Mapping[str, Any]) -> list[str]:
    """Whether a rate transfers, kappa, what would change the regime, and notes, a sentence each."""
    transfer = result.get("rate_transfer")  # which results of earlier versions have not
    said = [] if transfer is None else [transfer["sentence"]]
    if result["format"] == TRAINED_FORMAT:
        return [*said, *trained_words(result)]
    advice = []
    if result["readout"]:
        advice = [
            _changes("To become muP", result["to_become_mup"]),
            _changes("To become lazy", result["to_become_lazy"]),
        ]
    return [
        *said,
        f"kappa: exponent {_with_interval(result['kappa_exponent'])}; regime {result['regime']}.",
        f"largest stable learning rate: exponent {_with_interval(result['stable_rate_exponent'])}.",
        *advice,
        *result["notes"],
    ]


def told_table(result: Mapping[str, Any]) -> Table:
    """The same in as few columns as a terminal has room for."""
    return short_table(result) if result["format"] == TRAINED_FORMAT else layer_table(result)


def layer_table(result: Mapping[str, Any]) -> Table:
    """Every layer, or every array of a training of one's own, with its exponents and its regime."""
    if result["format"] == TRAINED_FORMAT:
        return array_table(result)
    return Table(
        anchor="layers",
        title="Powers of the width, with 95 % intervals",
        caption=(
            "Speed: s / alpha^2. Displacement: |dW| / |W| after the first steps. Law: what kappa and the "
            "speeds predict for the end of training."
        ),
        header=["layer", "kind", "speed", "displacement", "by the law", "its output", "regime"],
        rows=[
            [
                layer["name"],
                layer["kind"],
                _with_interval(layer["relative_speed_exponent"]),
                _with_interval(layer["displacement_exponent"]),
                decimal(layer["predicted_displacement_exponent"]),
                _with_interval(layer["output_change_exponent"]),
                layer["regime"],
            ]
            for layer in result["layers"]
        ],
    )


def _changes(title: str, changes: Sequence[Mapping[str, Any]]) -> str:
    if not changes:
        return f"{title}: nothing to change."
    parts = [f"{change['what']} times m^{change['exponent']:g}" for change in changes]
    return f"{title} (m: width): {'; '.join(parts)}."


def _with_interval(estimate: Mapping[str, Any]) -> str:
    if None in estimate["interval"]:
        return "-"
    return f"{decimal(estimate['exponent'])} {interval(estimate['interval'])}"
