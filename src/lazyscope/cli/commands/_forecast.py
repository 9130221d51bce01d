"""`lazyscope forecast`: what does initialization alone say about training?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lazyscope._checks import FLOW, OPTIMISERS, InputError
from lazyscope.cli._answer import number, print_answer, print_json, table, working
from lazyscope.cli._method import MethodNumbers, method_of
from lazyscope.cli._network import NetworkOptions, with_network_options
from lazyscope.cli._values import read_number
from lazyscope.cli._words import FORECASTS, REGIMES

if TYPE_CHECKING:
    from lazyscope.flow import AbstractMethod


@with_network_options
def forecast_command(
    network: NetworkOptions,
    stop: Annotated[
        str | None,
        typer.Option(
            metavar="FRACTION",
            help="Tell displacements at this loss fraction too; an optimiser ends there, 1e-4 if absent.",
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="METHOD",
            help="Gradient flow, or an optimiser: " + ", ".join(OPTIMISERS) + ".",
        ),
    ] = FLOW,
    loss: Annotated[
        str, typer.Option(metavar="LOSS", help="squared, or for optimisers cross-entropy.")
    ] = "squared",
    step_size: Annotated[
        str | None, typer.Option(metavar="ETA", help="Rate of an optimiser.")
    ] = None,
    share: Annotated[
        str | None,
        typer.Option(
            metavar="P", help="Optimiser: share of the gap that a step may close, 0.02 if absent."
        ),
    ] = None,
    max_steps: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Optimiser: steps after which it is given up, 20000 if absent."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Displacements, times and stable step of a network on data, before any training.

    Example: `lazyscope forecast --data digits --n 64 --target parity --scheme lecun --depth 2
    --width 256`

    Example: `lazyscope forecast --data digits --n 64 --target parity --scheme mup --depth 2 --width 256
    --method adam --step-size 0.001 --stop 0.01`
    """
    with working("Looking ahead from the start"):
        from lazyscope.experiment import forecast_run

        chosen = _method(method, MethodNumbers(step_size=step_size, share=share), max_steps)
        if method == "sgd" and loss == "squared":
            _check_no_steps(step_size=step_size, share=share, max_steps=max_steps)
        ends: dict[str, Any] = {"loss": loss, "stop": None if stop is None else read_number(stop)}
        ends |= {} if max_steps is None else {"max_steps": read_number(max_steps)}
        record = forecast_run(network.run(method), chosen, **ends)
    if json:
        print_json(record)
    else:
        print_answer(*(_parts_of_steps(record) if "steps_to" in record else _parts(record)))


def _method(name: str, numbers: MethodNumbers, max_steps: str | None) -> "AbstractMethod | None":
    """The optimiser that the options mean, None for gradient flow."""
    chosen = method_of(name, numbers)
    if name in OPTIMISERS:
        return chosen
    if name == FLOW and max_steps is None:
        return None
    raise InputError(
        "a forecast is of gradient flow, or of the steps of an optimiser",
        received=f"--method {name}" + ("" if max_steps is None else f" --max-steps {max_steps}"),
        cause="descent, which follows the flow below its largest stable step, or a flow that has no steps",
        fix="leave out both options, whose answer has the intervals of the step, or name an optimiser",
    )


def _check_no_steps(**numbers: str | None) -> None:
    """Refuse numbers of steps where none are taken."""
    for name, value in numbers.items():
        if value is not None:
            option = f"--{name.replace('_', '-')}"
            raise InputError(
                "a forecast has a closed form for sgd on the squared loss, the flow's, and takes no steps",
                received=f"{option} {value} with --method sgd",
                cause="an option of optimisers whose steps are taken with the linearised network",
                fix=f"leave out {option}; the answer tells the largest stable step",
            )


def _parts_of_steps(record: Mapping[str, Any]) -> list[Any]:
    facts = [
        ("initial loss", number(record["initial_loss"]), record["criterion"]),
        (
            "kernel change",
            number(record["predicted_kernel_change"]),
            "|K - K(0)| / |K(0)| where the linearised network ends",
        ),
    ]
    facts += [
        (
            f"steps to {fraction} of the loss",
            "-" if steps is None else str(steps),
            "more than were allowed"
            if steps is None
            else f"sum of the steps {number(record['time_to'][fraction])}",
        )
        for fraction, steps in record["steps_to"].items()
    ]
    verdict = record["verdict"]
    return [
        *heading(record),
        f"Trained by {record['optimizer']}, to {record['stop']:g} of the loss.",
        *([FORECASTS[verdict]] if verdict else []),
        *(f"Note: {note}" for note in record["notes"]),
        "",
        _layers(record),
        "",
        table("Steps of the linearised network", ("", "value", "meaning"), facts),
    ]


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
        _when(record): record["predicted_displacement"],
        "operator, at most": record["predicted_displacement_bound"],
    }
    if "predicted_displacement_at_stop" in record:
        columns[f"at {record['stop']:g} of the loss"] = record["predicted_displacement_at_stop"]
    columns |= {"exponent": record["displacement_exponents"], "by width": record["layer_regimes"]}
    return table(
        "Predicted displacement |dW|/|W| of every layer (relative, Frobenius norm)",
        ("", *columns),
        layer_rows(record, *columns.values()),
        "Exponent: power of the width that the operator norm follows; by width: what it means.",
    )


def _when(record: Mapping[str, Any]) -> str:
    return f"at {record['stop']:g} of the loss" if "steps_to" in record else "at the end"


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
