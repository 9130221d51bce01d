"""What would make a scheme learn or lazy, layer by layer, and what changes with the depth, in words?"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from lazyscope.cli._answer import number, table
from lazyscope.scaling import TIE_TOLERANCE

_COLUMNS = {
    "muP: start": ("to_mup", "scale_exponents"),
    "muP: rate": ("to_mup", "speed_exponents"),
    "or: multiplier": ("to_mup_by_multipliers", "multiplier_exponents"),
    "or: rate": ("to_mup_by_multipliers", "rate_exponents"),
    "lazy: start": ("to_lazy", "scale_exponents"),
    "lazy: rate": ("to_lazy", "speed_exponents"),
}


def change_table(report: Mapping[str, Any]) -> list[Any]:
    """A table of what to multiply in every layer; none where nothing has to change."""
    columns = [report[aim][kind] for aim, kind in _COLUMNS.values()]
    rows = list(zip(*columns, strict=True))
    if not any(abs(x) > TIE_TOLERANCE for row in rows for x in row):
        return []
    grouped = equal_layers([tuple(factor("m", x) for x in row) for row in rows])
    return [
        "",
        table(
            "Factors that would make every layer move at order one (muP), or every layer lazy",
            ("", *_COLUMNS),
            grouped,
            "Start: of initial weights. Rate: of the layer's learning rate. For muP there are two ways, the "
            "second with multipliers.",
        ),
    ]


def depth_lines(report: Mapping[str, Any]) -> list[str]:
    """What a scheme for residual networks says about the depth L."""
    deep = report["over_depth"]
    if deep is None:
        return []
    multiplier = number(deep["branch_multiplier"])
    power, start = factor("L", deep["branch_multiplier_exponent"]), _order(deep["start_exponent"])
    said = [
        f"Over the depth L: branches have the multiplier {multiplier}, {power}.",
        f"At the start all of them together are {start} beside what they go around.",
    ]
    if deep["rate_exponent"] is None:
        said += ["So outputs grow exponentially with the depth: no power of it makes up for that."]
    else:
        said += [_rate_over_depth(deep["rate_exponent"]), *_learning(deep)]
    return [
        " ".join(said),
        f"To depth-muP: {_depth_changes(deep['to_depth_mup'])}",
        f"To CompleteP: {_depth_changes(deep['to_completep'])}",
    ]


def factor(base: str, exponent: float) -> str:
    """A power for reading, 1 where the exponent is zero."""
    return "1" if abs(exponent) < TIE_TOLERANCE else f"{base}^{number(exponent)}"


def equal_layers(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """One row for every run of layers of which the same is told, by their names."""
    numbered = groupby(enumerate(rows, 1), key=lambda one: one[1])
    return [(layers_from([number for number, _ in each]), *told) for told, each in numbered]


def layers_from(numbers: Sequence[int]) -> str:
    """Consecutive layers by name."""
    first, last = numbers[0], numbers[-1]
    return f"layer {first}" if first == last else f"layers {first} to {last}"


def _order(exponent: float) -> str:
    return "of order one" if abs(exponent) < TIE_TOLERANCE else f"of order L^{number(exponent)}"


def _rate_over_depth(power: float) -> str:
    if abs(power) < TIE_TOLERANCE:
        return "One learning rate serves all depths."
    return f"The learning rate has to follow the depth like {factor('L', power)}."


def _learning(deep: Mapping[str, Any]) -> list[str]:
    """What branches do when they learn; nothing where there is none."""
    if len(deep["feature_exponents"]) < 3:
        return []
    added, moved = deep["feature_exponents"][1], deep["displacement_exponents"][1]
    said = [f"Each branch by itself moves by {_order(moved)[3:]} of its size."]
    if moved < -TIE_TOLERANCE:
        said = [f"{said[0][:-1]}, so that it is lazy in deep networks."]
    if added < -TIE_TOLERANCE:
        said += [f"What a step adds through branches fades out, {_order(added)}."]
    return said


def _depth_changes(changes: Mapping[str, Any]) -> str:
    multiplier, speeds = changes["multiplier_exponent"], changes["speed_exponents"]
    factors = {
        "branch multipliers": multiplier,
        "learning rates of branches": speeds[1] if len(speeds) > 2 else 0.0,
    }
    said = [
        f"{what} times {factor('L', x)}" for what, x in factors.items() if abs(x) > TIE_TOLERANCE
    ]
    return f"{', '.join(said)}." if said else "nothing has to change."
