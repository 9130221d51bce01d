"""Which claims can be checked, in the order of the table?"""

from lazyscope.claims._finding import Claim
from lazyscope.claims.controls._catalogue import CONTROLS
from lazyscope.claims.law._equivalence import EQUIVALENCE
from lazyscope.claims.law._extended import EXTENDED_LAW
from lazyscope.claims.law._kernel_change import KERNEL_CHANGE
from lazyscope.claims.law._law import LAW
from lazyscope.claims.law._off_law import OFF_LAW
from lazyscope.claims.law._planes import PLANES
from lazyscope.claims.law.kinks._kink_drift import KINK_DRIFT
from lazyscope.claims.law.optimisers._ends import ENDS
from lazyscope.claims.law.optimisers._optimiser_law import OPTIMISER_LAW
from lazyscope.claims.law.optimisers._rates import RATES
from lazyscope.claims.papers._catapult import CATAPULT
from lazyscope.claims.papers._chizat import CHIZAT
from lazyscope.claims.papers._condensation import CONDENSATION
from lazyscope.claims.papers._coordinates import COORDINATES
from lazyscope.claims.papers._kappa_alone import KAPPA_ALONE
from lazyscope.claims.papers._lee import LEE
from lazyscope.claims.papers._output_scale import OUTPUT_SCALE
from lazyscope.claims.papers._theorem import THEOREM
from lazyscope.claims.papers._three_layer import THREE_LAYER
from lazyscope.claims.papers._two_layer import TWO_LAYER
from lazyscope.claims.papers.bound._bound import BOUND
from lazyscope.claims.papers.directions._directions import DIRECTIONS

CLAIMS: tuple[Claim, ...] = (
    # published results, the oldest subject first: theorem, phase diagrams, small and large outputs
    THEOREM,
    BOUND,
    KAPPA_ALONE,
    TWO_LAYER,
    THREE_LAYER,
    CONDENSATION,
    DIRECTIONS,
    LEE,
    CHIZAT,
    CATAPULT,
    OUTPUT_SCALE,
    COORDINATES,
    # the displacement law, what it rests on, where it is off, and negative controls
    LAW,
    EXTENDED_LAW,
    OPTIMISER_LAW,
    RATES,
    ENDS,
    PLANES,
    EQUIVALENCE,
    KERNEL_CHANGE,
    KINK_DRIFT,
    OFF_LAW,
    CONTROLS,
)
"""Every claim of the table; each file of this room adds the one it answers."""
