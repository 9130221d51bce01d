"""How do the loss curves and test outputs of a kappa study look as plots?"""

from collections.abc import Mapping, Sequence
from typing import Any

from lazyscope.report.parts import Panel, is_number, log_axis, number, packed
from lazyscope.study.kappa.page._run_plots import run_title
from lazyscope.study.kappa.page._study import KappaRecord

CURVES = {"loss": "solid", "linearised": "dot", "bound": "dash"}
"""What is drawn of a run, and the dash of its line."""
CURVE_NAMES = {"loss": "network", "linearised": "linearised network", "bound": "bound"}

Trace = dict[str, Any]


def loss_panel(study: KappaRecord) -> Panel:
    """Loss against time for every run: network, linearised network and bound."""
    losses = [v for curve in study.stored["curves"] for v in curve["loss"]]
    return Panel(
        data=[
            _curve_trace(study, curve, name)
            for curve in study.stored["curves"]
            for name in ("bound", "linearised", "loss")
            if curve.get(name) and any(map(is_number, curve[name]))
        ],
        layout={
            "xaxis": {
                "type": "log",
                "title": {"text": "sum of steps" if study.optimiser else "time of gradient flow"},
            },
            "yaxis": log_axis("loss", losses),
        },
        size="large",
    )


def prediction_panels(study: KappaRecord) -> list[Panel]:
    """Network against kernel prediction on the test points, a panel per kappa."""
    outputs = study.stored["test_outputs"]
    kappas = sorted({float(item["kappa"]) for item in outputs})
    ends = _ends([v for o in outputs for name in ("network", "kernel") for v in _flat(o[name])])
    line = {"x0": ends[0], "y0": ends[0], "x1": ends[1], "y1": ends[1]}
    axis = {"range": list(ends), "nticks": 5, "constrain": "domain"}
    return [
        Panel(
            data=[
                trace
                for item in outputs
                if item["kappa"] == kappa
                for trace in _output_traces(study, item)
            ],
            layout={
                "xaxis": {**axis, "title": {"text": "kernel"}},
                "yaxis": {**axis, "title": {"text": "network"}, "scaleanchor": "x"},
                "shapes": [{"type": "line", **line, "line": {"dash": "dash"}, "layer": "between"}],
            },
            title=f"κ = {number(kappa)}",
            size="small" if len(kappas) <= 6 else "tiny",
        )
        for kappa in kappas
    ]


def _curve_trace(study: KappaRecord, curve: Mapping[str, Any], name: str) -> Trace:
    kappa = float(curve["kappa"])
    trace: Trace = {
        "type": "scatter",
        "mode": "lines",
        "name": f"κ = {number(kappa)}, {CURVE_NAMES[name]}",
        "meta": {
            "shape": curve["shape"],
            "width": curve["width"],
            "kappa": number(kappa),
            "curve": name,
        },
        "x": packed(_filled(curve["time"])),
        "y": packed(_filled(curve[name])),
        "line": {
            "color": study.kappa_colors[kappa],
            "dash": CURVES[name],
            "width": 2 if name == "loss" else 1.4,
        },
    }
    if name != "loss":
        return {**trace, "hoverinfo": "skip", "opacity": 0.85}
    values = "time %{x:.3g}<br>loss %{y:.3g}"
    return {**trace, "hovertemplate": f"{_safe(run_title(curve))}<br>{values}<extra></extra>"}


def _output_traces(study: KappaRecord, item: Mapping[str, Any]) -> list[Trace]:
    """One trace per target value where there are two of them, else one."""
    kernels, networks, wanted = (_flat(item[name]) for name in ("kernel", "network", "target"))
    targets = sorted({value for value in wanted if is_number(value)})
    groups: Sequence[Any] = targets if len(targets) == 2 else [None]
    colors = ["#0072b2", "#d55e00"] if len(targets) == 2 else ["#0072b2"]
    traces = []
    for value, color in zip(groups, colors, strict=True):
        rows = [
            (kernel, network)
            for kernel, network, target in zip(kernels, networks, wanted, strict=True)
            if (value is None or target == value) and is_number(kernel) and is_number(network)
        ]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "test points" if value is None else f"target {number(value)}",
                "meta": {
                    "shape": item["shape"],
                    "width": item["width"],
                    **({} if value is None else {"target": number(value)}),
                },
                "x": packed([row[0] for row in rows]),
                "y": packed([row[1] for row in rows]),
                "hovertemplate": (
                    f"{_safe(run_title(item))}<br>kernel %{{x:.3f}}<br>network %{{y:.3f}}"
                    "<extra></extra>"
                ),
                "marker": {"color": color, "size": 4, "opacity": 0.6},
            }
        )
    return traces


def target_values(study: KappaRecord) -> list[str]:
    """The two target values of the test points, or nothing where there are more."""
    outputs = study.stored["test_outputs"]
    values = {value for item in outputs for value in _flat(item["target"]) if is_number(value)}
    return [number(value) for value in sorted(values)] if len(values) == 2 else []


def _flat(values: Sequence[Any]) -> list[Any]:
    """Outputs of all points in one row, also where each point has several."""
    return [v for value in values for v in (value if isinstance(value, list) else [value])]


def _filled(values: Sequence[Any]) -> list[float]:
    return [value if is_number(value) else float("nan") for value in values]


def _ends(values: Sequence[Any]) -> tuple[float, float]:
    finite = [value for value in values if is_number(value)]
    low, high = min(finite, default=-1.0), max(finite, default=1.0)
    pad = 0.05 * (high - low) or 1.0
    return low - pad, high + pad


def _safe(text: str) -> str:
    """Text whose braces Plotly does not read as a variable."""
    return text.replace("%{", "%&#123;")
