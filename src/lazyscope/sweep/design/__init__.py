"""What is a sweep: axes, cells, cost, units of work?"""

from lazyscope.sweep.design._parametrisation import run_scheme as run_scheme
