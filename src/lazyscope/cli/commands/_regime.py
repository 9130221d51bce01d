"""`lazyscope regime`: what does a parametrisation say before any network is drawn?"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from lazyscope._checks import InputError, check_count
from lazyscope.cli._answer import number, print_answer, print_json, table
from lazyscope.cli._scheme import chosen_scheme
from lazyscope.cli._values import read_number, read_numbers
from lazyscope.cli._words import REGIMES
from lazyscope.cli.commands._changes import change_table, depth_lines, equal_layers
from lazyscope.scaling import (
    TIE_TOLERANCE,
    Branches,
    Scheme,
    learning_rate_exponents,
    prescribes_rates,
    with_branches,
    with_update_multiplier,
)


def regime_command(
    scheme: Annotated[
        str | None, typer.Option(metavar="NAME", help="Named scheme: ntk, standard, lecun, ...")
    ] = None,
    scheme_parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Parameter of the scheme; may be repeated."),
    ] = None,
    scale_exponents: Annotated[
        str | None,
        typer.Option(metavar="A1,..", help="Exponents of the layers' scales, instead of a scheme."),
    ] = None,
    speed_exponents: Annotated[
        str | None,
        typer.Option(metavar="S1,..", help="Exponents of the layers' speeds; 0 if absent."),
    ] = None,
    depth: Annotated[
        str | None, typer.Option(metavar="L", help="Hidden layers; follows from exponents.")
    ] = None,
    branch_exponents: Annotated[
        str | None,
        typer.Option(
            metavar="B,..",
            help="Of a residual network: powers of L of branch multipliers, and of their scales and speeds "
            "(0 if absent).",
        ),
    ] = None,
    optimizer: Annotated[
        str,
        typer.Option(
            metavar="NAME,..",
            help="Who trains: sgd, momentum, adam, adamw, sign, lion or muon; or a name for each layer.",
        ),
    ] = "sgd",
    update_multiplier: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Of muon's update: original, match-rms-adamw or spectral."
        ),
    ] = None,
    width: Annotated[
        str | None, typer.Option(metavar="M", help="Width at which kappa and alpha are told.")
    ] = None,
    input_dim: Annotated[
        str | None, typer.Option(metavar="D", help="Fan-in of the first layer; 1 if absent.")
    ] = None,
    output_dim: Annotated[
        str, typer.Option(metavar="C", help="Outputs (for xavier and spectral).")
    ] = "1",
    activation: Annotated[str, typer.Option(metavar="NAME", help="Matters for he.")] = "relu",
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Kappa, regimes and displacement exponents of a parametrisation, for an optimiser.

    Nothing is drawn or trained: only exponents count, and the width for kappa and alpha.

    Example: `lazyscope regime --scheme mup --depth 2 --width 1024`

    Example: `lazyscope regime --scheme standard --depth 2 --optimizer adam,muon,adam`

    Example: `lazyscope regime --scale-exponents 0.25,0,-0.5 --speed-exponents 0,0,-1`

    Example: `lazyscope regime --scheme mup --depth 16 --optimizer adam --branch-exponents -0.5`
    """
    from lazyscope.scaling import needs_input_dim, regime_report

    _check_activation(activation)
    dim = 1 if input_dim is None else check_count("input dimension", read_number(input_dim))
    outputs = check_count("output dimension", read_number(output_dim))
    chosen = chosen_scheme(
        scheme,
        scheme_parameter or [],
        scale_exponents,
        speed_exponents,
        depth,
        input_dim=dim,
        output_dim=outputs,
        activation=activation,
        optimiser=tuple(name.strip() for name in optimizer.split(",")),
    )
    if branch_exponents is not None:
        chosen = _with_branches(chosen, branch_exponents)
    if update_multiplier is not None and not (scheme and prescribes_rates(scheme)):
        dims = {"input_dim": dim, "output_dim": outputs}
        chosen = with_update_multiplier(chosen, update_multiplier, **dims)
    asked: Any = None if width is None else read_number(width)
    report = regime_report(chosen, asked)
    report["optimizer"] = report["optimiser"]
    report["update_multiplier"] = update_multiplier
    report["learning_rate_exponents"] = (
        report["speed_exponents"]
        if update_multiplier is None
        else list(learning_rate_exponents(chosen, update_multiplier))
    )
    enters = scheme is not None and needs_input_dim(scheme)
    report["input_dim"] = dim if enters else None
    report["notes"] = [_ASSUMED] if enters and input_dim is None else []
    if json:
        print_json(report)
    else:
        print_answer(*regime_parts(report))


_ASSUMED = (
    "Kappa and alpha are those of inputs with one number, input dimension 1, since no --input-dim was "
    "given; exponents and regimes do not depend on it."
)


_SPELT_OUT = 5
"""Layers whose exponents are told one by one."""


def _with_branches(scheme: Scheme, exponents: str) -> Scheme:
    """The scheme with the branches of ``--branch-exponents``."""
    if scheme.branches is not None:
        raise InputError(
            "a scheme for residual networks has its own branches",
            received=f"--branch-exponents {exponents} with --scheme {scheme.name}",
            cause="a scheme that was meant to be changed",
            fix="use --scheme mup with --branch-exponents, or leave them out",
        )
    given: Any = read_numbers(exponents)
    if len(given) > 3:
        raise InputError(
            "branches have at most three exponents, of multiplier, scale and speed",
            received=exponents,
            cause="one exponent for each layer",
            fix="give for instance --branch-exponents -0.5,0,-0.5",
        )
    return with_branches(scheme, Branches(*given))


def _check_activation(name: str) -> None:
    """Refuse an unknown activation; the default needs no look at the table, which costs a second."""
    if name != "relu":
        from lazyscope.model import activation

        activation(name)


def regime_parts(report: Mapping[str, Any]) -> list[Any]:
    """A regime report as texts and a table."""
    at = "" if report["width"] is None else f" at width {report['width']}"
    alpha = report["alpha"] or [None] * (report["depth"] + 1)
    exponents = ("scale", "speed", "relative_speed", "displacement")
    told = [
        (
            number(alpha[i]),
            *(number(report[f"{name}_exponents"][i]) for name in exponents),
            report["layer_regimes"][i],
        )
        for i in range(len(alpha))
    ]
    rows = equal_layers(told)
    kappa = "" if report["kappa"] is None else f", kappa = {number(report['kappa'], 4)}{at}"
    head = ("", f"alpha{at}", "scale", "speed", "relative speed", "displacement", "regime")
    source = f" ({report['source']})" if report["source"] else ""
    meaning = REGIMES[report["regime"]]
    return [
        f"{report['name']}{source}",
        f"Regime: {report['regime']}. {meaning[:1].upper()}{meaning[1:]}",
        f"Kappa grows like m^{number(report['kappa_exponent'])}{kappa}.",
        f"{_rate(report)} {_features(report['learns_features_in'], len(alpha))}",
        *_set_rates(report),
        f"To muP: {_changes(report['to_mup'])}",
        f"To be lazy: {_changes(report['to_lazy'])}",
        *depth_lines(report),
        *(f"Note: {note}" for note in report.get("notes", ())),
        "",
        table(
            "Layers",
            head,
            rows,
            "Scale, speeds and displacement are exponents of the width m; displacement is |dW|/|W| in "
            "operator norm after training.",
        ),
        *change_table(report),
    ]


def _rate(report: Mapping[str, Any]) -> str:
    """Who trains, and whether one learning rate serves all widths."""
    held = report["optimiser"]
    names = held if isinstance(held, str) else ", ".join(held)
    power = report["rate_exponent"]
    said = (
        "one learning rate serves all widths."
        if abs(power) < TIE_TOLERANCE
        else f"the learning rate has to follow the width like m^{number(power)}."
    )
    return f"Trained by {names}: {said}"


def _set_rates(report: Mapping[str, Any]) -> list[str]:
    """The learning rates to be set where an update is multiplied."""
    if report["update_multiplier"] is None:
        return []
    rates = _powers(report["learning_rate_exponents"])
    return [
        f"Before the multiplier {report['update_multiplier']} of muon, learning rates are {rates}."
    ]


def _features(layers: Sequence[int], of: int) -> str:
    if not layers:
        return "No layer moves by its own size or more: no features are learned."
    if len(layers) == of:
        return "Every layer moves by its own size or more."
    named = ", ".join(str(layer) for layer in layers)
    return f"By their own size or more move: layer{'s' if len(layers) > 1 else ''} {named}."


def _changes(changes: Mapping[str, Sequence[float]]) -> str:
    """Changes of exponents as factors of the width."""
    words = {"scale_exponents": "initial weights", "speed_exponents": "learning rates"}
    said = [
        f"{what} times {_powers(changes[key])}"
        for key, what in words.items()
        if any(abs(x) > TIE_TOLERANCE for x in changes[key])
    ]
    return f"{'; '.join(said)}." if said else "nothing has to change."


def _powers(exponents: Sequence[float]) -> str:
    if len(set(exponents)) == 1:
        return f"m^{number(exponents[0])} in all layers"
    if len(exponents) <= _SPELT_OUT:
        return f"m to the {', '.join(number(x) for x in exponents)}"
    alike = equal_layers([(number(x),) for x in exponents])
    return " and ".join(f"m^{power} in {layers}" for layers, power in alike if power != "0")
