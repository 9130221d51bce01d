"""`lazyscope train`: what did training do, beside what was forecast?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lazyscope._checks import InputError, check_choice
from lazyscope.cli._answer import number, print_answer, print_json, table, working
from lazyscope.cli._network import NetworkOptions, with_network_options
from lazyscope.cli._values import read_number
from lazyscope.cli._words import TRAININGS
from lazyscope.cli.commands._forecast import heading, layer_rows

if TYPE_CHECKING:
    from lazyscope.flow import AbstractMethod

METHODS = ("flow", "descent")


@with_network_options
def train_command(
    network: NetworkOptions,
    method: Annotated[
        str, typer.Option(metavar="flow|descent", help="Gradient flow, or gradient descent.")
    ] = "flow",
    stop: Annotated[
        str, typer.Option(metavar="FRACTION", help="End at this fraction of the initial loss.")
    ] = "1e-4",
    tolerance: Annotated[
        str | None, typer.Option(metavar="TOL", help="Flow: error per step, 0.05 if absent.")
    ] = None,
    step_size: Annotated[
        str | None, typer.Option(metavar="ETA", help="Descent: the step, in flow time.")
    ] = None,
    stability_fraction: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Descent: step as a share of 2 n / lambda_max, or 0.5."),
    ] = None,
    max_steps: Annotated[
        str, typer.Option(metavar="N", help="Steps after which the run is given up.")
    ] = "20000",
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Train a network and measure how lazily it did, beside the forecast.

    A run that diverges, stalls or runs out of steps is an outcome: it is told, with exit code 0.

    Example: `lazyscope train --data digits --n 64 --target parity --scale-exponents 0.2,0.2,0.2
    --width 256`

    Example: `lazyscope train --data diabetes --n 32 --scheme ntk --depth 1 --width 128
    --activation tanh --method descent --stop 0.01`

    Example: `lazyscope train --data digits --n 24 --target parity --model convolution --depth 2
    --spread balanced --kappa 64 --width 16`
    """
    with working("Compiling, training and measuring"):
        from lazyscope.experiment import train_run

        given: Any = read_number
        chosen = _method(method, tolerance, step_size, stability_fraction)
        run = train_run(network.run(), chosen, stop=given(stop), max_steps=given(max_steps))
        record = dict(run)
    if json:
        print_json(record)
    else:
        print_answer(*_parts(record))


def _method(
    name: str, tolerance: str | None, step_size: str | None, stability_fraction: str | None
) -> "AbstractMethod":
    """The method that the options mean; options of the other one are refused."""
    from lazyscope._checks import check_positive
    from lazyscope.flow import ExponentialFlow, GradientDescent

    check_choice("method", name, METHODS)
    of_descent = {"--step-size": step_size, "--stability-fraction": stability_fraction}
    foreign = of_descent if name == "flow" else {"--tolerance": tolerance}
    for option, value in foreign.items():
        if value is not None:
            raise InputError(
                f"{option} belongs to --method {'descent' if name == 'flow' else 'flow'}",
                received=f"{option} {value} with --method {name}",
                cause="the method was left at its default"
                if name == "flow"
                else "two methods mixed",
                fix=f"leave out {option}, or change --method",
            )
    if name == "flow":
        if tolerance is None:
            return ExponentialFlow()
        return ExponentialFlow(tolerance=check_positive("tolerance", read_number(tolerance)))
    if step_size is not None and stability_fraction is None:
        return GradientDescent(step_size=check_positive("step size", read_number(step_size)))
    share = read_number("0.5" if stability_fraction is None else stability_fraction)
    step: Any = None if step_size is None else read_number(step_size)
    return GradientDescent(step, check_positive("stability fraction", share))


def _parts(record: Mapping[str, Any]) -> list[Any]:
    verdict = record["verdict"]
    return [
        *heading(record),
        f"Outcome: {record['outcome']}. {record['sentence']}",
        *([TRAININGS[verdict]] if verdict else []),
        *(f"Note: {note}" for note in record["forecast"]["notes"]),
        "",
        _layers(record),
        "",
        table("Training", ("", "value", "meaning"), _facts(record)),
    ]


def _layers(record: Mapping[str, Any]) -> Any:
    moved = record["displacement"]
    columns = {
        "alpha": record["alpha"],
        "forecast": record["forecast"]["displacement"],
        "measured": moved["frobenius"],
        "measured, operator": moved["operator"],
        "exponent": record["displacement_exponents"],
    }
    return table(
        "Displacement |dW|/|W| of every layer (relative; forecast and measured in Frobenius norm)",
        ("", *columns),
        layer_rows(record, *columns.values()),
        "Exponent: power of the width that the operator norm follows.",
    )


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    loss, gap, rates = record["loss"], record["linearisation_gap"], record["decay_rate"]
    error, test = record["test_error"], record["test_loss"]
    return [
        ("loss, first", number(loss["initial"]), "R = |f - y|^2 / (2n)"),
        ("loss, last", number(loss["final"]), f"asked for {record['stop']:g} of the first"),
        ("steps", str(record["steps"]), f"{record['tried']} tried"),
        (
            "time",
            number(record["time"]),
            f"flow time; forecast {number(record['forecast']['time'])}",
        ),
        ("kernel change", number(record["kernel_change"]), "|K(T) - K(0)| / |K(0)|"),
        ("gap, training points", number(gap["train"]), "to the linearised network, in rms targets"),
        ("gap, test points", number(gap["test"]), "the same"),
        (
            "decay rate, measured",
            number(rates["measured"]),
            rates["measured_reason"] or "late, per flow time",
        ),
        ("decay rate, average", number(rates["average"]), "log(first / last loss) / time"),
        ("decay rate, kernel", number(rates["kernel"]), "2 lambda_min / n"),
        (
            "decay rate, theorem",
            number(rates["bound"]),
            rates["bound_reason"] or "lower bound of the average as the width grows",
        ),
        ("test error", number(error["network"]), f"linearised: {number(error['linearised'])}"),
        ("test loss", number(test["network"]), f"linearised: {number(test['linearised'])}"),
    ]
