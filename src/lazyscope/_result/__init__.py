"""How does a result show itself, and how does it leave the library?"""

from lazyscope._result._abstract import AbstractResult as AbstractResult
