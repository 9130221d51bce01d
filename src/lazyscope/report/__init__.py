"""What does a stored result look like? Reports read stored results and never compute.

Here are the parts that pages are made of (`lazyscope.report.parts`) and the pages of results that belong to
no study; the page of a study lies with the study.
"""

from lazyscope._deprecated import moved
from lazyscope.report._explorer_page import write_explorer_page
from lazyscope.report._joined_page import write_joined_page
from lazyscope.report._observation_page import write_observation_page
from lazyscope.report.validation._page import (
    summary_sentence,
    validation_page,
    write_validation_page,
)

__all__ = [
    "summary_sentence",
    "validation_page",
    "write_explorer_page",
    "write_joined_page",
    "write_observation_page",
    "write_validation_page",
]

__getattr__ = moved(
    __name__,
    {
        name: f"lazyscope.study.{name}"
        for name in (
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
    },
)
"""What pages and figures of studies were called before they moved to their studies."""
