"""Which names does lazyscope know: of schemes, networks, activations and studies?"""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from lazyscope._described import described
from lazyscope.cli._answer import print_answer, print_json, table

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def schemes_command(json: Json = False) -> None:
    """The schemes that have a name, with their parameters and papers.

    Use a name as `--scheme NAME` and a parameter as `--scheme-parameter KEY=VALUE`; one without a default has
    to be given. `lazyscope regime` says what a scheme does.

    Example: `lazyscope schemes`

    Example: `lazyscope schemes --json`
    """
    from lazyscope.scaling import scheme_meaning, scheme_names, scheme_parameters

    found = []
    for name in scheme_names():
        meaning, source = scheme_meaning(name)
        parameters = scheme_parameters(name)
        found.append({"name": name, "meaning": meaning, "parameters": parameters, "source": source})
    if json:
        print_json({"schemes": found})
        return
    rows = [(e["name"], e["meaning"], _parameters(e["parameters"]), e["source"]) for e in found]
    _print("Schemes", ("scheme", "meaning", "parameters", "source"), rows)


def _parameters(known: dict[str, float | None]) -> str:
    return ", ".join(k if v is None else f"{k}={v:g}" for k, v in known.items())


def networks_command(json: Json = False) -> None:
    """The kinds of networks that have a name; use one as `--model NAME`.

    Example: `lazyscope networks`

    Example: `lazyscope networks --json`
    """
    from lazyscope.model import architecture, network_names

    kinds = [architecture(name) for name in network_names()]
    words = [each.words.format(depth="L", activation="any activation") for each in kinds]
    found = [
        {
            "name": kind.name,
            "meaning": meaning,
            "most_depth": kind.most_depth,
            "homogeneous": kind.homogeneous,
            "has_branches": kind.has_branches,
        }
        for kind, meaning in zip(kinds, words, strict=True)
    ]
    if json:
        print_json({"networks": found})
        return
    rows = [(e["name"], e["meaning"], str(e["most_depth"] or "any")) for e in found]
    _print("Networks", ("network", "meaning", "depth"), rows)


def activations_command(json: Json = False) -> None:
    """The nonlinearities that have a name, with what theory needs to know of them.

    Use one as `--activation NAME`. Homogeneous: sigma(c u) = c sigma(u) for c > 0, so that kappa is the
    product of scales.

    Example: `lazyscope activations`

    Example: `lazyscope activations --json`
    """
    from lazyscope.model import activation, activation_names

    kinds = [activation(name) for name in activation_names()]
    if json:
        told = [
            {
                "name": kind.name,
                "formula": kind.formula,
                "homogeneous": kind.homogeneous,
                "smooth": kind.smooth,
                "slope_at_zero": kind.slope_at_zero,
            }
            for kind in kinds
        ]
        print_json({"activations": told})
        return
    rows = [(kind.name, kind.formula, _yes(kind.homogeneous), _yes(kind.smooth)) for kind in kinds]
    _print("Activations", ("activation", "meaning", "homogeneous", "smooth"), rows)


def _yes(it_is: bool) -> str:
    return "yes" if it_is else "no"


def studies_command(json: Json = False) -> None:
    """The studies that can be run, each as `lazyscope study NAME` and from Python.

    Example: `lazyscope studies`

    Example: `lazyscope studies --json`
    """
    from lazyscope.study import find_study, study_names

    found = [
        {
            "name": name,
            "meaning": " ".join(described(type(find_study(name))).partition("\n\n")[0].split()),
            "command": f"lazyscope study {name}",
            "python": f"lazyscope.run_{name.replace('-', '_')}_study",
        }
        for name in study_names()
    ]
    if json:
        print_json({"studies": found})
        return
    _print("Studies", ("study", "meaning"), [(e["name"], e["meaning"]) for e in found])


def _print(title: str, head: Sequence[str], rows: Sequence[Any]) -> None:
    print_answer(table(title, head, rows))
