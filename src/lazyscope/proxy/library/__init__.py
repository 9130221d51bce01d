"""How do networks of one library or another answer what is asked of them?"""

from lazyscope.proxy.library._descent import named_direction as named_direction
