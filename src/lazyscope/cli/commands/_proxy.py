"""`lazyscope proxy`: what will a wide network do, as narrow ones say?"""

from lazyscope.cli.study._command import study_command, study_help
from lazyscope.study import find_study

_STUDY = find_study("narrow-proxy")
proxy_command = study_command(_STUDY)
proxy_command.__doc__ = study_help(_STUDY)
