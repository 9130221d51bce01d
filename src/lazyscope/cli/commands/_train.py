"""`lazyscope train`: what did training do, beside what was forecast?"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from lazyscope._checks import OPTIMISERS
from lazyscope.cli._answer import number, print_answer, print_json, table, working
from lazyscope.cli._method import MethodNumbers, method_of
from lazyscope.cli._network import NetworkOptions, with_network_options
from lazyscope.cli._values import read_number
from lazyscope.cli._words import TRAININGS
from lazyscope.cli.commands._forecast import heading, layer_rows


@with_network_options
def train_command(
    network: NetworkOptions,
    method: Annotated[
        str,
        typer.Option(
            metavar="METHOD",
            help="Gradient flow, or gradient descent; or an optimiser: "
            + ", ".join(OPTIMISERS)
            + ".",
        ),
    ] = "flow",
    loss: Annotated[
        str, typer.Option(metavar="LOSS", help="squared, or for optimisers cross-entropy.")
    ] = "squared",
    stop: Annotated[
        str, typer.Option(metavar="FRACTION", help="End at this fraction of the initial loss.")
    ] = "1e-4",
    tolerance: Annotated[
        str | None, typer.Option(metavar="TOL", help="Flow: error per step, 0.05 if absent.")
    ] = None,
    step_size: Annotated[
        str | None, typer.Option(metavar="ETA", help="Descent: the step; an optimiser: its rate.")
    ] = None,
    stability_fraction: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Descent: step as a share of 2 n / lambda_max, or 0.5."),
    ] = None,
    share: Annotated[
        str | None,
        typer.Option(
            metavar="P", help="Optimiser: share of the gap that a step may close, 0.02 if absent."
        ),
    ] = None,
    epsilon: Annotated[
        str | None, typer.Option(metavar="EPS", help="Adam, Muon: added to norms, 1e-8 if absent.")
    ] = None,
    weight_decay: Annotated[
        str | None,
        typer.Option(metavar="LAMBDA", help="Optimiser: decoupled decay of the weights."),
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

    Example: `lazyscope train --data digits --n 24 --target classes --scheme mup --depth 1 --width 64
    --method adam --loss cross-entropy --stop 0.1`

    Example: `lazyscope train --data digits --n 24 --target parity --model convolution --depth 2
    --spread balanced --kappa 64 --width 16`
    """
    with working("Compiling, training and measuring"):
        from lazyscope.experiment import train_run

        given: Any = read_number
        numbers = MethodNumbers(
            tolerance, stability_fraction, step_size, share, epsilon, weight_decay
        )
        chosen = method_of(method, numbers)
        ends = {"stop": given(stop), "max_steps": given(max_steps)}
        run = train_run(network.run(method), chosen, **ends, loss=loss)
        record = dict(run)
    if json:
        print_json(record)
    else:
        print_answer(*_parts(record))


def _parts(record: Mapping[str, Any]) -> list[Any]:
    verdict = record["verdict"]
    return [
        *heading(record),
        f"Outcome: {record['outcome']}. {record['sentence']}",
        *([TRAININGS[verdict]] if verdict else []),
        *(f"Note: {note}" for note in record["forecast"]["notes"]),
        *([f"No forecast: {reason}."] if (reason := record["forecast"]["reason"]) else []),
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


_CRITERIA = {"squared": "R = |f - y|^2 / (2n)", "cross-entropy": "R, the mean cross-entropy"}


def _beside(meaning: str, foreseen: float | None) -> str:
    return meaning if foreseen is None else f"{meaning}; forecast {number(foreseen)}"


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    loss, gap, rates = record["loss"], record["linearisation_gap"], record["decay_rate"]
    error, test, ahead = record["test_error"], record["test_loss"], record["forecast"]
    clock = "flow time" if record["optimizer"] is None else "sum of the steps"
    return [
        ("loss, first", number(loss["initial"]), _CRITERIA[record["criterion"]]),
        ("loss, last", number(loss["final"]), f"asked for {record['stop']:g} of the first"),
        ("steps", str(record["steps"]), _beside(f"{record['tried']} tried", ahead.get("steps"))),
        (
            "time",
            number(record["time"]),
            _beside(clock, ahead["time"]),
        ),
        ("kernel change", number(record["kernel_change"]), "|K(T) - K(0)| / |K(0)|"),
        ("gap, training points", number(gap["train"]), "to the linearised network, in rms targets"),
        ("gap, test points", number(gap["test"]), "the same"),
        (
            "decay rate, measured",
            number(rates["measured"]),
            rates["measured_reason"] or f"late, per {clock}",
        ),
        ("decay rate, average", number(rates["average"]), "log(first / last loss) / time"),
        ("decay rate, kernel", number(rates["kernel"]), "2 lambda_min / n"),
        (
            "decay rate, theorem",
            number(rates["bound_published"]),
            rates["bound_reason"] or "published lower bound of the average as the width grows",
        ),
        (
            "decay rate, derived",
            number(rates["bound"]),
            rates["bound_reason"] or "the same with lambda_min of every layer",
        ),
        ("test error", number(error["network"]), f"linearised: {number(error['linearised'])}"),
        ("test loss", number(test["network"]), f"linearised: {number(test['linearised'])}"),
    ]
