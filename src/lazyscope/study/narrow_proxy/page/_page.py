"""What does the page of a predicted network show?"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazyscope._entry import checked
from lazyscope.report.parts import (
    Custom,
    Table,
    listing,
    number,
    percent,
    render_page,
    seconds,
    settings_section,
    study_page,
    write_whole,
)
from lazyscope.study.narrow_proxy.page._figure import draw_predicted_loss


@checked()
def write_narrow_proxy_page(result: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write the page of a predicted network, in one HTML file that needs nothing else.

    Args:
        result: the stored JSON object of the study.
        path: where the page goes; its folder must exist.

    Returns:
        The path of the page.

    Raises:
        InputError: the result is another study or format, or the path cannot be written.
    """
    return write_whole(
        render_page(
            study_page(
                result,
                lead=" ".join([_what_was_run(result["settings"]), *proxy_words(result)]),
                facts=[
                    ("width", str(result["width"])),
                    ("trained widths", listing(result["proxy_widths"], 5)),
                    ("seeds", str(result["seeds"])),
                    ("regime", result["regime"]),
                ],
                sections=[
                    Custom.drawn("loss", "Loss", draw_predicted_loss(result)),
                    array_table(result),
                    settings_section(result),
                ],
            )
        ),
        path,
    )


def _what_was_run(settings: Mapping[str, Any]) -> str:
    return (
        f"Narrow networks of {settings['build']}, with the scales and rates of the wide one, were trained by "
        f"{settings['optimizer']} at its rate {number(settings['rate'])} for {settings['steps']} steps on "
        f"{settings['num_points']} points of {settings['data']}."
    )


def proxy_words(result: Mapping[str, Any]) -> list[str]:
    """What it cost and what a reader has to know, a sentence each."""
    order = result["order_holds"]
    tested = (
        "Two widths leave the order of the extrapolation untested; intervals allow for it."
        if order is None
        else f"A third width lay on the line of the others for {percent(order)} of the numbers."
    )
    checked = result["verification"]
    verified = [] if checked is None else [_verified(checked)]
    stability = result.get("stability")
    blown = [] if stability is None else [_blown(stability)]
    return [_cost(result), tested, *verified, *blown, *result["notes"]]


def _cost(result: Mapping[str, Any]) -> str:
    narrow, wide = result["seconds"], result["wide_seconds"]
    told = (
        f"All narrow networks took {seconds(narrow)} of processor time; one training of the wide network "
        f"takes {seconds(wide)} at least"
    )
    if wide <= 0:
        return f"{told}."
    if narrow <= wide:
        return f"{told} ({percent(result['saved'])} saved)."
    return f"{told}: they cost {number(narrow / wide)} times as much, and save time at larger widths only."


def _blown(found: Mapping[str, Any]) -> str:
    told = {
        "stable": "At its rate the wide network is stable.",
        "catapult": "At its rate the loss of the wide network rises first and comes back.",
        "diverges": "At its rate the wide network diverges.",
        "undecided": "At its rate some narrow networks diverge or rise and some do not.",
    }
    edge, peak = found["largest_stable_rate"], found["peak"]
    rises = (
        "" if peak["value"] is None else f" The loss peaks at {number(peak['value'])} of its start."
    )
    sharp = [found[name]["value"] for name in ("sharpness_first", "sharpness_last")]
    turned = (
        ""
        if None in sharp
        else f" Its sharpness goes from {number(sharp[0])} to {number(sharp[1])}."
    )
    ends = f"{number(edge['value'])} {_ends(edge['interval'])}"
    return f"{told[found['answer']]}{rises}{turned} It diverges from a rate (or factor of it) of {ends} on."


def _verified(checked: Mapping[str, Any]) -> str:
    off = [abs(each) for each in checked["displacement_errors"].values() if each is not None]
    worst = f" displacements are off by at most {percent(max(off))};" if off else ""
    return f"Against {checked['seeds']} trained wide networks:{worst} one took {seconds(checked['seconds'])}."


def array_table(result: Mapping[str, Any]) -> Table:
    """Every array with its predicted displacement and its regime."""
    checked = result["verification"]
    errors = {} if checked is None else checked["displacement_errors"]
    return Table(
        anchor="arrays",
        title="Arrays of the wide network after the training, with 95 % intervals",
        caption=(
            "Displacement: operator norm of the change over that of the start, or over nothing where the "
            "array starts at zero (marked with a star)."
        ),
        header=["array", "role", "displacement", "interval", "regime"] + ["off by"] * bool(errors),
        rows=[
            [
                each["name"],
                each["role"],
                number(each["displacement"]["value"]) + "*" * (not each["relative"]),
                _ends(each["displacement"]["interval"]),
                each["regime"],
                *([percent(errors[each["name"]], 1)] if errors else []),
            ]
            for each in result["arrays"]
        ],
    )


def _ends(bounds: Any) -> str:
    return "-" if None in bounds else f"[{number(bounds[0])}, {number(bounds[1])}]"
