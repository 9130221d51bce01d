"""How does an observer stand in a training loop that somebody else wrote?"""

from lazyscope.observe.callbacks._optax import OptaxWatch as OptaxWatch
from lazyscope.observe.callbacks._watch import Watch as Watch
