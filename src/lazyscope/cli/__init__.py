"""What can one do from the shell? Commands parse, call and print; no science happens here."""

from lazyscope.cli._app import app, main

__all__ = ["app", "main"]
