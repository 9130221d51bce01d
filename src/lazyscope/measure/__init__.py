"""What did training do, and what do many runs together say?"""

from lazyscope._estimate import LEVEL as LEVEL
from lazyscope._estimate import RESOLUTION as RESOLUTION
from lazyscope._estimate import STANDARD_ERRORS as STANDARD_ERRORS
from lazyscope._estimate import Agreement as Agreement
from lazyscope._estimate import Answer as Answer
from lazyscope._estimate import Estimate as Estimate
from lazyscope._estimate import Sign as Sign
from lazyscope._estimate import Verdict as Verdict
from lazyscope._estimate import agreement as agreement
from lazyscope.measure._condensation import AgainstNull as AgainstNull
from lazyscope.measure._condensation import Condensation as Condensation
from lazyscope.measure._condensation import OrientationScatter as OrientationScatter
from lazyscope.measure._condensation import condensation as condensation
from lazyscope.measure._condensation import cosine_similarity as cosine_similarity
from lazyscope.measure._condensation import orientation_scatter as orientation_scatter
from lazyscope.measure._displacement import LANCZOS_AT_ONCE as LANCZOS_AT_ONCE
from lazyscope.measure._displacement import LANCZOS_CONVERGED as LANCZOS_CONVERGED
from lazyscope.measure._displacement import LANCZOS_STEPS as LANCZOS_STEPS
from lazyscope.measure._displacement import SMALL_SIDE as SMALL_SIDE
from lazyscope.measure._displacement import Displacement as Displacement
from lazyscope.measure._displacement import displacement as displacement
from lazyscope.measure._displacement import operator_norm as operator_norm
from lazyscope.measure._displacement import operator_norms as operator_norms
from lazyscope.measure._displacement import relative_change as relative_change
from lazyscope.measure._kernel_change import kernel_alignment as kernel_alignment
from lazyscope.measure._kernel_change import kernel_change as kernel_change
from lazyscope.measure._laziness import LAZY as LAZY
from lazyscope.measure._laziness import NOT_LAZY as NOT_LAZY
from lazyscope.measure._laziness import laziness as laziness
from lazyscope.measure._outputs import error_rate as error_rate
from lazyscope.measure._outputs import linearisation_gap as linearisation_gap
from lazyscope.measure._outputs import mean_squared_error as mean_squared_error
from lazyscope.measure.estimate._decay import DecayRate as DecayRate
from lazyscope.measure.estimate._decay import decay_rate as decay_rate
from lazyscope.measure.estimate._evidence import MIN_SPARE as MIN_SPARE
from lazyscope.measure.estimate._evidence import MIN_WIDTHS as MIN_WIDTHS
from lazyscope.measure.estimate._evidence import LargestWidth as LargestWidth
from lazyscope.measure.estimate._exponent import estimate_exponent as estimate_exponent
from lazyscope.measure.estimate._exponent import estimate_exponents as estimate_exponents
from lazyscope.measure.estimate._known_corrections import (
    MIN_EXPONENT_WIDTHS as MIN_EXPONENT_WIDTHS,
)
from lazyscope.measure.estimate._known_corrections import (
    expected_with_corrections as expected_with_corrections,
)
from lazyscope.measure.estimate._known_corrections import (
    extrapolated_exponent as extrapolated_exponent,
)
from lazyscope.measure.estimate._power import ExponentPower as ExponentPower
from lazyscope.measure.estimate._power import exponent_power as exponent_power
from lazyscope.measure.estimate._power import simulated_exponents as simulated_exponents
from lazyscope.measure.estimate._power_law import MIN_GROUPS as MIN_GROUPS
from lazyscope.measure.estimate._power_law import PowerLawFit as PowerLawFit
from lazyscope.measure.estimate._power_law import fit_power_law as fit_power_law
from lazyscope.measure.estimate._record import ExponentEstimate as ExponentEstimate
from lazyscope.measure.estimate._record import ExponentMap as ExponentMap
from lazyscope.measure.estimate._record import ModelFit as ModelFit
from lazyscope.measure.estimate._resampled import middle_of as middle_of
from lazyscope.measure.estimate._resampled import resampled_means as resampled_means
from lazyscope.measure.estimate._student import mean_estimate as mean_estimate
from lazyscope.measure.estimate._student import student_reach as student_reach
from lazyscope.measure.estimate._threshold import ThresholdEstimate as ThresholdEstimate
from lazyscope.measure.estimate._threshold import estimate_threshold as estimate_threshold
from lazyscope.measure.estimate._threshold_limit import CORRECTION_ORDERS as CORRECTION_ORDERS
from lazyscope.measure.estimate._threshold_limit import (
    MIN_THRESHOLD_WIDTHS as MIN_THRESHOLD_WIDTHS,
)
from lazyscope.measure.estimate._threshold_limit import ThresholdLimit as ThresholdLimit
from lazyscope.measure.estimate._threshold_limit import threshold_limit as threshold_limit
