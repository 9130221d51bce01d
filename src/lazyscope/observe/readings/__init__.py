"""What is read off a network at a look beside its displacements: features, alignments, sharpness?"""

from lazyscope.observe.readings._compare import Numbers as Numbers
from lazyscope.observe.readings._compare import Reference as Reference
from lazyscope.observe.readings._compare import Seen as Seen
from lazyscope.observe.readings._compare import can_linearise as can_linearise
from lazyscope.observe.readings._compare import compiled as compiled
from lazyscope.observe.readings._compare import norms_and_state as norms_and_state
from lazyscope.observe.readings._curvature import ends_of as ends_of
from lazyscope.observe.readings._curvature import sharpness_of as sharpness_of
from lazyscope.observe.readings._displacements import displacement_fields as displacement_fields
from lazyscope.observe.readings._displacements import relative_changes as relative_changes
from lazyscope.observe.readings._features import effective_rank as effective_rank
from lazyscope.observe.readings._features import low_rank_distance as low_rank_distance
