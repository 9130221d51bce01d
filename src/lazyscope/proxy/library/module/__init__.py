"""How do PyTorch modules answer what is asked of a network?"""

from lazyscope.proxy.library.module._descent import named_optimisers as named_optimisers
from lazyscope.proxy.library.module._library import ModuleLibrary as ModuleLibrary
