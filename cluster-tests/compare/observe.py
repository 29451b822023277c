"""Runs a script with its points on one server and notes everything that can be seen of it."""

import json
import os
import re
import time
from dataclasses import dataclass, field

from server import Gone, figures

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class Round:
    """A script and the bodies that are written to it."""

    seed: int
    script: object
    bodies: list
    precision: str

    def singly(self):
        """Whether the original must be idle before the next body: its inputs race where they meet."""
        return any(n.name in ("join", "union") for n in self.script.nodes())

    def lines(self):
        """All lines in order."""
        return [line for body in self.bodies for line in body]


@dataclass
class Seen:
    """What a server showed."""

    define: tuple = (0, "")
    writes: list = field(default_factory=list)
    script: str = ""
    error: str = ""
    executing: bool = False
    outs: dict = field(default_factory=dict)
    logs: dict = field(default_factory=dict)
    topics: dict = field(default_factory=dict)
    nodes: dict = field(default_factory=dict)
    edges: dict = field(default_factory=dict)
    gone: str = ""


class Float(float):
    """A number that was written with a fraction or an exponent; `text` is how."""

    def __new__(cls, text):
        made = super().__new__(cls, text)
        made.text = text
        return made


class Run:
    """One round on one server. `side` is one letter, so that positions in errors do not depend on it."""

    def __init__(self, server, side, round_, task, folder):
        self.server, self.side, self.round, self.task = server, side, round_, task
        self.text = round_.script.text()
        self.paths = {n: os.path.join(folder, f"{side}-{task}-{n}.log") for n in sorted(set(re.findall(r"\$LOG(\d+)", self.text)))}
        self.named = sorted({f"{task}_{t}" for t in re.findall(r"\$ID_(\w+)", self.text)})
        self.endpoints = list(dict.fromkeys(re.findall(r"httpOut\('([^']*)'\)", self.text)))
        self.seen = Seen()

    def plain(self, text):
        """A text without the ids and paths of this run."""
        for n, path in self.paths.items():
            text = text.replace(path, f"$LOG{n}")
        return UUID.sub("UUID", text.replace(self.task, "$ID"))

    def begin(self):
        """Defines the task. Returns whether it runs."""
        script = self.text.replace("$ID", self.task)
        for n, path in self.paths.items():
            script = script.replace(f"'$LOG{n}'", f"'{path}'")
        status, error = self.server.define(self.task, script)
        self.seen.define = (status, self.plain(error))
        return status == 200

    def feed(self, settle):
        """Writes all bodies; with `settle` each is worked off before the next."""
        for body in self.round.bodies:
            status, text = self.server.write(body, self.round.precision)
            self.seen.writes.append((status, text if status != 204 else ""))
            if settle:
                self.server.drain(self.task, 2.0, quiet=2)

    def look(self):
        """Notes what is shown now."""
        seen, shown = self.seen, self.server.task(self.task)
        if shown:
            seen.nodes, seen.edges = figures(shown)
            seen.script, seen.error, seen.executing = self.plain(shown["script"]), self.plain(shown["error"]), shown["executing"]
        for endpoint in self.endpoints:
            status, text = self.server.out(self.task, endpoint)
            seen.outs[endpoint] = (status, parsed(self.plain(text)))
        for n, path in self.paths.items():
            seen.logs[n] = [parsed(self.plain(line)) for line in read_lines(path)]
        if "alert(" in self.text:
            found = self.server.topics([f"main:{self.task}:"] + [self.task + "_"] * bool(self.named))
            seen.topics = {self.plain(k): parsed(self.plain(json.dumps(v))) for k, v in found.items()}
        return seen

    def wait_for_logs(self, limit):
        """Waits until the log handlers have written as many lines as events were handled, or nothing more comes."""
        expected = sum(n.get("alerts_triggered", 0) for n in self.seen.nodes.values()) if self.paths else 0
        end, quiet, last = time.monotonic() + limit, time.monotonic() + 0.15, -1
        while time.monotonic() < end:
            count = sum(len(read_lines(p)) for p in self.paths.values())
            if count >= expected:
                return
            if count != last:
                last, quiet = count, time.monotonic() + 0.15
            if time.monotonic() > quiet:
                return
            time.sleep(0.005)

    def end(self):
        """Removes all that this run made."""
        try:
            self.server.remove(self.task, self.named + [f"main:{self.task}:{n}" for n in self.seen.nodes if n.startswith("alert")])
        except Gone as e:
            self.seen.gone = str(e)
        for path in self.paths.values():
            if os.path.exists(path):
                os.remove(path)


def read_lines(path):
    """The whole lines of a file; none while there is no file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return [line for line in f.read().split("\n")[:-1] if line]
    except FileNotFoundError:
        return []


def parsed(text):
    """JSON, or the text when it is none."""
    try:
        return json.loads(text, parse_float=Float)
    except ValueError:
        return text


def observe_other(server, round_, task, folder):
    """A round on the original: every race that can be avoided is avoided."""
    run = Run(server, "b", round_, task, folder)
    try:
        if run.begin():
            run.feed(round_.singly())
            server.drain(task, 3.0)
            run.look()
            run.wait_for_logs(1.0)
            run.look()
    except Gone as e:
        run.seen.gone = str(e)
    run.end()
    return run.seen


def observe_ours(server, round_, task, folder, patience):
    """A round on our server: looks until nothing has changed for `patience(seen)` seconds; 0 ends it at once.

    How long that is depends on what is seen: what equals the original is final."""
    run = Run(server, "a", round_, task, folder)
    try:
        if run.begin():
            run.feed(False)
            last = None
            while True:
                seen = run.look()
                now = str([seen.outs, seen.logs, seen.nodes, seen.topics])
                if now != last:
                    last, since, wait = now, time.monotonic(), patience(seen)
                if time.monotonic() - since >= wait:
                    break
                time.sleep(0.01)
    except Gone as e:
        run.seen.gone = str(e)
    run.end()
    return run.seen
