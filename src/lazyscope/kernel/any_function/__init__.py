"""How is the tangent kernel of any JAX function computed without its Jacobian?"""

from lazyscope.kernel.any_function._blocks import MEMORY as MEMORY
from lazyscope.kernel.any_function._blocks import checked as checked
from lazyscope.kernel.any_function._draws import KernelsOfDraws as KernelsOfDraws
from lazyscope.kernel.any_function._plan import Outputs as Outputs
from lazyscope.kernel.any_function._probe import TOGETHER as TOGETHER
