"""`lazyscope explore`: what does the law say about schemes that one chooses on a page?"""

from pathlib import Path
from typing import Annotated

import typer

from lazyscope._file import local_path
from lazyscope.cli._answer import print_json
from lazyscope.cli._output import check_writable_file


def explore_command(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="PAGE.html", help="Where the page goes.")
    ] = Path("lazyscope-explorer.html"),
    show: Annotated[
        bool, typer.Option("--show", help="Open it in the browser of this machine.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """A page on which schemes are chosen and the displacement law answers; it needs no network.

    Optimiser, depth, exponents of scales and rates, by hand or by name: kappa, regimes, the phase plane with
    the scheme in it, what would make it muP or lazy, and which learning rate transfers over widths.

    Example: `lazyscope explore -o explorer.html`
    """
    from lazyscope.report import write_explorer_page

    page = local_path("the output", output)
    check_writable_file(page, page=True)
    told = str(write_explorer_page(page).resolve())
    if json:
        print_json({"page": told})
    else:
        typer.echo(f"Page: {told}")
    if show:
        typer.launch(Path(told).as_uri())
