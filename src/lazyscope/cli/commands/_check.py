"""`lazyscope check`: which parametrisation does a user's network have, over its widths?"""

import importlib
import importlib.util
import json as json_module
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from lazyscope._checks import InputError
from lazyscope.cli._answer import number, print_answer, print_json, table, working
from lazyscope.cli._output import check_writable_file
from lazyscope.cli._values import read_number, read_numbers


def check_command(
    build: Annotated[
        str,
        typer.Argument(metavar="MODULE:BUILD", help="A function build(width, seed) of a module."),
    ],
    data: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="digits, diabetes, a path or openml:NAME.")
    ],
    widths: Annotated[str, typer.Option(metavar="M,..", help="Widths.")] = "64,128,256,512",
    seeds: Annotated[str, typer.Option(metavar="N", help="Networks of every width.")] = "4",
    n: Annotated[
        str, typer.Option("--n", "-n", "--num-points", metavar="N", help="Training points.")
    ] = "24",
    steps: Annotated[str, typer.Option(metavar="T", help="Steps of descent.")] = "16",
    target: Annotated[
        str | None, typer.Option(metavar="KIND", help="classes, parity or value.")
    ] = None,
    readout: Annotated[
        str | None,
        typer.Option(metavar="NAME,..", help="Layers that write the output; else found."),
    ] = None,
    raw_inputs: Annotated[
        bool, typer.Option("--raw-inputs", help="Leave inputs at their size instead of norm one.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FIGURE", help="Figure: .svg, .pdf or .png."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """A coordinate check with a verdict: kappa, regime of every layer, and what would change them.

    MODULE is looked for in the current folder too; a path that ends in .py works as well. BUILD returns
    (apply, params), (apply, params, groups, rates), an Equinox or a Flax NNX module, a PyTorch module, or
    (module, groups, rates) with one. Inputs come as rows.

    Example: `lazyscope check my_model:build --data digits --widths 64,128,256,512 -o check.svg`
    """
    if output is not None:
        check_writable_file(output)
        _check_format(output)
    found = find_build(build)
    with working("Drawing networks and taking their first steps"):
        from lazyscope.data import load_dataset
        from lazyscope.study import coordinate_check

        given: Any = read_number
        points = load_dataset(
            data,
            num_points=given(n),
            num_test=0,
            target=target,  # pyright: ignore[reportArgumentType]
            normalise=not raw_inputs,
        )
        every: Any = read_numbers(widths)
        names = None if readout is None else [name.strip() for name in readout.split(",")]
        check = coordinate_check(
            found, points, every, given(seeds), steps=given(steps), readout=names
        )
    result = check.to_json()
    if output is not None:
        from lazyscope.study import draw_coordinate_check

        # Drawn from what is stored, so that the figure can be drawn again.
        draw_coordinate_check(json_module.loads(json_module.dumps(result))).savefig(output)
        result["figure"] = str(output.resolve())
    if json:
        print_json(result)
    else:
        print_answer(*_parts(result))


def find_build(text: str) -> Any:
    """The object that ``module:name`` or ``path.py:name`` names.

    Raises:
        InputError: no colon, no such module, an error while importing it, or no such name.
    """
    module_name, colon, name = text.rpartition(":")
    if not colon or not module_name or not name:
        raise InputError(
            "the network must be given as MODULE:BUILD",
            received=repr(text),
            cause="the name of the function is missing",
            fix="write for instance my_model:build",
        )
    try:
        module = _import(module_name)
    except Exception as error:
        raise InputError(
            "the module of the network must be importable",
            received=f"{module_name}: {type(error).__name__}: {error}",
            cause="a misspelt name, another folder, or an error in the module",
            fix="run the command in the folder of the module, or give the path of its file",
        ) from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        offered = [key for key, value in vars(module).items() if callable(value) and key[0] != "_"]
        raise InputError(
            f"the module must have the function {name}",
            received=f"{module_name} with {', '.join(offered[:8]) or 'no functions'}",
            cause="a misspelt name",
            fix="name a function build(width, seed) of the module",
        ) from error


def _import(name: str) -> Any:
    if not name.endswith(".py"):
        if "" not in sys.path:
            sys.path.insert(0, "")
        return importlib.import_module(name)
    path = Path(name)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"no file {name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def _check_format(path: Path) -> None:
    from matplotlib.figure import Figure

    known = Figure().canvas.get_supported_filetypes()
    if path.suffix.lstrip(".").lower() not in known:
        raise InputError(
            "the figure needs the name of a picture file",
            received=str(path),
            cause="a missing or unknown ending",
            fix="end it in .svg, .pdf or .png",
        )


def _parts(result: Mapping[str, Any]) -> list[Any]:
    rows = [
        (
            layer["name"],
            layer["kind"],
            _with_interval(layer["relative_speed_exponent"]),
            _with_interval(layer["displacement_exponent"]),
            number(layer["predicted_displacement_exponent"], 2),
            _with_interval(layer["output_change_exponent"]),
            layer["regime"],
        )
        for layer in result["layers"]
    ]
    head = ("layer", "kind", "speed", "displacement", "by the law", "its output", "regime")
    return [
        result["sentence"],
        "",
        f"kappa: exponent {_with_interval(result['kappa_exponent'])}; regime {result['regime']}.",
        f"largest stable learning rate: exponent {_with_interval(result['stable_rate_exponent'])}.",
        "",
        table(
            "Powers of the width, with 95 % intervals",
            head,
            rows,
            "Speed: s / alpha^2. Displacement: |dW| / |W| after the first steps. Law: what kappa and the "
            "speeds predict for the end of training.",
        ),
        "",
        *(_advice(result) if result["readout"] else []),
        *result["notes"],
        *([f"Figure: {result['figure']}"] if "figure" in result else []),
    ]


def _advice(result: Mapping[str, Any]) -> list[str]:
    return [
        *_changes("To become muP", result["to_become_mup"]),
        *_changes("To become lazy", result["to_become_lazy"]),
    ]


def _changes(title: str, changes: Any) -> list[str]:
    if not changes:
        return [f"{title}: nothing to change."]
    parts = [f"{change['what']} times m^{change['exponent']:g}" for change in changes]
    return [f"{title} (m: width): {'; '.join(parts)}."]


def _with_interval(estimate: Mapping[str, Any]) -> str:
    low, high = estimate["interval"]
    if low is None or high is None:
        return "-"
    return f"{estimate['exponent']:.2f} [{low:.2f}, {high:.2f}]"
