"""What does a stored result look like? Reports read stored results and never compute.

Here are the parts that pages are made of (`lazyscope.report.parts`) and the pages of results that belong to
no study; the page of a study lies with the study.
"""

import warnings
from importlib import import_module
from typing import Any

from lazyscope.report._observation_page import write_observation_page
from lazyscope.report.validation._page import (
    summary_sentence,
    validation_page,
    write_validation_page,
)

__all__ = [
    "summary_sentence",
    "validation_page",
    "write_observation_page",
    "write_validation_page",
]

_MOVED = (
    "draw_coordinate_check",
    "draw_crossover",
    "draw_displacement",
    "draw_forecast",
    "draw_loss",
    "draw_map",
    "draw_order_parameter",
    "draw_scaling",
    "kappa_summary",
    "write_condensation_page",
    "write_kappa_page",
    "write_map_page",
    "write_output_scale_page",
    "write_theorem_page",
)


def __getattr__(name: str) -> Any:
    """What pages and figures of studies were called before they moved to their studies."""
    if name not in _MOVED:
        raise AttributeError(f"module 'lazyscope.report' has no attribute {name!r}")
    warnings.warn(
        f"lazyscope.report.{name} is lazyscope.study.{name} now; the old name goes with 1.0",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(import_module("lazyscope.study"), name)
