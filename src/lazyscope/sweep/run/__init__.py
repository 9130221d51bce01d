"""How are the runs of a sweep made, here or on a cluster?"""

from lazyscope.sweep.run._data import run_data as run_data
