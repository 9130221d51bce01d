"""`lazyscope forecast`: what does initialization alone say about training?"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from lazyscope.cli._answer import number, print_answer, print_json, table, working
from lazyscope.cli._network import NetworkOptions, with_network_options
from lazyscope.cli._values import read_number
from lazyscope.cli._words import FORECASTS, REGIMES


@with_network_options
def forecast_command(
    network: NetworkOptions,
    stop: Annotated[
        str | None,
        typer.Option(metavar="FRACTION", help="Tell displacements at this loss fraction too."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Displacements, times and stable step of a network on data, before any training.

    Example: `lazyscope forecast --data digits --n 64 --target parity --scheme lecun --depth 2
    --width 256`
    """
    with working("Computing the tangent kernel at the start"):
        from lazyscope.experiment import forecast_run

        fraction: Any = None if stop is None else read_number(stop)
        record = forecast_run(network.run(), stop=fraction)
    if json:
        print_json(record)
    else:
        print_answer(*_parts(record))


def _parts(record: Mapping[str, Any]) -> list[Any]:
    rates = record["decay_rate"]
    facts = [
        ("initial loss", number(record["initial_loss"]), "R = |f - y|^2 / (2n)"),
        ("lambda_min", number(record["lambda_min"]), "smallest eigenvalue of the kernel K(0)"),
        ("lambda_max", number(record["lambda_max"]), "largest eigenvalue"),
        ("largest stable step", number(record["max_stable_step"]), "2 n / lambda_max, flow time"),
        *_steps(record["step_intervals"]),
        ("decay rate, kernel", number(rates["kernel"]), "2 lambda_min / n, per flow time"),
        (
            "kernel change",
            number(record["predicted_kernel_change"]),
            "|K - K(0)| / |K(0)| where the linearised network ends",
        ),
        (
            "decay rate, theorem",
            number(rates["bound_published"]),
            rates["bound_reason"] or "published lower bound: one lambda_S for all layers",
        ),
        (
            "decay rate, derived",
            number(rates["bound"]),
            rates["bound_reason"] or "lower bound with lambda_min of every layer",
        ),
    ]
    facts += [
        (f"time to {fraction} of the loss", number(time), "flow time" if time else "never reached")
        for fraction, time in record["time_to"].items()
    ]
    return [
        *heading(record),
        FORECASTS[record["verdict"]],
        *(f"Note: {note}" for note in record["notes"]),
        "",
        _layers(record),
        "",
        table("Kernel and times", ("", "value", "meaning"), facts),
    ]


_STEPS = {
    "monotone": "no mode of the outputs passes its end",
    "lazy_not_monotone": "modes overshoot on the way to the same end",
    "catapult": "no kappa keeps a network lazy: lambda_max has to fall",
}


def _steps(intervals: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (f"steps, {name.replace('_', ' ')}", f"to {number(intervals[name][1])}", meaning)
        for name, meaning in _STEPS.items()
    ]


def _layers(record: Mapping[str, Any]) -> Any:
    columns = {
        "alpha": record["alpha"],
        "at the end": record["predicted_displacement"],
        "operator, at most": record["predicted_displacement_bound"],
    }
    if "stop" in record:
        columns[f"at {record['stop']:g} of the loss"] = record["predicted_displacement_at_stop"]
    columns |= {"exponent": record["displacement_exponents"], "by width": record["layer_regimes"]}
    return table(
        "Predicted displacement |dW|/|W| of every layer (relative, Frobenius norm)",
        ("", *columns),
        layer_rows(record, *columns.values()),
        "Exponent: power of the width that the operator norm follows; by width: what it means.",
    )


def heading(record: Mapping[str, Any]) -> list[str]:
    """What is run and which regime it is in, one line each."""
    from lazyscope.model import architecture

    net, data = record["network"], record["data"]
    layers = f"{net['depth']} hidden layer{'s' * (net['depth'] > 1)} of {net['width']} units"
    dense = [layers, net["activation"]]
    words = architecture(net["model"]).words.format(**net)
    deep = record["over_depth"] is not None
    where = "the virtual" if net["virtual_width"] else "this"
    extras = [
        *(dense if net["model"] == "dense" else [words, f"width {net['width']}"]),
        *([f"standing for width {net['virtual_width']:g}"] if net["virtual_width"] else []),
        *([f"branches times {number(net['branch_multiplier'])}"] if deep else []),
        *(["biases"] if net["bias"] else []),
        *(["centred"] if net["centred"] else []),
        f"{net['num_parameters']} parameters",
        f"seed {net['seed']}",
    ]
    lines = [
        f"Data: {data['name']}. {'; '.join(data['description'])}.",
        f"Network: {', '.join(extras)}.",
        f"Scheme: {record['name']}, kappa = {number(record['output_kappa'], 4)} at {where} width.",
    ]
    regime = record["regime"]
    return [*lines, f"Regime as the width grows: {regime}: {REGIMES[regime]}"] if regime else lines


def layer_rows(record: Mapping[str, Any], *columns: Any) -> list[tuple[str, ...]]:
    """One row per layer from lists of numbers or words; a missing list gives dashes."""
    return [
        (name, *(_entry(None if column is None else column[i]) for column in columns))
        for i, name in enumerate(record["network"]["groups"])
    ]


def _entry(value: float | str | None) -> str:
    return value if isinstance(value, str) else number(value)
