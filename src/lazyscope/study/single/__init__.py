"""What does one network do, forecast and trained?"""

from lazyscope.study.single._forecast import forecast_run as forecast_run
from lazyscope.study.single._run import SingleRun as SingleRun
from lazyscope.study.single._training import train_run as train_run
