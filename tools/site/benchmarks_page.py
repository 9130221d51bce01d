"""The page of benchmarks, drawn from what `benchmarks/results` holds."""

import json
import math
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
# What is drawn of each result: name of a row, length of its bar, its unit.
DRAWN = {
    "exponential_flow": (("network",), ("flow_s", "descent_s"), "s"),
    "limit_kernel": (("case",), ("lazyscope_seconds", "neural_tangents_seconds"), "s"),
    "generic_kernel": (("case", "contender"), ("seconds",), "s"),
    "torch_kernel": (("case", "contender"), ("seconds",), "s"),
    "layerwise_kernel": (("activation",), ("kernel_ms", "products_ms"), "ms"),
    "sweep_two_layer": (("what",), ("wall_s", "processor_s"), "s"),
    "sweep_versus_descent": (("regime",), ("flow_s", "descent_s"), "s"),
    "sweep_workers": (("workers",), ("one_s", "two_s"), "s"),
    "limit_accuracy": (("activation",), ("error_of_values",), ""),
    "narrow_proxy": (("case",), ("error",), "of the log loss"),
    "composed_limit": (("case",), ("lazyscope float32", "neural-tangents float32"), "s"),
    "condensed_flow": (("seed", "tolerance"), ("flow_ms", "descent_ms"), "ms"),
    "ten_outputs": (("frozen",), ("run_s",), "s"),
    "check_widths": (("network",), ("narrow, processor s", "wide, processor s"), "s"),
    "check_power": (("fault",), ("contradicted", "undecided", "supported"), ""),
    "calibration": (
        ("data", "prediction"),
        ("coverage_95",),
        "share of held-out targets, 0.95 asked",
    ),
    "forecast_calibration": (
        ("forecast",),
        ("trained lazy", "trained borderline", "trained not-lazy"),
        "",
    ),
    "memory": (
        ("network", "method"),
        ("copies_without_activations", "allowed"),
        "copies of the parameters",
    ),
    "exponent_conditions": (("condition",), ("all",), "share of intervals that hold the truth"),
}
MOST = 24
COLOURS = ("#3f51b5", "#e08214", "#7f8792")

INTRODUCTION = (
    "Drawn from the stored results when this site is built; `python -m benchmarks NAME` runs one again. "
    "Lengths are on a logarithmic scale where they span more than a factor of twenty. Times of a busy "
    "machine mean something only beside each other."
)


def benchmark_page() -> str:
    """Markdown: a drawing of every result that has one, else a table of its rows."""
    lines = ["# Benchmarks", "", INTRODUCTION, ""]
    for path in sorted(RESULTS.glob("*.json")):
        stored = json.loads(path.read_text(encoding="utf-8"))
        machine = stored.get("machine", {})
        lines += [f"## {path.stem.replace('_', ' ')}", ""]
        processor, cores = machine.get("processor", "processor not told"), machine.get("cores", "?")
        lines += [f"`{path.stem}`, {stored.get('date', '')[:10]}, {processor}, {cores} cores.", ""]
        told, drawn, unit = DRAWN.get(path.stem, ((), (), ""))
        bars = [
            (" · ".join(str(row[key]) for key in told), column, float(row[column]))
            for row in stored["rows"]
            for column in drawn
            if all(key in row for key in told) and _is_length(row.get(column))
        ][:MOST]
        lines += [_svg(bars, drawn, unit), ""] if bars else [*_table(stored["rows"][:8]), ""]
        lines += [f"- {note}" for note in stored.get("notes", []) if isinstance(note, str)] + [""]
    return "\n".join(lines)


def _is_length(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def _svg(bars: list[tuple[str, str, float]], columns: tuple[str, ...], unit: str) -> str:
    values = [value for _, _, value in bars]
    low, high = min((v for v in values if v > 0), default=1.0), max(*values, 1e-300)
    ratio = high / low > 20

    def length(value: float) -> float:
        if not ratio or value <= 0:
            return 350 * value / high
        return 20 + 330 * math.log(value / low) / math.log(high / low)

    height = 20 * len(bars) + 24
    said = ", ".join(column.replace("_", " ") for column in columns)
    # A short unit stands at every bar, a long one beside the names of the colours.
    at_bars, beside = (unit, "") if len(unit) < 4 else ("", f", {unit}")
    head = f'<svg viewBox="0 0 760 {height}" width="100%" role="img" aria-label="Bars: {said}"'
    parts = [f'{head} font-size="12" fill="currentColor">']
    for place, column in enumerate(columns):
        x, name = 250 + 500 // len(columns) * place, _escaped(column.replace("_", " ") + beside)
        parts.append(f'<rect x="{x}" y="3" width="10" height="10" fill="{COLOURS[place]}"/>')
        parts.append(f'<text x="{x + 14}" y="12">{name}</text>')
    last = None
    for place, (name, column, value) in enumerate(bars):
        y = 24 + 20 * place
        if name != last:
            parts.append(
                f'<text x="244" y="{y + 12}" text-anchor="end">{_escaped(name[:38])}</text>'
            )
        last = name
        size = f'width="{length(value):.1f}" height="13"'
        parts.append(f'<rect x="250" y="{y + 2}" {size} fill="{COLOURS[columns.index(column)]}"/>')
        parts.append(
            f'<text x="{256 + length(value):.1f}" y="{y + 13}">{value:.3g} {_escaped(at_bars)}</text>'
        )
    return "".join([*parts, "</svg>"])


def _table(rows: list[dict]) -> list[str]:
    names = [
        n for n in rows[0] if all(isinstance(r.get(n), int | float | str | bool) for r in rows)
    ][:7]
    shown = [[f"{r[n]:.3g}" if isinstance(r[n], float) else str(r[n]) for n in names] for r in rows]
    return ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)] + [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in shown
    ]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
