"""What do Gaussian processes and ensembles of trained networks predict, with which uncertainty?"""

from lazyscope.kernel.gaussian._calibration import Calibration as Calibration
from lazyscope.kernel.gaussian._calibration import calibration as calibration
from lazyscope.kernel.gaussian._dynamics import AbstractDynamics as AbstractDynamics
from lazyscope.kernel.gaussian._dynamics import GradientFlow as GradientFlow
from lazyscope.kernel.gaussian._dynamics import HeavyBallFlow as HeavyBallFlow
from lazyscope.kernel.gaussian._dynamics import HeavyBallSteps as HeavyBallSteps
from lazyscope.kernel.gaussian._ensemble import TrainedEnsemble as TrainedEnsemble
from lazyscope.kernel.gaussian._process import GaussianProcess as GaussianProcess
