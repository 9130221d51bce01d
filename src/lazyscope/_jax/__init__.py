"""How does the library live with JAX in somebody else's process: settings, arrays, numbers?"""

from lazyscope._jax._executables import leaves_programs as leaves_programs
from lazyscope._jax._executables import left_program as left_program
from lazyscope._jax._kept import kept as kept
from lazyscope._jax._kept import kept_data as kept_data
from lazyscope._jax._kept import kept_params as kept_params
from lazyscope._jax._known import known_array as known_array
from lazyscope._jax._random import GENERATOR as GENERATOR
from lazyscope._jax._random import LARGEST_SEED as LARGEST_SEED
from lazyscope._jax._random import check_seed as check_seed
from lazyscope._jax._random import pinned_random as pinned_random
from lazyscope._jax._random import random_key as random_key
from lazyscope._jax._rounding import coarser as coarser
from lazyscope._jax._rounding import unit_rounding as unit_rounding
from lazyscope._jax._settings import is_double as is_double
from lazyscope._jax._settings import own_settings as own_settings
