"""What did training do to any network, watched from inside somebody else's training loop?"""

from lazyscope._deprecated import moved
from lazyscope._provenance import provenance
from lazyscope._trace import ArrayRole, ArrayRoles
from lazyscope.observe._abstract import AbstractObserver
from lazyscope.observe._build import Build as Build
from lazyscope.observe._build import Described as Described
from lazyscope.observe._build import DescribedModule as DescribedModule
from lazyscope.observe._build import call_build as call_build
from lazyscope.observe._build import check_shapes as check_shapes
from lazyscope.observe._build import check_width_matters as check_width_matters
from lazyscope.observe._build import uneven_sizes as uneven_sizes
from lazyscope.observe._cadence import DEFAULT_CADENCE as DEFAULT_CADENCE
from lazyscope.observe._cadence import Cadence
from lazyscope.observe._cadence import check_cadence as check_cadence
from lazyscope.observe._function import Function, as_function
from lazyscope.observe._groups import group_parameters
from lazyscope.observe._groups import in_words as in_words
from lazyscope.observe._join import JOINED_FORMAT as JOINED_FORMAT
from lazyscope.observe._join import JoinedObservations, join_observations
from lazyscope.observe._observer import MANY_OUTPUTS as MANY_OUTPUTS
from lazyscope.observe._observer import Observer
from lazyscope.observe._observer import check_probe_size as check_probe_size
from lazyscope.observe._observer import random_directions as random_directions
from lazyscope.observe._rates import rates_of as rates_of
from lazyscope.observe._record import SERIES as SERIES
from lazyscope.observe._record import (
    Look,
    Measurement,
    Observations,
    Subject,
)
from lazyscope.observe._roles import TWO_WIDTHS as TWO_WIDTHS
from lazyscope.observe._roles import clearest as clearest
from lazyscope.observe._roles import drawn as drawn
from lazyscope.observe._roles import roles_between as roles_between
from lazyscope.observe._roles import roles_of
from lazyscope.observe._save import MISSHAPEN as MISSHAPEN
from lazyscope.observe._save import (
    from_json,
    open_observations,
    save_observations,
    to_dataset,
    to_json,
)
from lazyscope.observe._subject import subject_of as subject_of
from lazyscope.observe.callbacks import OptaxWatch
from lazyscope.observe.callbacks import Watch as Watch
from lazyscope.observe.readings import displacement_fields, relative_changes
from lazyscope.observe.readings import effective_rank as effective_rank
from lazyscope.observe.readings import ends_of as ends_of
from lazyscope.observe.readings import low_rank_distance as low_rank_distance
from lazyscope.observe.readings import sharpness_of as sharpness_of

__all__ = [
    "AbstractObserver",
    "ArrayRole",
    "ArrayRoles",
    "Cadence",
    "Function",
    "JoinedObservations",
    "Look",
    "Measurement",
    "Observations",
    "Observer",
    "OptaxWatch",
    "Subject",
    "as_function",
    "displacement_fields",
    "from_json",
    "group_parameters",
    "join_observations",
    "open_observations",
    "provenance",
    "relative_changes",
    "roles_of",
    "save_observations",
    "to_dataset",
    "to_json",
]

__getattr__ = moved(__name__, {"group_leaves": "lazyscope.observe.group_parameters"})
