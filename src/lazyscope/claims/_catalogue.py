"""Which claims can be checked, in the order of the table?"""

from lazyscope.claims._chizat import CHIZAT
from lazyscope.claims._condensation import CONDENSATION
from lazyscope.claims._controls import CONTROLS
from lazyscope.claims._coordinates import COORDINATES
from lazyscope.claims._finding import Claim
from lazyscope.claims._law import LAW
from lazyscope.claims._lee import LEE
from lazyscope.claims._off_law import OFF_LAW
from lazyscope.claims._output_scale import OUTPUT_SCALE
from lazyscope.claims._theorem import THEOREM
from lazyscope.claims._three_layer import THREE_LAYER
from lazyscope.claims._two_layer import TWO_LAYER

CLAIMS: tuple[Claim, ...] = (
    # published results, the oldest subject first: theorem, phase diagrams, small and large outputs
    THEOREM,
    TWO_LAYER,
    THREE_LAYER,
    CONDENSATION,
    LEE,
    CHIZAT,
    OUTPUT_SCALE,
    COORDINATES,
    # the displacement law, where it is off, and negative controls
    LAW,
    OFF_LAW,
    CONTROLS,
)
"""Every claim of the table; each file of this room adds the one it answers."""
