"""Random alert nodes."""

from lambdas import Lambdas
from script import Node

IDS = ["{{ .TaskName }}/{{ .Name }}/{{ .Group }}", "{{ .Group }}", "{{ .ServerInfo.Hostname }} {{ .Group }}"]
SHARED_IDS = ["fixed", "{{ .Name }}", '{{ index .Tags "host" }}']
MESSAGES = [
    "{{ .ID }} is {{ .Level }} {{ .Time }}", '{{ index .Tags "host" }}: {{ index .Fields "v" }}',
    '{{ if eq .Level "OK" }}fine{{ else }}bad{{ end }} {{ .Duration }}',
    '{{ range $k, $v := .Fields }}{{ $k }}={{ $v }};{{ end }}', '{{ .Time.Format "2006-01-02T15:04:05.000Z07:00" }}',
    '{{ printf "%v|%q|%8.3v" .Level .Name (index .Fields "v") }}', '{{ index .Tags "nope" }}{{ index .Fields "nope" }}',
    "{{ .Tags }} {{ .Fields }}", "{{ len .Fields }} {{ .TaskName | len }}", '{{ with index .Tags "dc" }}<{{ . }}>{{ end }}',
    "<b>{{ .Name }}</b> & é",
]
DETAILS = [
    "", "<b>{{ .Message }}</b>", '<a href="/x?q={{ .Group }}">{{ .Name }}</a>', "{{ json .Fields }}",
    "{{ json .Tags }}", "{{ .Level }} {{ .Duration }}", '{{ range $k, $v := .Tags }}<i title="{{ $v }}">{{ $k }}</i>{{ end }}',
]
BOUNDS = [("info", 10), ("warn", 40), ("crit", 70)]


def alert(rng, flow, number):
    """An alert that logs to `$LOG<number>`, with random settings."""
    node = Node("alert")
    lambdas = Lambdas(rng, flow.fields, flow.tags, stateful=not flow.dims and rng.random() < 0.2)
    numbers = [n for n, k in flow.fields.items() if k in ("float", "int")]
    measured = rng.choice(numbers) if numbers and rng.random() < 0.75 else None
    level_lambdas(rng, node, flow, lambdas, measured)
    switches(rng, node, flow)
    texts(rng, node, flow)
    for name in ("levelTag", "levelField", "idTag", "idField", "messageField", "durationField"):
        if rng.random() < 0.15:
            node.prop(name, rng.choice([f"'al_{name}'", f"'al_{name}'", "'v'", "'host'"]))
    if rng.random() < 0.3:
        node.prop("topic", f"'$ID_t{number}'")
    if rng.random() < 0.05:
        node.prop("category", "'cat'")
    return node.prop("log", f"'$LOG{number}'")


def level_lambdas(rng, node, flow, lambdas, measured):
    """Levels by rising bounds of one field, or by any conditions; some with resets."""
    kind = flow.fields.get(measured)
    for name, bound in BOUNDS:
        if rng.random() < 0.3:
            continue
        if measured is None:
            node.prop(name, lambdas.text("bool", 1))
            continue
        low = {"int": str(bound // 10), "float": f"{bound}.0"}[kind]
        node.prop(name, f'lambda: "{measured}" > {low}')
        if rng.random() < 0.3:
            reset = {"int": str(max(0, bound // 10 - 2)), "float": f"{bound - 15}.0"}[kind]
            node.prop(name + "Reset", f'lambda: "{measured}" < {reset}' if rng.random() < 0.9 else lambdas.text("bool", 1))


def switches(rng, node, flow):
    """Settings that change which events there are."""
    if rng.random() < 0.3:
        node.prop("stateChangesOnly", *rng.choice([[], [], ["3s"], ["10s"], ["1m"]]))
    if rng.random() < 0.15:
        node.prop("noRecoveries")
    if rng.random() < (0.3 if flow.edge == "batch" else 0.03):
        node.prop("all")
    if rng.random() < 0.25:
        node.prop("flapping", *rng.choice([["0.25", "0.5"], ["0.1", "0.3"], ["0.0", "0.0"], ["0.5", "0.9"]]))
        if rng.random() < 0.7:
            node.prop("history", rng.choice(["2", "3", "5", "10"]))


def texts(rng, node, flow):
    """Id, message and details."""
    if rng.random() < 0.4:
        node.prop("id", "'" + rng.choice(SHARED_IDS if not flow.dims or rng.random() < 0.05 else IDS) + "'")
    if rng.random() < 0.6:
        node.prop("message", "'" + rng.choice(MESSAGES) + "'")
    if rng.random() < 0.6:
        node.prop("details", "'" + rng.choice(DETAILS) + "'")
