"""What does a stored result look like? Reports read stored results and never compute."""

from lazyscope.report._coordinate_figure import draw_coordinate_check
from lazyscope.report._figures import draw_displacement, draw_forecast, draw_loss
from lazyscope.report._observation_page import write_observation_page
from lazyscope.report._tables import kappa_summary
from lazyscope.report.kappa._page import write_kappa_page
from lazyscope.report.output_scale._page import write_output_scale_page
from lazyscope.report.phase_diagram._condensation_page import write_condensation_page
from lazyscope.report.phase_diagram._figures import draw_map, draw_scaling
from lazyscope.report.phase_diagram._page import write_map_page
from lazyscope.report.phase_diagram._study_figures import draw_crossover, draw_order_parameter
from lazyscope.report.theorem._page import write_theorem_page
from lazyscope.report.validation._page import (
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
