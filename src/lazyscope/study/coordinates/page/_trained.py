"""What does the page of a check of somebody's own training show?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lazyscope.report.parts import NEUTRAL, Table, category_colors, decimal, interval
from lazyscope.study.coordinates.page._panel import draw_series, finish_panel, series_label, wrapped


def trained_words(result: Mapping[str, Any]) -> list[str]:
    """The training, kappa, outputs, attention, what would change the regime, and notes, a sentence each."""
    facts = [f"Trained by {result['training']}; loss {result['loss']}."]
    told = {
        "kappa": "kappa",
        "output": "outputs at the start",
        "output_change": "change of the outputs in the first step",
    }
    facts += [
        f"{words}: exponent {with_interval(result[f'{name}_exponent'])}."
        for name, words in told.items()
        if _known(result[f"{name}_exponent"])
    ]
    for k, (start, change) in enumerate(
        zip(result["scores_exponents"], result["score_change_exponents"], strict=True), start=1
    ):
        told_of = (
            f"exponent {with_interval(start)} at the start, {with_interval(change)} of its change"
        )
        facts.append(f"softmax {k}: {told_of}.")
    for title, key in (("To become muP", "to_become_mup"), ("To become lazy", "to_become_lazy")):
        if result[key]:
            parts = [f"{each['what']} times m^{each['exponent']:g}" for each in result[key]]
            facts.append(f"{title} (m: width): {'; '.join(parts)}.")
    if result["next_widths"]:
        facts.append(f"These would decide more: {', '.join(map(str, result['next_widths']))}.")
    return [*facts, *result["notes"]]


def short_table(result: Mapping[str, Any]) -> Table:
    """Every array with what its first step does, for a terminal."""
    return Table(
        anchor="arrays",
        title=f"Powers of the {result['axis']} in the first step, with 95 % intervals",
        caption=(
            "Writes: relative change of what the array writes by its own change. Loss: what its step takes "
            "off the loss. Starts, ends and decay are in what --json prints, and on the page of the study."
        ),
        header=["array", "kind", "writes", "loss", "moves"],
        rows=[
            [
                each["name"],
                each["kind"],
                with_interval(each["own_exponent"]),
                with_interval(each["reach_exponent"]),
                each["movement"],
            ]
            for each in result["arrays"]
        ],
    )


def array_table(result: Mapping[str, Any]) -> Table:
    """Every array with its exponents and how it moves."""
    names = ("size", "step", "displacement", "own", "own_end", "reach", "decay")
    return Table(
        anchor="arrays",
        title=f"Powers of the {result['axis']}, with 95 % intervals",
        caption=(
            "Start: rms of the entries. Step: |dw| / |w| by the first step that moved the array; end: by "
            "all. Writes: relative change of what it writes by its own change, in that step and at the "
            "end. Loss: what that step takes off the loss. Decay: what one step takes off the array."
        ),
        header=[
            "array", "kind", "by", "start", "step", "end", "writes", "at the end", "loss", "decay", "moves",
        ],
        rows=[
            [
                each["name"],
                each["kind"],
                each["optimiser"],
                *(with_interval(each[f"{name}_exponent"]) for name in names),
                each["movement"],
            ]
            for each in result["arrays"]
        ],
    )  # fmt: skip


def draw_training_check(result: Mapping[str, Any]) -> Figure:
    """Outputs and softmaxes, and every matrix's change, what it writes, and what it takes off the loss."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    widths, measured = result["widths"], result["measured"]
    chosen = [k for k, each in enumerate(result["arrays"]) if each["matrix"]]
    names = [result["arrays"][k]["name"] for k in chosen]
    colors = category_colors(names)
    for name, words in (("output", "at the start"), ("output_change", "change")):
        label = series_label(words, result[f"{name}_exponent"])
        draw_series(axes[0, 0], widths, measured[name], NEUTRAL, label)
    for k, found in enumerate(result["score_change_exponents"]):
        label = series_label(f"change of softmax {k + 1}", found)
        draw_series(axes[0, 0], widths, measured["score_change"][k], "tab:gray", label)
    axes[0, 0].set_title("outputs, and what goes into softmaxes")
    titles = {
        "step": "change of the array in its first step  |ΔW| / |W|",
        "own": "relative change of what it writes",
        "reach": "what its first step takes off the loss",
    }
    for place, (name, title) in zip(axes.flat[1:], titles.items(), strict=True):
        for k in chosen:
            each = result["arrays"][k]
            label = series_label(each["name"], each[f"{name}_exponent"])
            values = np.array(measured[name][k], float)
            draw_series(place, widths, values, colors[each["name"]], label)
        place.set_title(title)
    for place in axes.flat:
        finish_panel(place, widths, result["axis"])
    figure.suptitle(wrapped(result["sentence"]), fontsize="medium")
    return figure


def with_interval(estimate: Mapping[str, Any]) -> str:
    """An exponent with its interval; a dash where it was not measured."""
    return (
        f"{decimal(estimate['exponent'])} {interval(estimate['interval'])}"
        if _known(estimate)
        else "-"
    )


def _known(estimate: Mapping[str, Any]) -> bool:
    ends: Sequence[Any] = estimate["interval"]
    return None not in ends and all(abs(end) < 1e6 for end in ends)
