"""What can one do from the shell? Commands parse, call and print; no science happens here.

The commands are loaded when they are first used, so that signals are answered from the start.
"""

from typing import TYPE_CHECKING, Any

from lazyscope.cli.process._process import main

if TYPE_CHECKING:
    from lazyscope.cli._app import app

__all__ = ["app", "main"]


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module 'lazyscope.cli' has no attribute {name!r}")
    from lazyscope.cli._app import app

    return app
