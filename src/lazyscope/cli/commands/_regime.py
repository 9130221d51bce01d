"""`lazyscope regime`: what does a parametrisation say before any network is drawn?"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from lazyscope._checks import check_count
from lazyscope.cli._answer import number, print_answer, print_json, table
from lazyscope.cli._scheme import chosen_scheme
from lazyscope.cli._values import read_number
from lazyscope.cli._words import REGIMES


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
    width: Annotated[
        str | None, typer.Option(metavar="M", help="Width at which kappa and alpha are told.")
    ] = None,
    input_dim: Annotated[
        str | None, typer.Option(metavar="D", help="Fan-in of the first layer; 1 if absent.")
    ] = None,
    output_dim: Annotated[
        str, typer.Option(metavar="C", help="Outputs (matter for xavier).")
    ] = "1",
    activation: Annotated[str, typer.Option(metavar="NAME", help="Matters for he.")] = "relu",
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Kappa, regimes and displacement exponents of a parametrisation.

    Nothing is drawn or trained: only exponents count, and the width for kappa and alpha.

    Example: `lazyscope regime --scheme mup --depth 2 --width 1024`

    Example: `lazyscope regime --scale-exponents 0.25,0,-0.5 --speed-exponents 0,0,-1`
    """
    from lazyscope.scaling import needs_input_dim, regime_report

    _check_activation(activation)
    dim = 1 if input_dim is None else check_count("input dimension", read_number(input_dim))
    chosen = chosen_scheme(
        scheme,
        scheme_parameter or [],
        scale_exponents,
        speed_exponents,
        depth,
        input_dim=dim,
        output_dim=check_count("output dimension", read_number(output_dim)),
        activation=activation,
    )
    asked: Any = None if width is None else read_number(width)
    report = regime_report(chosen, asked)
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


def _check_activation(name: str) -> None:
    """Refuse an unknown activation; the default needs no look at the table, which costs a second."""
    if name != "relu":
        from lazyscope.model import activation

        activation(name)


def regime_parts(report: Mapping[str, Any]) -> list[Any]:
    """A regime report as texts and a table."""
    at = "" if report["width"] is None else f" at width {report['width']}"
    alpha = report["alpha"] or [None] * (report["depth"] + 1)
    rows = [
        (
            f"layer {layer}",
            number(alpha[i]),
            number(report["scale_exponents"][i]),
            number(report["speed_exponents"][i]),
            number(report["displacement_exponents"][i]),
            report["layer_regimes"][i],
        )
        for i, layer in enumerate(range(1, len(alpha) + 1))
    ]
    kappa = "" if report["kappa"] is None else f", kappa = {number(report['kappa'], 4)}{at}"
    head = ("", f"alpha{at}", "scale", "speed", "displacement", "regime")
    source = f" ({report['source']})" if report["source"] else ""
    meaning = REGIMES[report["regime"]]
    return [
        f"{report['name']}{source}",
        f"Regime: {report['regime']}. {meaning[:1].upper()}{meaning[1:]}",
        f"Kappa grows like m^{number(report['kappa_exponent'])}{kappa}.",
        *(f"Note: {note}" for note in report.get("notes", ())),
        "",
        table(
            "Layers",
            head,
            rows,
            "Columns 2 to 4 are exponents of the width m; displacement is |dW|/|W| in operator norm "
            "after training.",
        ),
    ]
