"""How are files read and written, so that none is ever half there?"""

from lazyscope._file._checkpoint import Checkpoint as Checkpoint
from lazyscope._file._whole import UNFINISHED as UNFINISHED
from lazyscope._file._whole import local_path as local_path
from lazyscope._file._whole import open_regular as open_regular
from lazyscope._file._whole import read_json as read_json
from lazyscope._file._whole import read_whole as read_whole
from lazyscope._file._whole import reason as reason
from lazyscope._file._whole import unreadable as unreadable
from lazyscope._file._whole import unwritable as unwritable
from lazyscope._file._whole import write_bytes_whole as write_bytes_whole
from lazyscope._file._whole import write_text_whole as write_text_whole
