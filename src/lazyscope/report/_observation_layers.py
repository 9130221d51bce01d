"""What does the page of an observed training say about sharpness and about the layers' inputs?"""

import numpy as np

from lazyscope.observe import Observations
from lazyscope.report._observation_lines import layout_of, line_of, step_axis
from lazyscope.report.parts import Figure, Key, Legend, Panel, category_colors


def sharpness_figure(record: Observations) -> Figure:
    """Rates that are stable beside the rate as given, and ends of the spectrum."""
    rates = {"2 / sharpness": record.stable_rate, "rate as given": record.rate}
    values = {
        "largest eigenvalue": record.series("largest_eigenvalue"),
        "smallest eigenvalue": record.series("smallest_eigenvalue"),
    }
    colors = category_colors((*rates, *values))
    panels = []
    for title, lines in (("learning rate", rates), ("eigenvalue of the kernel", values)):
        traces = [
            line_of(
                record,
                np.where(line > 0, line, np.nan),
                words,
                colors[words],
                {"rate": words},
                start=True,
            )
            for words, line in lines.items()
            if (line > 0).any()
        ]
        layout = layout_of(title, [v for trace in traces for v in trace["y"]])
        panels.append(Panel(traces, {**layout, "xaxis": step_axis(record, start=True)}))
    return Figure(
        anchor="sharpness",
        title="Sharpness",
        caption=(
            "Left: plain gradient descent on the probe points does not stay where its rate is above 2 over "
            "the sharpness (2n over the largest eigenvalue, for the squared loss); a rate that meets the "
            "line is at the edge of stability. Rates of Adam and its like, and of "
            "momentum, are not comparable. "
            "Right: a smallest eigenvalue that is rounding is not drawn."
        ),
        panels=panels,
        legends=[Legend("rate", "Line", [Key(words, words, colors[words]) for words in colors])],
        columns="repeat(auto-fit, minmax(min(100%, 22rem), 1fr))",
    )


_LAYERS = {
    "update_alignment": "alignment of the change with what enters",
    "weight_alignment": "alignment of the array with what enters",
    "input_rank": "directions of what enters",
}


def layers_figure(record: Observations) -> Figure:
    """Alignments and ranks of every array over training."""
    names = record.subject.parameters
    shown = np.any(np.isfinite(record.series("weight_alignment")), axis=0)
    kept = [k for k in range(len(names)) if shown[k]]
    colors = category_colors(tuple(names[k] for k in kept))
    panels = []
    for name, words in _LAYERS.items():
        values = record.series(name)
        traces = [
            line_of(
                record, values[:, k], names[k], colors[names[k]], {"array": names[k]}, start=True
            )
            for k in kept
            if np.isfinite(values[:, k]).any()
        ]
        layout = layout_of(words, [v for trace in traces for v in trace["y"]])
        panels.append(Panel(traces, {**layout, "xaxis": step_axis(record, start=True)}))
    return Figure(
        anchor="layers",
        title="How every array lies towards its inputs",
        caption=(
            "|dW h| / (|dW| |h|) with dW = W(t) - W(0), |W h| / (|W| |h|), and the effective rank of what "
            "enters. An array that knows nothing of its inputs has 1/sqrt(fan-in); a change that stays at "
            "order one is aligned, as muP takes it to be."
        ),
        panels=panels,
        legends=[Legend("array", "Array", [Key(n, n, colors[n]) for n in colors])],
        columns="repeat(auto-fit, minmax(min(100%, 22rem), 1fr))",
    )
