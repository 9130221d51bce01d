"""Annotations of the library are checked in every test and doctest, see `tests/annotations.py`."""

import os

from annotations import install

if os.environ.get("LAZYSCOPE_ANNOTATIONS") != "unchecked":
    # arguments of commands are what the reader of command lines makes of them, and a warning counts the
    # calls above it
    install("lazyscope", apart=("lazyscope.cli", "lazyscope._deprecated"))
