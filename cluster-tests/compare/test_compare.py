#!/usr/bin/env python3
"""Tests of the comparer that need no server: `python3 test_compare.py`."""

import random
import unittest

import known
import points
from differ import Difference, differences, error_text, same
from generate import Generator
from observe import Round, Seen, parsed
from script import Chain, Node, Script, Text, smaller_lambda
from shrink import shrink, without


class Equality(unittest.TestCase):
    """What counts as equal."""

    CASES = [
        ('{"v":1}', '{"v":1}', True), ('{"v":1}', '{"v":1.0}', False), ('{"v":2}', '{"v":2.0000000000000004}', True),
        ('{"v":0.1}', '{"v":0.2}', False), ('{"v":null}', '{"v":0}', False), ('{"v":true}', '{"v":1}', False),
        ('{"v":1}', '{"w":1}', False), ('[1,2]', '[2,1]', False), ('"a 0.30000000000000004"', '"a 0.3"', True),
        ('"a 12"', '"a 13"', False), ('"1"', '1', False), ('{}', '[]', False),
    ]

    def test_cases(self):
        for a, b, equal in self.CASES:
            self.assertEqual(same(parsed(a), parsed(b)), equal, (a, b))

    def test_random_order_in_errors(self):
        a, b = ("name \"x\" is undefined. Names in scope: " + n for n in ("time,stream,a", "a,stream,time"))
        self.assertEqual(error_text(a), error_text(b))

    def test_each_kind_is_seen(self):
        event = {"id": "i", "message": "m", "data": {"series": [{"tags": {"h": "a"}}]}}
        row = {"name": "m", "values": [["t", 1]]}
        base = dict(define=(200, ""), executing=True, script="s", outs={"o": (200, {"series": [row]})}, logs={"1": [event]},
                    topics={"t": {"level": "OK", "collected": 1, "events": {"e": {"level": "OK"}}}},
                    nodes={"from1": {"errors": 0}}, edges={("stream0", "from1"): 1}, writes=[(204, "")])
        changes = {
            "crash": {"gone": "no answer"}, "define": {"define": (400, "x")}, "write": {"writes": [(400, "x")]},
            "format": {"script": "t"}, "task": {"error": "x"}, "httpOut": {"outs": {"o": (200, {"series": None})}},
            "log": {"logs": {"1": []}}, "topic": {"topics": {}}, "stats": {"nodes": {"from1": {"errors": 1}}},
            "edges": {"edges": {}},
        }
        self.assertEqual(differences(Seen(**base), Seen(**base)), [])
        for kind, change in changes.items():
            found = differences(Seen(**{**base, **change}), Seen(**base))
            self.assertEqual([d.kind for d in found], [kind])

    def test_events_of_groups_may_mix_but_not_turn(self):
        a, b, c = ({"id": i, "n": n, "data": {"series": [{"tags": None}]}} for i, n in (("x", 1), ("y", 1), ("x", 2)))
        seen = lambda events: Seen(define=(200, ""), logs={"1": events})
        self.assertEqual(differences(seen([a, b, c]), seen([b, a, c])), [])
        self.assertEqual([d.kind for d in differences(seen([c, b, a]), seen([a, b, c]))], ["log"])


class Shrinking(unittest.TestCase):
    """Smaller rounds."""

    def test_only_what_matters_is_left(self):
        script = Script([Chain("", "stream", [Node("from"), Node("where", ["lambda: TRUE"]),
                                              Node("window").prop("period", "5s").prop("every", "5s"), Node("log")])])
        round_ = Round(1, script, [[f"m,h=a v={i},w=1 {i}" for i in range(40)]], "s")
        differs = lambda r: "every" in r.script.text() and any(l.startswith("m") and "v=17" in l for l in r.lines())
        small = shrink(round_, differs, 10)
        self.assertEqual(small.script.text(), "stream\n    |window()\n        .every(5s)\n")
        self.assertEqual(small.lines(), ["m v=17 17"])

    def test_parts_of_a_line(self):
        line = 'm,h=a\\ b,k=1 v=1,s="x, \\"y\\"",i=2i 5'
        self.assertEqual(without(line, "h"), 'm,k=1 v=1,s="x, \\"y\\"",i=2i 5')
        self.assertEqual(without(line, "v"), 'm,h=a\\ b,k=1 s="x, \\"y\\"",i=2i 5')
        self.assertEqual(without(line, "s"), "m,h=a\\ b,k=1 v=1,i=2i 5")
        self.assertEqual(without("m v=1 5", "v"), "m v=1 5")

    def test_lambda_parts(self):
        parts = list(smaller_lambda('lambda: (("a (" > 1) AND "b")'))
        self.assertIn('lambda: ("b")', parts)
        self.assertIn('lambda: "a (" > 1', parts)

    def test_text_gets_shorter(self):
        self.assertTrue(all(len(t.raw) < 9 for t in Text("stream| x").shorter()))


class Drawing(unittest.TestCase):
    """Scripts and points."""

    def test_a_seed_is_a_round(self):
        for seed in range(300):
            drawn = [Generator(random.Random(seed)).script().text() for _ in range(2)]
            self.assertEqual(*drawn)
            self.assertTrue(drawn[0])

    def test_left_out_nodes_do_not_appear(self):
        lacks = ["default", "delete", "union", "trickle", "combine", "flatten", "shift", "sample", "changeDetect"]
        for seed in range(300):
            names = {n.name for n in Generator(random.Random(seed), lacks).script().nodes()}
            self.assertFalse(names & set(lacks))

    def test_lines_and_bodies(self):
        for seed in range(100):
            rng = random.Random(seed)
            lines, precision = points.stream(rng, 30)
            self.assertEqual(len(lines), 30)
            self.assertIn(precision, ("s", "ms"))
            self.assertEqual([l for b in points.bodies(rng, lines, seed % 2 == 0) for l in b], lines)


class Excuses(unittest.TestCase):
    """Rules excuse what they say and nothing else."""

    def case(self, difference, text="stream|from()", **other):
        round_ = Round(1, Text(text), [["m v=1 1"]], "s")
        return known.Case(round_, difference, Seen(), Seen(**other))

    def rule(self, case):
        found = known.excuse(case)
        return found and found[0]

    def test_suggestion(self):
        both = lambda tail: Difference("define", "", [400, 'undefined "x"; did you mean "y"?'], [400, 'undefined "x"' + tail])
        self.assertEqual(self.rule(self.case(both(""))), "suggestion")
        self.assertIsNone(self.rule(self.case(both(" here"))))

    def test_mixed_sources(self):
        stats = Difference("stats", "from1 emitted", 1, 2)
        self.assertEqual(self.rule(self.case(stats, "stream|from().measurement('m')stream|from()")), "mixed-sources")
        self.assertIsNone(self.rule(self.case(stats, "stream|from()stream|from()")))

    def test_shared_id(self):
        stats = Difference("stats", "alert2 warns_triggered", 3, 2)
        grouped = "stream|from().groupBy('h')|alert().id('%s')\n"
        self.assertEqual(self.rule(self.case(stats, grouped % "x")), "shared-id")
        self.assertIsNone(self.rule(self.case(stats, grouped % "x {{ .Group }}")))
        self.assertIsNone(self.rule(self.case(stats, "stream|from()|alert().id('x')")))

    def test_plain_difference_has_no_excuse(self):
        self.assertIsNone(self.rule(self.case(Difference("httpOut", "o", [], [{"name": "m"}]))))


if __name__ == "__main__":
    unittest.main()
