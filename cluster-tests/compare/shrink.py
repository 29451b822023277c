"""Makes a round that shows a difference as small as it can be."""

import re
import time
from dataclasses import replace


def shrink(round_, differs, seconds):
    """Leaves out parts of script and points while `differs(round)` stays true. `seconds` bounds the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        smaller = step(round_, differs, end)
        if smaller is None:
            return round_
        round_ = smaller
    return round_


def step(round_, differs, end):
    """A smaller round that still differs, or None. Lines go first as long as there are many."""
    orders = [halves, scripts, single_lines, parts_of_lines]
    for candidates in orders:
        for candidate in candidates(round_):
            if time.monotonic() > end:
                return None
            if differs(candidate):
                return candidate
    return None


def with_lines(round_, lines):
    """The round with these lines, one in a body where the original needs that, else all in one."""
    return replace(round_, bodies=[[line] for line in lines] if round_.singly() else [lines])


def halves(round_):
    """Rounds without a long run of lines."""
    lines = round_.lines()
    size = len(lines) // 2
    while size > 1:
        for i in range(0, len(lines), size):
            yield with_lines(round_, lines[:i] + lines[i + size:])
        size //= 2


def scripts(round_):
    """Rounds with a shorter script."""
    for script in round_.script.shorter():
        yield replace(round_, script=script)


def single_lines(round_):
    """Rounds without one line."""
    lines = round_.lines()
    for i in reversed(range(len(lines))):
        yield with_lines(round_, lines[:i] + lines[i + 1:])


def parts_of_lines(round_):
    """Rounds in which all lines lack a tag or field, then those in which one line does."""
    lines = round_.lines()
    for key in sorted(set(re.findall(r"[ ,](\w+)=", "\n".join(lines)))):
        shorter = [without(line, key) for line in lines]
        if shorter != lines:
            yield with_lines(round_, shorter)
    for i, line in enumerate(lines):
        for key in re.findall(r"[ ,](\w+)=", line):
            if (shorter := without(line, key)) != line:
                yield with_lines(round_, lines[:i] + [shorter] + lines[i + 1:])


def without(line, key):
    """A line without a tag or field; the same line when it is the only field."""
    value = r'(?:"(?:[^"\\]|\\.)*"|(?:\\.|[^ ,\\])*)'
    shorter = re.sub(rf",{key}={value}", "", line)
    if shorter == line:
        shorter = re.sub(rf" {key}={value},", " ", line)
    return shorter
