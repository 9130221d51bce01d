"""How do PyTorch modules answer what is asked of a network?"""

from lazyscope.proxy.module._library import ModuleLibrary as ModuleLibrary
