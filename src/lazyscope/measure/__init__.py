"""What did training do, and what do many runs together say?"""

from lazyscope.measure._estimate import estimate_exponent as estimate_exponent
from lazyscope.measure._estimate import estimate_exponents as estimate_exponents
from lazyscope.measure._estimate_decay import DecayRate as DecayRate
from lazyscope.measure._estimate_decay import decay_rate as decay_rate
from lazyscope.measure._estimate_power_law import PowerLawFit as PowerLawFit
from lazyscope.measure._estimate_power_law import fit_power_law as fit_power_law
from lazyscope.measure._estimate_record import ExponentEstimate as ExponentEstimate
from lazyscope.measure._estimate_record import ExponentMap as ExponentMap
from lazyscope.measure._estimate_record import ModelFit as ModelFit
