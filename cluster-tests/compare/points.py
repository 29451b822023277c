"""A random stream of points as line protocol."""

MEASUREMENTS = ["cpu", "mem", "d\\ é"]
HOSTS = ["a", "b", "c", "ü\\ x", "q\\,\\=r"]
FIELDS = {"v": "float", "i": "int", "s": "string", "b": "bool", "x": "any"}
TAGS = ["host", "dc", "k"]


def field_value(rng, name):
    """A value for a field. `x` has another type each time."""
    if name == "x":
        name = rng.choice("visb")
    if name == "v":
        return rng.choice([str(rng.randint(0, 100)), f"{rng.randint(-20, 120) / 4}", f"{rng.uniform(-5, 100):.6f}",
                           "0", "5", "50", "50", "1e3"])
    if name == "i":
        return f"{rng.choice([rng.randint(-3, 12), rng.randint(0, 5), 0, 5, 100])}i"
    if name == "s":
        return rng.choice(['""', '"a"', '"ab"', '"abc"', '"héllo"', '"q\\"t"', '"x y"', '"5"', '"1.5"', '"true"', '"<&>"'])
    return rng.choice(["t", "f", "true", "FALSE"])


def line(rng, when, rich):
    """One line at a time. A poor stream has whole points of constant types, a rich one gaps and changes."""
    tags = []
    if not rich or rng.random() < 0.93:
        tags.append("host=" + rng.choice(HOSTS if rich else HOSTS[:3]))
    if rng.random() < (0.5 if rich else 0.9):
        tags.append("dc=" + rng.choice("xy"))
    if rng.random() < 0.7:
        tags.append("k=" + rng.choice("123"))
    names = [n for n in FIELDS if rng.random() < (0.9 if rich else 0.995)] or ["v"]
    if not rich:
        names = [n for n in names if n != "x"]
    fields = ",".join(f"{n}={field_value(rng, n)}" for n in names)
    measurement = rng.choices(MEASUREMENTS, [45, 40, 15])[0]
    return f"{','.join([measurement] + tags)} {fields} {when}"


def stream(rng, count):
    """Returns (lines, precision). Times mostly rise; some streams hold equal and some late ones."""
    precision = rng.choice(["s", "s", "s", "ms"])
    unit = 1000 if precision == "ms" else 1
    start = rng.choice([0, 1, 10, 1000000007, 1700000000])
    duplicates, late, gaps = rng.choice([0, 0.3, 0.6]), rng.choice([0, 0, 0.1]), rng.choice([0, 0.05])
    rich = rng.random() < 0.5
    when, lines = start * unit, []
    for _ in range(count):
        shown = when
        if rng.random() < late:
            shown = max(0, when - rng.randint(1, 12) * unit)
        lines.append(line(rng, shown, rich))
        if rng.random() >= duplicates:
            when += rng.choice([unit, unit, 2 * unit, 3 * unit, unit // 2 or 1, 7])
        if rng.random() < gaps:
            when += rng.randint(15, 60) * unit
    return lines, precision


def bodies(rng, lines, singly):
    """Cuts the lines into request bodies: one each where several inputs meet, else random lengths."""
    if singly:
        return [[l] for l in lines]
    cut, i = [], 0
    while i < len(lines):
        n = rng.choice([1, 3, 10, 40])
        cut.append(lines[i:i + n])
        i += n
    return cut
