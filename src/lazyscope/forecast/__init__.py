"""What does initialization alone say about training: how far, how fast, how stable?"""

from lazyscope.forecast._by_products import (
    ForecastByProducts,
    TrainableProblem,
    forecast_by_products,
)
from lazyscope.forecast._descent_steps import DescentSteps
from lazyscope.forecast._forecast import (
    Forecast,
    StartingPoint,
    forecast,
    forecast_problem,
    trace_forecast,
)
from lazyscope.forecast._guarantee import BoundForm, guaranteed_rate, limit_lambda_min

__all__ = [
    "BoundForm",
    "DescentSteps",
    "Forecast",
    "ForecastByProducts",
    "StartingPoint",
    "TrainableProblem",
    "forecast",
    "forecast_by_products",
    "forecast_problem",
    "guaranteed_rate",
    "limit_lambda_min",
    "trace_forecast",
]
