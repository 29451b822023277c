"""A client of one Kapacitor-compatible server: tasks, writes, topics, and waiting until a task is idle."""

import http.client
import json
import re
import time
import urllib.parse

API = "/kapacitor/v1"
DB, RP = "db", "rp"


class Gone(Exception):
    """The server does not answer any more."""


class Server:
    """One server, over one connection that is opened again when it breaks."""

    def __init__(self, name, url):
        parts = urllib.parse.urlparse(url)
        self.name, self.url = name, url
        self.host, self.port = parts.hostname, parts.port or 9092
        self.connection = None

    def call(self, method, path, body=None):
        """Sends one request and returns (status, text). Raises Gone when nobody answers twice."""
        data = body.encode() if isinstance(body, str) else body
        for attempt in (1, 2):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
                self.connection.request(method, path, data)
                answer = self.connection.getresponse()
                return answer.status, answer.read().decode("utf-8", "replace")
            except (OSError, http.client.HTTPException) as e:
                self.connection = None
                if attempt == 2:
                    raise Gone(f"{self.name} ({self.url}): {e}") from e

    def define(self, task, script):
        """Defines and enables a stream task. Returns (status, error text or '')."""
        body = {"id": task, "type": "stream", "dbrps": [{"db": DB, "rp": RP}],
                "script": script, "status": "enabled"}
        status, text = self.call("POST", f"{API}/tasks", json.dumps(body))
        if status == 200:
            return status, ""
        try:
            return status, json.loads(text)["error"]
        except (ValueError, KeyError):
            return status, text

    def task(self, task):
        """The task as the API shows it, or None."""
        status, text = self.call("GET", f"{API}/tasks/{task}")
        return json.loads(text) if status == 200 else None

    def write(self, lines, precision):
        """Writes one body. Returns (status, text)."""
        path = f"{API}/write?db={DB}&rp={RP}&precision={precision}"
        return self.call("POST", path, "\n".join(lines))

    def out(self, task, endpoint):
        """What an httpOut node shows. The route may come a moment after the task: a 404 is asked again."""
        end = time.monotonic() + 0.5
        while True:
            status, text = self.call("GET", f"{API}/tasks/{task}/{endpoint}")
            if status != 404 or time.monotonic() > end:
                return status, text
            time.sleep(0.005)

    def topics(self, prefixes):
        """Topics whose names begin with one of `prefixes`, with their events, by name."""
        found = {}
        for prefix in prefixes:
            pattern = urllib.parse.quote(prefix + "*")
            status, text = self.call("GET", f"{API}/alerts/topics?pattern={pattern}")
            for topic in json.loads(text).get("topics", []) if status == 200 else []:
                status, text = self.call("GET", f"{API}/alerts/topics/{urllib.parse.quote(topic['id'])}/events")
                events = json.loads(text).get("events", []) if status == 200 else []
                found[topic["id"]] = {"level": topic["level"], "collected": topic["collected"],
                                      "events": {e["id"]: e["state"] for e in events}}
        return found

    def remove(self, task, topics):
        """Deletes a task while it is enabled (so that its own topics go too) and the topics it named."""
        self.call("DELETE", f"{API}/tasks/{task}")
        for topic in topics:
            self.call("DELETE", f"{API}/alerts/topics/{urllib.parse.quote(topic)}")

    def clear(self, prefix):
        """Removes the tasks whose ids begin with `prefix`: a server that died starts what killed it again."""
        status, text = self.call("GET", f"{API}/tasks?pattern={prefix}*&fields=status&limit=-1")
        for task in json.loads(text).get("tasks") or [] if status == 200 else []:
            self.remove(task["id"], [])

    def drain(self, task, limit, quiet=3):
        """Waits until every edge of the task is empty and the statistics stand still for `quiet` looks.

        Returns the task as last seen, or None when it is gone. Gives up after `limit` seconds."""
        last, same, end = None, 0, time.monotonic() + limit
        while True:
            shown = self.task(task)
            if shown is None:
                return None
            now = figures(shown)
            same = same + 1 if now == last else 0
            last = now
            if (same >= quiet and drained(now)) or time.monotonic() > end:
                return shown
            time.sleep(0.004)


def figures(shown):
    """The statistics of a task without those that measure time: ({node: {key: number}}, {(parent, child): n})."""
    nodes = {}
    for name, values in ((shown.get("stats") or {}).get("node-stats") or {}).items():
        nodes[name] = {k: v for k, v in values.items() if k != "avg_exec_time_ns"}
    edges = {}
    for parent, child, n in re.findall(r'(\S+) -> (\S+) \[processed="(\d+)"\]', shown.get("dot") or ""):
        edges[parent, child] = edges.get((parent, child), 0) + int(n)
    return nodes, edges


def drained(figs):
    """Whether each node has taken all that was put on the edges to it."""
    nodes, edges = figs
    put = {}
    for (_, child), n in edges.items():
        put[child] = put.get(child, 0) + n
    return all(nodes.get(child, {}).get("collected") == n for child, n in put.items())
