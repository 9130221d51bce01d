"""How does a result show itself, and how does it leave the library?"""

from lazyscope._result._abstract import AbstractResult as AbstractResult
from lazyscope._result._abstract import AbstractShown as AbstractShown
from lazyscope._result._report import AbstractReport as AbstractReport
from lazyscope._result._report import AnswerPart as AnswerPart
from lazyscope._result._report import field_of as field_of
