"""How is a module asked without leaving a trace in it?"""

from lazyscope.torch.state._process_state import process_state_held as process_state_held
from lazyscope.torch.state._restore import state_restored as state_restored
