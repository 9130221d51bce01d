"""How is a verdict told in a terminal?"""

from collections.abc import Mapping
from typing import Any

import typer


def print_verdict(verdict: Mapping[str, Any]) -> None:
    """The answer in a word, then in a sentence, then what a reader has to know."""
    typer.echo(f"Verdict: {verdict['answer']}. {verdict['sentence']}")
    for remark in verdict["remarks"]:
        typer.echo(remark)
