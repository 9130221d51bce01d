"""Which data does an experiment run on?

`load_dataset` draws points from real data by name or path and says what it did; `four_points` and
`sphere_teacher` are small problems of the papers.
"""

from lazyscope.data._bundled import BUNDLED as BUNDLED
from lazyscope.data._dataset import Dataset, load_dataset
from lazyscope.data._dataset import digest_of as digest_of
from lazyscope.data._idx import idx_files as idx_files
from lazyscope.data._inputs import duplicate_groups
from lazyscope.data._pair import from_tensor as from_tensor
from lazyscope.data._pair import points_and_targets as points_and_targets
from lazyscope.data._synthetic import four_points, sphere_teacher
from lazyscope.data._targets import TargetKind

__all__ = [
    "Dataset",
    "TargetKind",
    "duplicate_groups",
    "four_points",
    "load_dataset",
    "sphere_teacher",
]
