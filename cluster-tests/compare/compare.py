#!/usr/bin/env python3
"""Compares two Kapacitor-compatible servers on random scripts and points. See README.md."""

import argparse
import os
import random
import runpy
import sys
import tempfile
import time

import known
import points
from differ import differences
from generate import PROBES, Generator
from observe import Round, observe_other, observe_ours
from server import Gone, Server
from shrink import shrink


class Comparer:
    """The two servers, and what was found."""

    def __init__(self, options, folder):
        self.ours, self.other = Server("ours", options.ours), Server("other", options.other)
        self.options, self.folder = options, folder
        self.tasks, self.excused, self.skipped = 0, {}, []
        self.weight = dict.fromkeys(("refused scripts", "points", "httpOuts", "of them with data", "events", "errors of points"), 0)
        self.prefix = f"cmp{os.getpid()}"
        for server in (self.ours, self.other):
            server.clear("cmp")
        self.lacks = self.missing_nodes()

    def missing_nodes(self):
        """Nodes that one of the servers does not know, by asking."""
        lacks = set()
        for name, tail in PROBES.items():
            for server in (self.ours, self.other):
                status, error = server.define(f"{self.prefix}_probe", "stream|from()" + tail + "|httpOut('o')")
                if status != 200 and "no method or property" in error:
                    lacks.add(name)
                server.remove(f"{self.prefix}_probe", [])
        return lacks

    def round(self, seed):
        """The round of a seed."""
        rng = random.Random(seed)
        script = Generator(rng, self.lacks, self.options.only).script()
        lines, precision = points.stream(rng, rng.choice([10, 30, 60, 120]))
        made = Round(seed, script, [], precision)
        # The original works one line after the other where inputs meet, which takes its time.
        made.bodies = points.bodies(rng, lines[:50] if made.singly() else lines, made.singly())
        return made

    def judge(self, round_, limit):
        """Runs a round on both. Returns (differences without excuse, ours, other); None when `other` is gone."""
        self.tasks += 1
        task = f"{self.prefix}_{self.tasks:06}"
        other = observe_other(self.other, round_, task, self.folder)
        if other.gone:
            return None
        def patience(seen):
            if not differences(seen, other):
                return 0
            return limit if self.unexcused(round_, seen, other, note=False) else min(limit, 0.2)

        ours = observe_ours(self.ours, round_, task, self.folder, patience)
        return self.unexcused(round_, ours, other), ours, other

    def unexcused(self, round_, ours, other, note=True):
        """Differences that no rule explains."""
        left = []
        for difference in differences(ours, other):
            rule = known.excuse(known.Case(round_, difference, ours, other))
            if rule is None:
                left.append(difference)
            elif note:
                self.excused.setdefault(rule[0], set()).add(round_.seed)
        return left

    def weigh(self, round_, other):
        """Counts what was compared: rounds in which nothing happens prove nothing."""
        w = self.weight
        if other.define[0] != 200:
            w["refused scripts"] += 1
            return
        w["points"] += len(round_.lines())
        w["httpOuts"] += len(other.outs)
        w["of them with data"] += sum(isinstance(v, dict) and bool(v.get("series")) for _, v in other.outs.values())
        w["events"] += sum(len(lines) for lines in other.logs.values())
        w["errors of points"] += sum(n.get("errors", 0) for n in other.nodes.values())

    def steady(self, round_):
        """Whether the original answers alike twice; otherwise there is nothing to compare with."""
        seen = []
        for _ in range(2):
            self.tasks += 1
            seen.append(observe_other(self.other, round_, f"{self.prefix}_{self.tasks:06}", self.folder))
        return not any(s.gone for s in seen) and not self.unexcused(round_, *seen, note=False)

    def check(self, seed):
        """One seed. Returns a report of a difference or None."""
        round_ = self.round(seed)
        judged = self.judge(round_, 1.0)
        if judged is None:
            return self.crashed(round_)
        self.weigh(round_, judged[2])
        if not judged[0]:
            return None
        if not self.steady(round_) or not (again := self.judge(round_, 2.0)) or not again[0]:
            self.skipped.append(seed)
            return None
        kinds = {d.sort() for d in again[0]}
        if kinds == {"crash"}:
            return report(round_, again[0])
        differs = lambda r: bool((j := self.judge(r, 0.25)) and any(d.sort() in kinds for d in j[0]))
        small = shrink(round_, differs, self.options.shrink)
        final = self.judge(small, 2.0)
        if final is None or not final[0]:
            small, final = round_, again
        return report(small, final[0])

    def crashed(self, round_):
        """The original died. Says so and waits for somebody to start it again."""
        print(f"seed {round_.seed}: OTHER DIED\n{round_.script.text()}\n" + "\n".join(round_.lines()[:20]), flush=True)
        self.skipped.append(round_.seed)
        end = time.monotonic() + 60
        while True:
            try:
                self.other.clear("cmp")
                return None
            except Gone:
                if time.monotonic() > end:
                    sys.exit("the other server does not come back: start it again, then go on with "
                             f"--seed {round_.seed + 1}")
                time.sleep(0.2)


def report(round_, found):
    """A difference for people to read."""
    parts = [f"seed {round_.seed}: {', '.join(sorted({d.kind for d in found}))}", "```", round_.script.text().rstrip(), "```",
             f"written (precision {round_.precision}):", "```"]
    parts += ["\n".join(body) for body in round_.bodies] + ["```"]
    return "\n".join(parts + [str(d) for d in found[:12]])


def arguments():
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--ours", required=True, metavar="URL")
    p.add_argument("--other", required=True, metavar="URL")
    p.add_argument("--seed", type=int, default=1, help="of the first round; the next is one more")
    p.add_argument("--rounds", type=int, default=100)
    p.add_argument("--only", default="", help="nodes to favour, with commas between")
    p.add_argument("--keep", metavar="DIR", help="write each difference to DIR/SEED.md")
    p.add_argument("--go-on", action="store_true", help="do not stop at the first difference")
    p.add_argument("--shrink", type=float, default=60, metavar="SECONDS", help="time to make a difference small")
    p.add_argument("--also-known", metavar="FILE", help="Python file with more RULES, e.g. what is being repaired")
    p.add_argument("--strict", default="", metavar="NAME,NAME", help="rules of known.py to leave out")
    options = p.parse_args()
    options.only = [n for n in options.only.split(",") if n]
    return options


def main():
    """Runs the rounds; exit code 1 when there was a difference."""
    options, count = arguments(), 0
    if options.also_known:
        known.RULES += runpy.run_path(options.also_known)["RULES"]
    known.RULES = [r for r in known.RULES if r[0] not in options.strict.split(",")]
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        comparer = Comparer(options, folder)
        if comparer.lacks:
            print("left out, one of the two does not know it: " + ", ".join(sorted(comparer.lacks)), flush=True)
        for seed in range(options.seed, options.seed + options.rounds):
            text = comparer.check(seed)
            if text is None:
                continue
            count += 1
            print(text + "\n", flush=True)
            if options.keep:
                with open(os.path.join(options.keep, f"{seed}.md"), "w", encoding="utf-8") as f:
                    f.write(text + "\n")
            if not options.go_on or text.partition("\n")[0].endswith(": crash"):
                break
    done = seed - options.seed + 1
    print(f"{done} rounds, {count} with a difference")
    print("  compared: " + ", ".join(f"{n} {what}" for what, n in comparer.weight.items()))
    for name, seeds in sorted(comparer.excused.items()):
        some = ", ".join(str(s) for s in sorted(seeds)[:8]) + (", …" if len(seeds) > 8 else "")
        print(f"  known: {name} in {len(seeds)}: {some}")
    if comparer.skipped:
        print(f"  not comparable (the original died or answers differently each time): {comparer.skipped}")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
