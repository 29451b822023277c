"""Compares what two servers showed."""

import json
import re
from dataclasses import dataclass

from observe import Float

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass
class Difference:
    """One thing that the two show differently. `kind` is one of crash define write format task httpOut order
    log topic event stats edges."""

    kind: str
    place: str
    ours: object
    other: object

    def sort(self):
        """What two differences have in common when they are probably one mistake: of figures the kind of node
        and the key too, otherwise a round that is made smaller would end at another difference."""
        if self.kind not in ("stats", "edges"):
            return self.kind
        return self.kind + " " + re.sub(r"\d+", "", self.place)

    def __str__(self):
        return f"{self.kind} {self.place}\n  ours:  {brief(self.ours)}\n  other: {brief(self.other)}"


def brief(value):
    """A value on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def differences(ours, other):
    """All differences between two observations."""
    found = []
    add = lambda kind, place, a, b: found.append(Difference(kind, place, a, b))
    if ours.gone:
        return [Difference("crash", "", ours.gone, "")]
    if ours.define[0] != other.define[0] or not same(error_text(ours.define[1]), error_text(other.define[1])):
        add("define", "", list(ours.define), list(other.define))
    if ours.define[0] != 200 or other.define[0] != 200:
        return found
    if ours.writes != other.writes:
        add("write", "", ours.writes, other.writes)
    if ours.script != other.script:
        add("format", "", ours.script, other.script)
    if (ours.error, ours.executing) != (other.error, other.executing):
        add("task", "", [ours.executing, ours.error], [other.executing, other.error])
    for name in sorted(set(ours.outs) | set(other.outs)):
        found += out_differences(name, ours.outs.get(name), other.outs.get(name))
    for name in sorted(set(ours.logs) | set(other.logs)):
        found += log_differences(name, ours.logs.get(name, []), other.logs.get(name, []))
    found += topic_differences(ours.topics, other.topics)
    for name in sorted(set(ours.nodes) | set(other.nodes)):
        a, b = ours.nodes.get(name, {}), other.nodes.get(name, {})
        for key in sorted(set(a) | set(b)):
            if a.get(key) != b.get(key):
                add("stats", f"{name} {key}", a.get(key), b.get(key))
    if ours.edges != other.edges:
        for edge in sorted(set(ours.edges) | set(other.edges)):
            if ours.edges.get(edge) != other.edges.get(edge):
                add("edges", " -> ".join(edge), ours.edges.get(edge), other.edges.get(edge))
    return found


def error_text(text):
    """An error with the lists in it that the original writes in random order put in order."""
    text = re.sub(r"[Nn]ames in scope: ([\w,]+)", lambda m: ",".join(sorted(m[1].split(","))), text)
    return re.sub(r"(signatures are \[)(.*)(\])", lambda m: m[1] + ",".join(sorted(m[2].split("),("))) + m[3], text)


def out_differences(name, a, b):
    """Differences between two answers of an httpOut."""
    if same(a, b):
        return []
    rows = lambda x: (x[1].get("series") or []) if x and isinstance(x[1], dict) else None
    if rows(a) is not None and rows(b) is not None and a[0] == b[0]:
        key = lambda r: json.dumps([r and r.get("name"), r and r.get("tags")], sort_keys=True)
        if same(sorted(rows(a), key=key), sorted(rows(b), key=key)):
            return [Difference("order", name, rows(a), rows(b))]
        # Only the rows that differ: the others would hide them.
        if len(rows(a)) == len(rows(b)):
            pairs = [(x, y) for x, y in zip(sorted(rows(a), key=key), sorted(rows(b), key=key)) if not same(x, y)]
            return [Difference("httpOut", name, [x for x, _ in pairs], [y for _, y in pairs])]
    return [Difference("httpOut", name, a, b)]


def by_group(lines):
    """Events by id and tags, in their order."""
    groups = {}
    for event in lines:
        if not isinstance(event, dict):
            groups.setdefault("not JSON", []).append(event)
            continue
        series = (event.get("data") or {}).get("series") or [{}]
        groups.setdefault(json.dumps([event.get("id"), series[0].get("tags")], sort_keys=True, ensure_ascii=False), []).append(event)
    return groups


def log_differences(name, a, b):
    """Differences between two alert logs, per id and tags: the first event that is not the same."""
    found, a, b = [], by_group(a), by_group(b)
    for key in sorted(set(a) | set(b)):
        x, y = a.get(key, []), b.get(key, [])
        if same(x, y):
            continue
        at = next((i for i, (p, q) in enumerate(zip(x, y)) if not same(p, q)), min(len(x), len(y)))
        p, q = (l[at] if at < len(l) else None for l in (x, y))
        if isinstance(p, dict) and isinstance(q, dict):
            keys = [k for k in sorted(set(p) | set(q)) if not same(p.get(k), q.get(k))]
            p, q = ({k: e.get(k) for k in keys} for e in (p, q))
        found.append(Difference("log", f"{name} {key} event {at + 1} of {len(x)} and {len(y)}", p, q))
    return found


def topic_differences(a, b):
    """Differences between topics and their events."""
    found = []
    for name in sorted(set(a) | set(b)):
        x, y = a.get(name), b.get(name)
        if x is None or y is None:
            found.append(Difference("topic", name, x, y))
            continue
        for key in ("level", "collected"):
            if x[key] != y[key]:
                found.append(Difference("topic", f"{name} {key}", x[key], y[key]))
        for event in sorted(set(x["events"]) | set(y["events"])):
            p, q = x["events"].get(event), y["events"].get(event)
            if not same(p, q):
                found.append(Difference("event", f"{name} {event}", p, q))
    return found


def same(a, b):
    """Equality of JSON, but for the last bits of floats, also within texts."""
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, str) and isinstance(b, str):
        return a == b or same_text(a, b)
    if isinstance(a, Float) or isinstance(b, Float):
        if isinstance(a, (bool, str)) or isinstance(b, (bool, str)) or a is None or b is None:
            return False
        whole = [x.text.endswith(".0") for x in (a, b) if isinstance(x, Float)]
        return not any(whole) and close(float(a), float(b))
    return type(a) is type(b) and a == b


def close(a, b):
    """Whether two numbers are equal to nine digits."""
    return a == b or abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))


def same_text(a, b):
    """Whether two texts differ in nothing but last digits of numbers with a fraction."""
    if NUMBER.sub("#", a) != NUMBER.sub("#", b):
        return False
    pairs = zip(NUMBER.findall(a), NUMBER.findall(b))
    return all(x == y or (("." in x or "." in y) and close(float(x), float(y))) for x, y in pairs)
