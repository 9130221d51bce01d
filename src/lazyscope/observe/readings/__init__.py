"""What is read off a network at a look beside its displacements: features, alignments, sharpness?"""

from lazyscope.observe.readings._curvature import EXACT as EXACT
from lazyscope.observe.readings._curvature import curvature_roots as curvature_roots
from lazyscope.observe.readings._curvature import ends_of as ends_of
from lazyscope.observe.readings._curvature import sharpness_of as sharpness_of
from lazyscope.observe.readings._features import effective_rank as effective_rank
from lazyscope.observe.readings._features import low_rank_distance as low_rank_distance
from lazyscope.observe.readings._layers import LayerReadings as LayerReadings
from lazyscope.observe.readings._layers import layer_readings as layer_readings
from lazyscope.observe.readings._layers import uses_of as uses_of
