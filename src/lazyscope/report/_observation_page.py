"""What does the page of an observed training show?"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lazyscope._entry import checked
from lazyscope.observe import Observations, from_json
from lazyscope.report._observation_layers import layers_figure, sharpness_figure
from lazyscope.report._observation_lines import is_known, layout_of, line_of, step_axis
from lazyscope.report.parts import (
    Cell,
    Figure,
    Key,
    Legend,
    Page,
    Panel,
    Settings,
    Table,
    Verdict,
    category_colors,
    listing,
    number,
    percent,
    render_page,
    seconds,
    write_whole,
)

_TONES = {"lazy": "good", "borderline": "", "not-lazy": "bad"}
_SENTENCES = {
    "lazy": "Training was lazy: neither a layer nor the kernel changed by a tenth of its size.",
    "borderline": (
        "Borderline: some layer or the kernel changed by between a tenth of its size and all of it."
    ),
    "not-lazy": "Training was not lazy: some layer or the kernel changed by its own size or more.",
    None: "Training left the finite numbers, so there is no verdict.",
}


@checked()
def write_observation_page(
    stored: Mapping[str, Any], path: str | os.PathLike[str], *, title: str = "Observed training"
) -> Path:
    """Write the page of a saved record of observations, one HTML file that opens without a network.

    Args:
        stored: the JSON object that ``save_observations`` wrote.
        path: where the page goes; its folder must exist.
        title: of the page.

    Raises:
        InputError: another object, or a path that cannot be written.
    """
    return write_whole(render_page(observation_page(from_json(stored), title)), path)


def observation_page(record: Observations, title: str) -> Page:
    """Every figure and number of a record, in order."""
    summary, subject = record.summary(), record.subject
    colors = category_colors(subject.groups)
    looks = len(record.looks)
    return Page(
        title=title,
        eyebrow="lazyscope, observer",
        lead=(
            f"{subject.num_parameters} parameters in {len(subject.parameters)} arrays and "
            f"{len(subject.groups)} groups, seen {looks} times over "
            f"{summary['steps']} steps on {subject.num_points} probe points."
        ),
        verdict=Verdict(
            (summary["verdict"] or "no verdict").replace("-", " "),
            _SENTENCES[summary["verdict"]],
            _TONES.get(summary["verdict"], "bad"),
        ),
        facts=_facts(summary),
        sections=[
            _displacement_figure(record, colors),
            _function_figure(record),
            *([sharpness_figure(record)] if is_known(record, "sharpness") else []),
            *([layers_figure(record)] if is_known(record, "weight_alignment") else []),
            *([_loss_figure(record)] if _has_loss(record) else []),
            _group_table(record),
            _leaf_table(record),
            _settings(record),
        ],
        footer=" ".join(subject.notes),
        version=subject.provenance.get("lazyscope", ""),
    )


def _facts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("kernel change", number(summary["kernel_change"])),
        ("alignment with the targets", number(summary["target_alignment"])),
        ("distance from linearised, of the motion", number(summary["linearisation_share"])),
        ("units flipped", percent(summary["flipped"], 1)),
        ("D_LR, 0 rich and 1 lazy", number(summary["low_rank_distance"]["final"])),
        ("looking cost, of training", percent(summary["observing"]["share"], 1)),
    ]


def _displacement_figure(record: Observations, colors: Mapping[str, str]) -> Figure:
    groups = record.subject.groups
    panels = []
    for name, words in (
        ("group_operator", "operator norm"),
        ("group_frobenius", "Frobenius norm"),
    ):
        values = record.series(name)
        traces = [
            line_of(record, values[:, k], group, colors[group], {"group": group})
            for k, group in enumerate(groups)
            if np.isfinite(values[1:, k]).any()
        ]
        shown = [v for trace in traces for v in trace["y"]]
        panels.append(Panel(traces, layout_of(f"|Δw| / |w|, {words}", shown)))
    keys = [Key(group, group, colors[group]) for group in groups]
    return Figure(
        anchor="displacement",
        title="How far every group moved",
        caption=(
            "Look for lines that stay far below one: these layers are where they started. The operator "
            "norm is taken over the matrices of a group, the Frobenius norm over all its entries; groups "
            "that started at zero have no relative displacement and no line."
        ),
        panels=panels,
        legends=[Legend("group", "Group", keys)],
        columns="repeat(auto-fit, minmax(min(100%, 22rem), 1fr))",
    )


_FUNCTION = {
    "kernel_change": "kernel change",
    "linearisation_share": "distance from linearised network, share of the motion",
    "flipped": "share of units flipped",
}


def _function_figure(record: Observations) -> Figure:
    colors = category_colors((*_FUNCTION, "target_alignment", "kernel_alignment"))
    traces, keys = [], []
    for name, words in _FUNCTION.items():
        values = record.series(name)
        if np.isfinite(values[1:]).any():
            traces.append(line_of(record, values, words, colors[name], {"quantity": name}))
            keys.append(Key(name, words, colors[name]))
    aligned = []
    for name, words in (
        ("target_alignment", "kernel with the targets"),
        ("kernel_alignment", "kernel with its start"),
    ):
        values = record.series(name)
        if np.isfinite(values).any():
            aligned.append(
                line_of(record, values, words, colors[name], {"quantity": name}, start=True)
            )
            keys.append(Key(name, words, colors[name]))
    layout = layout_of("relative change", [v for trace in traces for v in trace["y"]])
    cosine = {"title": {"text": "cosine"}, "range": [-0.03, 1.03]}
    return Figure(
        anchor="function",
        title="How far kernel and function left their start",
        caption=(
            "Left: look for small numbers, for which the initial kernel and the linearised network "
            "describe training. Right: how far the kernel turned from its start, and towards the targets."
        ),
        panels=[
            Panel(traces, layout),
            Panel(aligned, {"xaxis": step_axis(record, start=True), "yaxis": cosine}),
        ],
        legends=[Legend("quantity", "Quantity", keys)],
        columns="repeat(auto-fit, minmax(min(100%, 22rem), 1fr))",
    )


def _has_loss(record: Observations) -> bool:
    return bool(np.isfinite([*record.loss, *record.series("probe_loss")]).any())


_LOSSES = {"squared": "1/(2N) Σ |f − y|²", "cross-entropy": "the cross-entropy"}


def _loss_figure(record: Observations) -> Figure:
    curves = {"training loss as given": record.loss, "loss on the probe points": _probe(record)}
    colors = category_colors(tuple(curves))
    traces = [
        line_of(record, values, words, colors[words], {"curve": words}, start=True)
        for words, values in curves.items()
        if np.isfinite(values).any()
    ]
    keys = [Key(trace["name"], trace["name"], colors[trace["name"]]) for trace in traces]
    layout = layout_of("loss", [v for trace in traces for v in trace["y"]])
    layout["xaxis"] = step_axis(record, start=True)
    return Figure(
        anchor="loss",
        title="Loss",
        caption=f"The loss given by the training loop, and {_LOSSES.get(record.subject.loss, 'the loss')} "
        f"on the probe points{_beside_another(record)}.",
        panels=[Panel(traces, layout)],
        legends=[Legend("curve", "Curve", keys)],
    )


def _beside_another(record: Observations) -> str:
    """That the loss on the probe points is not what was trained, where it need not be."""
    if record.subject.loss != "squared" or not np.isfinite(record.loss).any():
        return ""
    return (
        ", whatever loss is trained: where that is the cross-entropy the two are not to be compared, and an "
        "observer with loss='cross-entropy' reads it on the probe points too"
    )


def _probe(record: Observations) -> np.ndarray:
    return record.series("probe_loss")


def _group_table(record: Observations) -> Table:
    last = record.looks[-1].measurement
    rows = []
    for k, group in enumerate(record.subject.groups):
        size = last.group_operator[k]
        size = last.group_frobenius[k] if np.isnan(size) else size
        tone = "" if not np.isfinite(size) else "good" if size < 0.1 else "bad" if size >= 1 else ""
        rows.append(
            (
                group,
                Cell(_relative(last.group_operator[k]), tone),
                _relative(last.group_frobenius[k]),
            )
        )
    return Table(
        anchor="groups",
        title="Groups at the end",
        header=("group", "operator norm", "Frobenius norm"),
        rows=rows,
        caption="Relative displacement at the last look.",
    )


def _leaf_table(record: Observations) -> Table:
    last, subject = record.looks[-1].measurement, record.subject
    rows = [
        (
            name,
            " × ".join(map(str, shape)) or "scalar",
            subject.groups[subject.parameter_group[k]],
            _relative(last.parameter_operator[k]),
            _relative(last.parameter_frobenius[k]),
        )
        for k, (name, shape) in enumerate(zip(subject.parameters, subject.shapes, strict=True))
    ]
    return Table(
        anchor="leaves",
        title="Arrays at the end",
        header=("array", "shape", "group", "operator norm", "Frobenius norm"),
        rows=rows,
        folded="every array",
    )


def _relative(value: float) -> str:
    return "started at zero" if np.isposinf(value) else number(float(value))


def _settings(record: Observations) -> Settings:
    subject = record.subject
    versions = {k: v for k, v in subject.provenance.items() if k != "started_at"}
    items = [
        ("looks, at steps", listing(record.steps.tolist(), 6)),
        ("probe points, outputs", f"{subject.num_points} and {subject.num_outputs}"),
        ("targets", "given" if subject.has_targets else "not given"),
        ("started", subject.provenance.get("started_at", "unknown")),
        ("versions", ", ".join(f"{name} {v}" for name, v in versions.items())),
        ("what looking cost training", seconds(record.observing_seconds)),
        ("making the observer took", seconds(record.setup_seconds)),
        ("time until the last look", seconds(float(record.seconds[-1]))),
        *(("note", note) for note in subject.notes),
    ]
    return Settings(
        anchor="settings",
        title="What was observed",
        items=items,
        commands=[("Make this page again:", "lazyscope report record.json -o page.html")],
    )
