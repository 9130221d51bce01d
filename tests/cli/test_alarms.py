"""Are alarms of the compiler said in a line, and is all else on standard error passed on?"""

import subprocess
import sys

import pytest

from lazyscope.cli.process._alarms import Passing

STARS = b"*" * 32 + b"\n"
ASKED = (
    b"[Compiling module jit_run for CPU] Very slow compile? If you want to file a bug, run with envvar "
    b"XLA_FLAGS=--xla_dump_to=/tmp/foo and attach the results.\n"
)
BEGUN = b"E1129 08:29:01.902308    5439 slow_operation_alarm.cc:73] \n" + STARS + ASKED + STARS
TOOK = (
    b"E1129 08:30:50.398845    5389 slow_operation_alarm.cc:140] The operation took 3m48.496681547s\n\n"
    + STARS
    + ASKED
    + STARS
)
OTHERS = b"E1129 08:29:01.902308    5439 client.cc:7] out of memory\nlazyscope: 3 of 9 runs done\n"


def passed(*written):
    passing = Passing()
    return b"".join([passing.of(each) for each in written] + [passing.rest()])


def test_an_alarm_is_one_line_and_what_stands_around_it_stays():
    found = passed(OTHERS + BEGUN + OTHERS + TOOK + OTHERS)
    first, second = found.replace(OTHERS, b"").decode().splitlines()
    assert first.startswith("lazyscope: compiling the program run takes over two minutes")
    assert second == "lazyscope: compiling the program run took 3m48.496681547s"
    assert found.count(OTHERS) == 3


@pytest.mark.parametrize("size", [1, 7, 100])
def test_pieces_of_any_size_are_passed_on_as_the_whole(size):
    whole = OTHERS + BEGUN + TOOK + OTHERS
    pieces = [whole[k : k + size] for k in range(0, len(whole), size)]
    found = passed(*pieces).decode().splitlines()
    assert [line[:9] for line in found if "compiling" in line] == ["lazyscope"] * 2
    assert len(found) == 6


def test_an_alarm_that_is_broken_off_is_passed_on_as_it_is():
    for end in range(1, len(BEGUN)):
        assert passed(BEGUN[:end]) == BEGUN[:end]
    assert passed(BEGUN[:-33] + OTHERS) == BEGUN[:-33] + OTHERS


def test_a_line_without_an_end_is_passed_on_at_once():
    passing = Passing()
    assert passing.of(b"\r 3 of 9") == b"\r 3 of 9"
    assert passing.of(b"\r 4 of 9") == b"\r 4 of 9"


def test_the_last_words_of_a_crash_arrive():
    code = (
        "import os, sys; from lazyscope.cli.process._streams import ready_streams; ready_streams();"
        f"os.write(2, {BEGUN!r}); os.write(2, b'the last words'); print('told', file=sys.stderr); os.abort()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode < 0
    assert "the last words" in ended.stderr
    assert "told" in ended.stderr
    assert "Very slow" not in ended.stderr
