"""Random stream scripts over the whole language, with an httpOut at each interesting place."""

import re
from dataclasses import dataclass, field, replace

import alerts
from lambdas import Lambdas
from points import FIELDS, TAGS
from script import Chain, Node, Script, Text

# Nodes that `--only` may name and that a server may lack, with a definition that shows whether it is there.
PROBES = {
    "default": "|default().field('a', 1)", "delete": "|delete().field('a')", "changeDetect": "|changeDetect('v')",
    "sample": "|sample(2)", "shift": "|shift(2s)", "union": "|union(stream|from())",
    "combine": "|combine(lambda: TRUE, lambda: TRUE).as('a', 'b')", "flatten": "|flatten().on('k')",
    "trickle": "|window().period(2s).every(2s)|trickle()", "join": "|join(stream|from()).as('a', 'b')",
}
DURATIONS = ["1s", "2s", "3s", "5s", "5s", "10s", "10s", "20s"]
FOLDS = ["count", "mean", "median", "mode", "spread", "sum", "first", "last", "min", "max", "percentile", "stddev",
         "distinct"]
ROLLING = ["elapsed", "difference", "movingAverage", "cumulativeSum"]


@dataclass
class Flow:
    """What is known of the data at a place of a chain."""

    edge: str = "stream"
    fields: dict = field(default_factory=lambda: dict(FIELDS))
    tags: list = field(default_factory=lambda: list(TAGS))
    dims: list = field(default_factory=list)
    nulls: bool = False
    merged: bool = False


class Generator:
    """Writes one script. `lacks` are the nodes to leave out, `only` those to favour."""

    def __init__(self, rng, lacks=(), only=()):
        self.rng, self.lacks, self.only = rng, set(lacks), list(only)
        self.outs = self.logs = 0

    def script(self):
        """A script: one chain, a tree, or chains that meet in a join or union."""
        r = self.rng.random()
        wanted = [n for n in ("join", "union") if n in self.only]
        if wanted or r < 0.3:
            script = self.meeting(self.rng.choice(wanted) if wanted else self.rng.choice(["join", "union"]))
        elif r < 0.45:
            script = self.tree()
        else:
            flow = Flow()
            nodes = [self.source(flow, self.rng.random() < 0.7)]
            script = Script([Chain("", "stream", nodes + self.tail(flow, self.rng.randint(1, 5)))])
        breaks = "broken" in self.only or (not self.only and self.rng.random() < 0.08)
        return broken(self.rng, script) if breaks else script

    def tree(self):
        """A common part and two or three branches."""
        flow = Flow()
        nodes = [self.source(flow, True)] + self.middle(flow, self.rng.randint(0, 2))
        chains = [Chain("common", "stream", nodes)]
        for _ in range(self.rng.randint(2, 3)):
            own = replace(flow, fields=dict(flow.fields), tags=list(flow.tags), dims=list(flow.dims))
            chains.append(Chain("", "common", self.tail(own, self.rng.randint(1, 3))))
        return Script(chains)

    def meeting(self, kind):
        """Two or three chains that a join or a union brings together."""
        count = self.rng.choice([2, 2, 3])
        dims = self.rng.choice([[], ["host"], ["host", "dc"], ["*"]])
        windowed = self.rng.random() < 0.4
        every = self.rng.choice(["2s", "5s", "10s"])
        chains, flows = [], []
        for i in range(count):
            flow = Flow()
            # Each from a measurement of its own: one point in two branches would race in the original.
            node = Node("from").prop("measurement", f"'{['cpu', 'mem', 'd é'][i]}'")
            self.group(node, flow, dims)
            nodes = [node] + self.middle(flow, self.rng.choice([0, 0, 1]), stay="stream", same_groups=True)
            if windowed:
                nodes.append(Node("window").prop("period", every).prop("every", every).prop("align"))
                flow.edge = "batch"
                if self.rng.random() < 0.7:
                    nodes.append(self.fold(flow, "mean", "'v'"))
            chains.append(Chain(f"p{i}", "stream", nodes))
            flows.append(flow)
        if kind in self.lacks or len({f.edge for f in flows}) > 1:
            kind = "join" if "join" not in self.lacks else "union"
        node, flow = (self.join if kind == "join" else self.union)(flows)
        chains.append(Chain("", "p0", [node, self.out()] + self.tail(flow, self.rng.randint(0, 2))))
        return Script(chains)

    def join(self, flows):
        """A join of p0 with the others, and what comes out of it."""
        names = [f"n{i}" for i in range(len(flows))]
        node = Node("join", [f"p{i}" for i in range(1, len(flows))]).prop("as", *[f"'{n}'" for n in names])
        delimiter = "."
        if self.rng.random() < 0.15:
            delimiter = self.rng.choice(["_", "", "::"])
            node.prop("delimiter", f"'{delimiter}'")
        if self.rng.random() < 0.5:
            node.prop("tolerance", self.rng.choice(DURATIONS))
        nulls, fill = False, self.rng.random()
        if fill < 0.5:
            nulls = fill < 0.2
            node.prop("fill", "'null'" if nulls else self.rng.choice(["'none'", "0.0", "1", "5.5"]))
        if self.rng.random() < 0.2:
            node.prop("streamName", "'joined'")
        fields = {f"{n}{delimiter}{k}": t for n, f in zip(names, flows) for k, t in f.fields.items()}
        flow = flows[0]
        return node, Flow(flow.edge, fields, [d for d in flow.dims if d != "*"] or TAGS[:], flow.dims, nulls, True)

    def union(self, flows):
        """A union of p0 with the others."""
        node = Node("union", [f"p{i}" for i in range(1, len(flows))])
        if self.rng.random() < 0.3:
            node.prop("rename", "'united'")
        flow = flows[0]
        return node, Flow(flow.edge, dict(flow.fields), list(flow.tags), flow.dims, False, True)

    def out(self):
        """The next httpOut."""
        self.outs += 1
        return Node("httpOut", [f"'o{self.outs}'"])

    def tail(self, flow, count):
        """Nodes with an httpOut after about every second and at the end; sometimes an alert."""
        nodes = []
        for node in self.middle(flow, count):
            nodes.append(node)
            if self.rng.random() < 0.4 and node.name != "httpOut":
                nodes.append(self.out())
        if self.rng.random() < 0.5 or "alert" in self.only:
            self.logs += 1
            nodes.append(alerts.alert(self.rng, flow, self.logs))
        if not nodes or nodes[-1].name != "httpOut":
            nodes.append(self.out())
        return nodes

    def source(self, flow, measured):
        """A from."""
        node = Node("from")
        if measured:
            node.prop("measurement", self.rng.choice(["'cpu'"] * 5 + ["'mem'"] * 3 + ["'d é'"]))
        if self.rng.random() < 0.15:
            node.prop("where", self.lambdas(flow, stateful=False).text("bool", 1))
        if self.rng.random() < 0.7:
            self.group(node, flow, self.rng.choice([["host"], ["host"], ["dc", "host"], ["*"], ["host", "nope"], ["k"]]))
        if self.rng.random() < 0.15:
            node.prop("groupByMeasurement")
        if self.rng.random() < 0.1:
            node.prop("truncate", self.rng.choice(DURATIONS))
        if self.rng.random() < 0.1:
            node.prop("round", self.rng.choice(DURATIONS))
        return node

    def group(self, node, flow, dims):
        """Adds groupBy to a from."""
        if dims:
            node.prop("groupBy", *[d if d == "*" else f"'{d}'" for d in dims])
            flow.dims = dims

    def lambdas(self, flow, **options):
        """Lambdas over what is known here."""
        return Lambdas(self.rng, flow.fields, flow.tags, **options)

    def middle(self, flow, count, stay=None, same_groups=False):
        """Some nodes that fit one after the other. `stay` keeps the kind of edge."""
        nodes = []
        for _ in range(count):
            kinds = {"where": 3, "eval": 4, "stateCount": 1, "stateDuration": 1, "derivative": 1.5, "log": 0.3,
                     "default": 1.5, "delete": 1.5, "changeDetect": 1.5, "sample": 1.5, "shift": 1.5, "groupBy": 1.5,
                     "flatten": 1, "combine": 0.6, "rolling": 1, "fold": 2}
            kinds.update({"window": 4} if flow.edge == "stream" else {"trickle": 1, "fold": 5, "last": 0.4, "holt": 0.2})
            if flow.nulls:
                kinds = {k: w for k, w in kinds.items() if k not in ("fold", "rolling", "last", "holt", "combine", "flatten")}
            if stay:
                kinds = {k: w for k, w in kinds.items() if k not in ("window", "trickle", "fold")}
            if same_groups:
                kinds = {k: w for k, w in kinds.items() if k not in ("groupBy", "delete", "combine", "flatten")}
            for name in self.only:
                group = "fold" if name in FOLDS else "rolling" if name in ROLLING else name
                if group in kinds:
                    kinds[group] *= 30
            names = [k for k in kinds if k not in self.lacks]
            name = self.rng.choices(names, [kinds[k] for k in names])[0]
            nodes.append(getattr(self, "make_" + name)(flow))
            if name in ("last", "holt"):
                break
        return nodes

    def field_name(self, flow, kinds=("float", "int")):
        """A field of one of the kinds, in quotes; rarely another one or none."""
        names = [n for n, k in flow.fields.items() if k in kinds]
        if self.rng.random() < 0.03 or not names:
            names = list(flow.fields) + ["nope"]
        return "'" + self.rng.choice(names) + "'"

    def make_where(self, flow):
        """Mostly a condition that lets most through, so that something is left to compare."""
        numbers = [n for n, k in flow.fields.items() if k in ("float", "int")]
        if not numbers or self.rng.random() < 0.5:
            return Node("where", [self.lambdas(flow).text("bool")])
        name = self.rng.choice(numbers)
        low = "2" if flow.fields[name] == "int" else "10.0"
        return Node("where", [f'lambda: ("{name}" {self.rng.choice([">", ">="])} {low}) OR {self.lambdas(flow).expression("bool", 1)}'])

    def make_eval(self, flow):
        node, names = Node("eval"), []
        before = dict(flow.fields)
        for i in range(self.rng.choice([1, 1, 2, 3])):
            kind = self.rng.choice(["float", "int", "string", "bool", "float"])
            node.args.append(self.lambdas(flow, recovers=True).text(kind))
            name = self.rng.choice([f"e{i}", f"e{i}", f"r{i}", "v"])
            if name in names:
                name = f"e{i}"
            names.append(name)
            flow.fields = {**flow.fields, name: kind}
        node.prop("as", *[f"'{n}'" for n in names])
        new = {n: flow.fields[n] for n in names}
        tagged = [n for n in names if new[n] == "string"] if self.rng.random() < 0.5 else []
        if self.rng.random() < 0.03:
            tagged = names[:1]
        if tagged:
            node.prop("tags", *[f"'{n}'" for n in tagged])
            flow.tags = flow.tags + [n for n in tagged if n not in flow.tags]
        r = self.rng.random()
        if r < 0.5:
            node.prop("keep")
            flow.fields = {**before, **new}
        elif r < 0.75:
            kept = [n for n in {**before, **new} if self.rng.random() < 0.6] or [names[0]]
            node.prop("keep", *[f"'{n}'" for n in kept])
            flow.fields = {n: k for n, k in {**before, **new}.items() if n in kept}
        else:
            flow.fields = {n: k for n, k in new.items() if n not in tagged} or new
        if self.rng.random() < 0.1:
            node.prop("quiet")
        return node

    def make_stateCount(self, flow):
        node = Node("stateCount", [self.lambdas(flow).text("bool", 1)])
        return self.named(node, flow, "state_count", "int")

    def make_stateDuration(self, flow):
        node = Node("stateDuration", [self.lambdas(flow).text("bool", 1)])
        if self.rng.random() < 0.4:
            node.prop("unit", self.rng.choice(["1s", "1m", "500ms"]))
        return self.named(node, flow, "state_duration", "float")

    def named(self, node, flow, default, kind):
        """Perhaps `.as`, and the field it gives."""
        name = default
        if self.rng.random() < 0.4:
            name = self.rng.choice(["sc", "v", "z"])
            node.prop("as", f"'{name}'")
        flow.fields = {**flow.fields, name: kind}
        return node

    def make_derivative(self, flow):
        node = Node("derivative", [self.field_name(flow)])
        if self.rng.random() < 0.4:
            node.prop("unit", self.rng.choice(["1s", "1m", "100ms"]))
        if self.rng.random() < 0.3:
            node.prop("nonNegative")
        return self.named(node, flow, node.args[0][1:-1], "float")

    def make_log(self, _flow):
        node = Node("log")
        return node.prop("level", "'DEBUG'").prop("prefix", "'p'") if self.rng.random() < 0.5 else node

    def make_default(self, flow):
        node = Node("default")
        for _ in range(self.rng.randint(1, 3)):
            if self.rng.random() < 0.6:
                name = self.rng.choice(list(flow.fields) + ["d"])
                kind = self.rng.choice(["float", "int", "string", "bool"])
                node.prop("field", f"'{name}'", self.lambdas(flow).literal(kind))
                flow.fields = {**flow.fields, name: flow.fields.get(name, kind)}
            else:
                name = self.rng.choice(TAGS + ["e0", "t"])
                node.prop("tag", f"'{name}'", self.rng.choice(["'dflt'", "'a'", "'é'", "''"]))
                flow.tags = flow.tags + ([name] if name not in flow.tags else [])
        return node

    def make_delete(self, flow):
        node = Node("delete")
        for _ in range(self.rng.randint(1, 2)):
            if self.rng.random() < 0.5 and len(flow.fields) > 1:
                name = self.rng.choice(list(flow.fields))
                node.prop("field", f"'{name}'")
                flow.fields = {n: k for n, k in flow.fields.items() if n != name}
            else:
                node.prop("tag", f"'{self.rng.choice(TAGS + ['nope'])}'")
        return node

    def make_changeDetect(self, flow):
        names = {self.field_name(flow, ("float", "int", "string", "bool")) for _ in range(self.rng.choice([1, 1, 2]))}
        return Node("changeDetect", sorted(names))

    def make_sample(self, _flow):
        return Node("sample", [self.rng.choice(["1", "2", "3", "2s", "5s", "10s"])])

    def make_shift(self, _flow):
        return Node("shift", [self.rng.choice(["1s", "-1s", "5m", "-3ms", "1h"])])

    def make_groupBy(self, flow):
        dims = self.rng.choice([["host"], ["dc"], ["*"], ["dc", "host"], ["nope"], ["k", "host"], []])
        node = Node("groupBy", [d if d == "*" else f"'{d}'" for d in dims])
        if dims == ["*"] and self.rng.random() < 0.6:
            node.prop("exclude", *self.rng.choice([["'k'"], ["'k'", "'dc'"], ["'nope'"]]))
        if self.rng.random() < 0.2:
            node.prop("byMeasurement")
        flow.dims = dims
        return node

    def make_window(self, flow):
        node, r = Node("window"), self.rng.random()
        if r < 0.25:
            node.prop("periodCount", str(self.rng.choice([1, 2, 3, 5]))).prop("everyCount", str(self.rng.choice([1, 2, 3, 5])))
        else:
            period, every = self.rng.choice(DURATIONS), self.rng.choice(DURATIONS)
            if self.rng.random() < 0.9 and int(period[:-1]) < int(every[:-1]):
                period, every = every, period
            node.prop("period", period)
            if r < 0.9:
                node.prop("every", every if self.rng.random() < 0.85 else "0s")
            if self.rng.random() < 0.4:
                node.prop("align")
        if self.rng.random() < 0.25:
            node.prop("fillPeriod")
        flow.edge = "batch"
        return node

    def make_fold(self, flow):
        wanted = [n for n in self.only if n in FOLDS]
        return self.fold(flow, self.rng.choice(wanted or FOLDS), self.field_name(flow))

    def fold(self, flow, name, of):
        """An InfluxQL aggregate or selector."""
        if name in ("count", "first", "last", "distinct") and self.rng.random() < 0.5:
            of = self.field_name(flow, ("string", "bool", "any"))
        kind = flow.fields.get(of[1:-1], "any")
        node = Node(name, [of] + ([self.rng.choice(["50.0", "90.0", "0.0", "10.0", "100.0"])] if name == "percentile" else []))
        as_name = name
        if self.rng.random() < 0.5:
            as_name = self.rng.choice(["v", "agg", "i"])
            node.prop("as", f"'{as_name}'")
        if self.rng.random() < 0.15:
            node.prop("usePointTimes")
        kind = {"count": "int", "mean": "float", "median": "float", "stddev": "float"}.get(name, kind)
        if name in ("first", "last", "min", "max", "percentile"):
            flow.fields = {**{n: k for n, k in flow.fields.items() if n != of[1:-1]}, as_name: kind}
        else:
            flow.fields = {as_name: kind}
            flow.tags = [d for d in flow.dims if d != "*"] or flow.tags
        flow.edge = "batch" if name == "distinct" else "stream"
        return node

    def make_rolling(self, flow):
        name = self.rng.choice([n for n in self.only if n in ROLLING] or ROLLING)
        node = Node(name, [self.field_name(flow)])
        if name == "elapsed":
            node.args.append(self.rng.choice(["1s", "1ms", "1m"]))
        if name == "movingAverage":
            node.args.append(self.rng.choice(["1", "2", "3"]))
        as_name = name
        if self.rng.random() < 0.4:
            as_name = "v"
            node.prop("as", "'v'")
        kind = {"elapsed": "int", "movingAverage": "float"}.get(name, flow.fields.get(node.args[0][1:-1], "any"))
        flow.fields = {as_name: kind}
        flow.tags = [d for d in flow.dims if d != "*"] or flow.tags
        return node

    def make_last(self, flow):
        """`top` or `bottom`: best at the end of a chain, where only the order of rows differs by version."""
        name = self.rng.choice(["top", "bottom"])
        flow.fields = {name: "float"}
        node = Node(name, [self.rng.choice(["1", "2", "3"]), self.field_name(Flow())])
        return node

    def make_holt(self, flow):
        name = self.rng.choice(["holtWinters", "holtWintersWithFit"])
        node = Node(name, ["'v'", "2", self.rng.choice(["0", "2"]), self.rng.choice(["1s", "2s"])])
        flow.fields = {"holtWinters": "float"}
        return node

    def make_trickle(self, flow):
        flow.edge = "stream"
        return Node("trickle")

    def make_flatten(self, flow):
        node = Node("flatten").prop("on", *self.rng.choice([["'k'"], ["'k'", "'dc'"], ["'host'"]]))
        if self.rng.random() < 0.3:
            node.prop("delimiter", self.rng.choice(["'_'", "''", "'::'"]))
        if self.rng.random() < 0.4:
            node.prop("tolerance", self.rng.choice(DURATIONS))
        if self.rng.random() < 0.1:
            node.prop("dropOriginalFieldName")
        flow.fields = {"1.v": "float", "2.v": "float", "1.i": "int", "2.s": "string"}
        flow.tags = [d for d in flow.dims if d != "*"] or flow.tags
        flow.merged = True
        return node

    def make_combine(self, flow):
        lambdas = self.lambdas(flow, stateful=False)
        node = Node("combine", [lambdas.text("bool", 1) if self.rng.random() < 0.6 else "lambda: TRUE" for _ in range(2)])
        node.prop("as", "'l'", "'r'")
        if self.rng.random() < 0.2:
            node.prop("delimiter", "'_'")
        flow.fields = {f"{side}.{n}": k for side in "lr" for n, k in flow.fields.items()}
        flow.edge, flow.merged = "stream", True
        return node


def broken(rng, script):
    """The text of a script with one mistake in it."""
    text = script.text()
    spots = [m.start() for m in re.finditer(r"[|.'\"(),]|\b\w+\b", text)]
    for _ in range(rng.choice([1, 1, 2])):
        at = rng.choice(spots)
        kind = rng.random()
        if kind < 0.3:
            text = text[:at] + text[at + 1:]
        elif kind < 0.6:
            text = text[:at] + rng.choice(["|", ".", "@", "'", '"', "(", ")", ",", " 5 ", " 'x' ", " 1.5 ", " 10s ", "z", "/r/", " lambda: TRUE", "\n"]) + text[at:]
        elif kind < 0.8:
            text = text[:at] + rng.choice("|.@'\"(),x5") + text[at + 1:]
        else:
            words = list(re.finditer(r"    +\.\w+\([^\n]*\)\n", text))
            if words:
                m = rng.choice(words)
                text = text[:m.start()] + text[m.end():]
    return Text(text)
