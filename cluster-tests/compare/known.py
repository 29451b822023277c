"""Differences that are there for a reason. Each names its line in docs/compatibility.md.

A rule is (name, line in docs/compatibility.md, predicate over Case). A rule that excuses more than it says
hides mistakes: prefer what the difference looks like to which nodes the script has."""

import json
import re
from dataclasses import dataclass

from differ import Difference, error_text, same


@dataclass
class Case:
    """A difference and where it comes from."""

    round: object
    difference: Difference
    ours: object
    other: object

    def has(self, *names):
        """Whether the script has one of these nodes."""
        return any(n.name in names for n in self.round.script.nodes())

    def text(self):
        """The script."""
        return self.round.script.text()

    def shown(self, side):
        """What one side shows at the difference, as text."""
        value = getattr(self.difference, side)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def not_finite(case):
    """The original cannot show NaN and Inf: 500 from httpOut, a lost event."""
    return any("unsupported value" in str(v) for v in case.other.outs.values())


def rows_in_other_order(case):
    """Rows of top and bottom: 1.5.7 sorts them by time."""
    d = case.difference
    if d.kind not in ("httpOut", "log") or not case.has("top", "bottom"):
        return False
    order = lambda x: json.loads(json.dumps(x), object_hook=lambda o: {k: sorted(v, key=str) if k == "values" and v else v for k, v in o.items()})
    return same(order(d.ours), order(d.other))


def suggestion(case):
    """Our errors say more: what the original says, then "; " and advice."""
    if case.difference.kind != "define":
        return False
    (a, x), (b, y) = case.difference.ours, case.difference.other
    x, y = error_text(x), error_text(y)
    return a == b and x.startswith(y.rstrip()) and x[len(y.rstrip()):].lstrip().startswith("; ")


def shared_id(case):
    """Alerts whose events may share an id over groups: which group saw the id first decides a lot."""
    return case.difference.kind in ("log", "stats", "topic", "event", "edges", "httpOut") and shares(case.text())


def shares(text):
    """Whether an alert's id does not hold its group though there are groups."""
    ids = re.findall(r"\.id\('([^\n]*)'\)", text)
    return "groupBy" in text and any("{{ .Group }}" not in i for i in ids)


def duration(args):
    """Seconds of a property such as ['10s'], 0 when it is something else."""
    match = re.fullmatch(r"(\d+)s", args[0]) if args else None
    return int(match[1]) if match else 0


def empty_window(case):
    """A window that is shorter than the time to the next: its buffer runs empty, where the original errs."""
    for node in case.round.script.nodes():
        props = dict(node.props)
        if node.name == "window" and {"period", "every"} <= props.keys():
            period, every = (duration(props[p]) for p in ("period", "every"))
            if period < every:
                return True
    return False


def late_in_window(case):
    """Late points before a window of time. Most such rounds agree; where the ring buffer wraps they cannot."""
    windows = [n for n in case.round.script.nodes() if n.name == "window" and any(p == "period" for p, _ in n.props)]
    times = [int(line.rpartition(" ")[2]) for line in case.round.lines()]
    return bool(windows) and times != sorted(times) and case.difference.kind not in ("define", "format", "crash", "write")


def leaked_prefix(case):
    """flatten: what was collected of a point that lacks the second tag stands before the next point's names."""
    flattens = [n for n in case.round.script.nodes() if n.name == "flatten"]
    if not any(len(args) > 1 for n in flattens for name, args in n.props if name == "on"):
        return False
    columns = lambda text: re.findall(r'"columns": (\[[^\]]*\])', text)
    pairs = list(zip(columns(case.shown("ours")), columns(case.shown("other"))))
    return any(a != b and all(any(y.endswith(x) for y in json.loads(b)) for x in json.loads(a)) for a, b in pairs)


def dropped_names(case):
    """flatten without field names: of several fields of a point one wins, in the original by chance."""
    return any(name == "dropOriginalFieldName" for n in case.round.script.nodes() for name, _ in n.props)


def mixed_sources(case):
    """A from with and one without a measurement in one task."""
    measured = [any(p == "measurement" for p, _ in n.props) for n in case.round.script.nodes() if n.name == "from"]
    return any(measured) and not all(measured)


RULES = [
    ("mixed-sources", "`from` with a measurement and `from` without one in a task: points come twice", mixed_sources),
    ("empty-window", "after an empty window a point that had left may come again", empty_window),
    ("late-in-window", "a late point at the wrap of a window's ring buffer upsets its order", late_in_window),
    ("flatten-prefix", "quirk 11: flatten prefix leak after a missing second tag", leaked_prefix),
    ("flatten-drop-name", "quirk 24: dropOriginalFieldName with several fields", dropped_names),
    ("not-finite", "NaN or Inf: httpOut answers 500, an alert's event is lost", not_finite),
    ("top-order", "(top: the 1.8 sources count where the two differ)", rows_in_other_order),
    ("global-function", "`var x = abs(-1.0)`, and any other unknown global function",
     lambda c: c.difference.kind == "define" and "no global function" in c.shown("ours")),
    ("suggestion", "error texts: the same, with \"did you mean\" added where it helps", suggestion),
    ("shared-id", "an id that several groups share", shared_id),
    ("topic-level", "the topic's level can be too low",
     lambda c: c.difference.kind == "topic" and c.difference.place.endswith(" level")
     and len(next(t for n, t in c.other.topics.items() if c.difference.place == n + " level")["events"]) > 1),
    ("group-order", "group order of httpOut; Kapacitor's is random after a groupBy of batches",
     lambda c: c.difference.kind == "order" and c.has("groupBy")),
    ("stddev-of-one", "(stddev of one point: the 1.8 sources count where the two differ)",
     lambda c: c.has("stddev") and c.has("alert", "where", "eval") and c.difference.kind in ("stats", "edges", "topic", "event", "log", "httpOut")
     or c.has("stddev") and re.search(r"\b0\b", c.shown("other")) and re.search(r"null|NaN", c.shown("ours"))),
    ("percentile-time", "(time of a percentile of integers: the 1.8 sources count where the two differ)",
     lambda c: c.has("percentile") and "usePointTimes" in c.text()),
    ("template-failure", "a template that fails on an event stops the task",
     lambda c: "template:" in c.other.error),
]


def excuse(case):
    """The rule that explains a difference, or None."""
    return next((r for r in RULES if r[2](case)), None)
