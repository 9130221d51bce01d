"""What did training do, and what do many runs together say?"""

from lazyscope.measure._displacement import Displacement as Displacement
from lazyscope.measure._displacement import displacement as displacement
from lazyscope.measure._displacement import operator_norm as operator_norm
from lazyscope.measure._estimate import estimate_exponent as estimate_exponent
from lazyscope.measure._estimate import estimate_exponents as estimate_exponents
from lazyscope.measure._estimate_decay import DecayRate as DecayRate
from lazyscope.measure._estimate_decay import decay_rate as decay_rate
from lazyscope.measure._estimate_power_law import PowerLawFit as PowerLawFit
from lazyscope.measure._estimate_power_law import fit_power_law as fit_power_law
from lazyscope.measure._estimate_record import ExponentEstimate as ExponentEstimate
from lazyscope.measure._estimate_record import ExponentMap as ExponentMap
from lazyscope.measure._estimate_record import ModelFit as ModelFit
from lazyscope.measure._estimate_threshold import ThresholdEstimate as ThresholdEstimate
from lazyscope.measure._estimate_threshold import ThresholdLimit as ThresholdLimit
from lazyscope.measure._estimate_threshold import estimate_threshold as estimate_threshold
from lazyscope.measure._estimate_threshold import threshold_limit as threshold_limit
from lazyscope.measure._kernel_change import kernel_alignment as kernel_alignment
from lazyscope.measure._kernel_change import kernel_change as kernel_change
from lazyscope.measure._outputs import error_rate as error_rate
from lazyscope.measure._outputs import linearisation_gap as linearisation_gap
from lazyscope.measure._outputs import mean_squared_error as mean_squared_error
