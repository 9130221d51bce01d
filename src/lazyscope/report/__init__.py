"""What does a stored result look like? Reports read stored results and never compute."""

from lazyscope.report._condensation_page import write_condensation_page
from lazyscope.report._coordinate_figure import draw_coordinate_check
from lazyscope.report._figures import draw_displacement, draw_forecast, draw_loss
from lazyscope.report._kappa_page import write_kappa_page
from lazyscope.report._map_figures import draw_map, draw_scaling
from lazyscope.report._map_page import write_map_page
from lazyscope.report._observation_page import write_observation_page
from lazyscope.report._output_scale_page import write_output_scale_page
from lazyscope.report._study_figures import draw_crossover, draw_order_parameter
from lazyscope.report._tables import kappa_summary
from lazyscope.report._theorem_page import write_theorem_page
from lazyscope.report._validation import (
    summary_sentence,
    validation_page,
    write_validation_page,
)

__all__ = [
    "draw_coordinate_check",
    "draw_crossover",
    "draw_displacement",
    "draw_forecast",
    "draw_loss",
    "draw_map",
    "draw_order_parameter",
    "draw_scaling",
    "kappa_summary",
    "summary_sentence",
    "validation_page",
    "write_condensation_page",
    "write_kappa_page",
    "write_map_page",
    "write_observation_page",
    "write_output_scale_page",
    "write_theorem_page",
    "write_validation_page",
]
