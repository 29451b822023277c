"""Random lambda expressions of a wanted type over the fields and tags that are known."""

COMPARE = ["==", "!=", "<", "<=", ">", ">="]
ROUNDING = ["abs", "ceil", "floor", "trunc", "sqrt", "cbrt", "exp2", "atan", "tanh", "log1p", "erf", "cos"]


class Lambdas:
    """Writes expressions. `fields` maps names to 'int', 'float', 'string', 'bool' or 'any'.

    `recovers` says that the node survives a panic in the original (eval does, where and alert do not),
    so divisors and bounds may be anything; `stateful` allows count(), sigma() and spread()."""

    def __init__(self, rng, fields, tags, recovers=False, stateful=True):
        self.rng, self.fields, self.tags = rng, fields, tags
        self.recovers, self.stateful = recovers, stateful

    def expression(self, kind, depth=2):
        """An expression of a kind; now and then one of another kind, which is an error of the point."""
        if self.rng.random() < 0.006:
            kind = self.rng.choice(["int", "float", "string", "bool"])
        return getattr(self, "_" + kind)(depth)

    def text(self, kind, depth=2):
        """The same as an argument of a node."""
        return "lambda: " + self.expression(kind, depth)

    def reference(self, kind):
        """A field of the kind; rarely any field or tag, or one that nothing has."""
        r = self.rng.random()
        names = [n for n, k in self.fields.items() if k == kind]
        if r < 0.012:
            return '"' + self.rng.choice(list(self.fields) + list(self.tags) + ["nope"]) + '"'
        if r < 0.03:
            names = [n for n, k in self.fields.items() if k == "any"] or names
        if kind == "string" and r > 0.85:
            names = list(self.tags) or names
        return '"' + self.rng.choice(names) + '"' if names else self.literal(kind)

    def literal(self, kind):
        """A constant."""
        return {
            "int": lambda: str(self.rng.choice([0, 1, 2, 3, 5, 10])),
            "float": lambda: self.rng.choice(["0.0", "1.0", "0.5", "2.5", "10.0", "1000000.0"]),
            "string": lambda: self.rng.choice(["''", "'a'", "'ab'", "'é'", "'x y'", "'b'", "'it\\'s'"]),
            "bool": lambda: self.rng.choice(["TRUE", "FALSE"]),
        }[kind]()

    def _atom(self, kind):
        return self.reference(kind) if self.rng.random() < 0.75 else self.literal(kind)

    def _pair(self, kind, operators, depth):
        left, right = self.expression(kind, depth - 1), self.expression(kind, depth - 1)
        return f"({left} {self.rng.choice(operators)} {right})"

    def _bool(self, depth):
        if depth <= 0:
            return self._atom("bool")
        number = self.rng.choice(["int", "float"])
        forms = [
            lambda: self._pair(number, COMPARE, depth), lambda: self._pair(number, COMPARE, depth),
            lambda: f"({self.expression('int', depth - 1)} {self.rng.choice(COMPARE)} {self.expression('float', depth - 1)})",
            lambda: self._pair("string", COMPARE, depth), lambda: self._pair("bool", ["==", "!="], depth),
            lambda: self._pair("bool", ["AND", "OR"], depth), lambda: "!" + self.expression("bool", depth - 1),
            lambda: f"isPresent({self.reference(self.rng.choice(['int', 'float', 'string', 'bool']))})",
            lambda: f"({self._atom('string')} {self.rng.choice(['=~', '!~'])} {self.rng.choice(['/^a/', '/[bc]/', '/é|x/', '/(?i)B/', '/^$/'])})",
            lambda: f"{self.rng.choice(['strContains', 'strHasPrefix', 'strHasSuffix', 'strContainsAny'])}({self._string(depth - 1)}, {self.literal('string')})",
            lambda: f"bool({self._atom(self.rng.choice(['bool', 'bool', 'string', 'int']))})",
            lambda: f"({self._duration()} {self.rng.choice(COMPARE)} {self._duration()})",
        ]
        return self.rng.choice(forms)()

    def _duration(self):
        literal = self.rng.choice(["1s", "90s", "5m", "1h", "3ms", "2d", "1w"])
        forms = [lambda: literal, lambda: f"({literal} * {self._atom('int')})", lambda: f"({literal} + 2m)",
                 lambda: f"duration({self._atom('int')}, {literal})", lambda: f"({literal} / 3)"]
        return self.rng.choice(forms)()

    def _int(self, depth):
        if depth <= 0:
            return self._atom("int")
        divisor = self.expression("int", depth - 1) if self.recovers and self.rng.random() < 0.3 else self.rng.choice(["2", "3", "7"])
        forms = [
            lambda: self._pair("int", ["+", "-", "*"], depth), lambda: self._pair("int", ["+", "-", "*"], depth),
            lambda: f"({self.expression('int', depth - 1)} {self.rng.choice('/%')} {divisor})",
            lambda: "-" + self._atom("int"),
            lambda: f"int({self._atom(self.rng.choice(['float', 'float', 'bool', 'int', 'int', 'bool', 'float', 'string']))})",
            lambda: f"strLength({self._string(depth - 1)})",
            lambda: f"{self.rng.choice(['strIndex', 'strLastIndex', 'strCount', 'strIndexAny'])}({self._string(depth - 1)}, {self.literal('string')})",
            lambda: f"{self.rng.choice(['minute', 'hour', 'weekday', 'day', 'month', 'year', 'unixNano'])}(\"time\")",
            lambda: f"if({self.expression('bool', depth - 1)}, {self.expression('int', depth - 1)}, {self.expression('int', depth - 1)})",
            lambda: f"({self._duration()} / {self.rng.choice(['1s', '7ms', '1m'])})",
        ]
        if self.stateful:
            forms.append(lambda: "count()")
        return self.rng.choice(forms)()

    def _float(self, depth):
        if depth <= 0:
            return self._atom("float")
        forms = [
            lambda: self._pair("float", ["+", "-", "*"], depth), lambda: self._pair("float", ["+", "-", "*"], depth),
            lambda: f"({self.expression('float', depth - 1)} / {self.rng.choice(['2.0', '0.3', '7.0'])})",
            lambda: "-" + self._atom("float"),
            lambda: f"float({self._atom(self.rng.choice(['int', 'float', 'bool', 'float', 'int', 'string']))})",
            lambda: f"{self.rng.choice(ROUNDING)}({self.expression('float', depth - 1)})",
            lambda: f"{self.rng.choice(['min', 'max', 'hypot', 'atan2'])}({self.expression('float', depth - 1)}, {self.expression('float', depth - 1)})",
            lambda: f"pow({self._atom('float')}, 2.0)",
            lambda: f"if({self.expression('bool', depth - 1)}, {self.expression('float', depth - 1)}, {self.expression('float', depth - 1)})",
        ]
        if self.stateful:
            forms += [lambda: f"sigma({self._atom('float')})", lambda: f"spread({self._atom('float')})"]
        return self.rng.choice(forms)()

    def _string(self, depth):
        if depth <= 0:
            return self._atom("string")
        any_kind = self.rng.choice(["int", "float", "bool", "string"])
        forms = [
            lambda: self._pair("string", ["+"], depth), lambda: f"string({self.expression(any_kind, depth - 1)})",
            lambda: f"string({self._duration()})", lambda: f"humanBytes({self._atom('int')})",
            lambda: f"{self.rng.choice(['strToUpper', 'strToLower', 'strTrimSpace'])}({self.expression('string', depth - 1)})",
            lambda: f"{self.rng.choice(['strTrim', 'strTrimLeft', 'strTrimRight', 'strTrimPrefix', 'strTrimSuffix'])}({self._string(depth - 1)}, {self.literal('string')})",
            lambda: f"strReplace({self._string(depth - 1)}, {self.literal('string')}, 'Z', {self.rng.choice(['-1', '1', '0'])})",
            lambda: f"regexReplace({self.rng.choice(['/a(.)/', '/(x) (y)/', '/[^a-z]/'])}, {self._string(depth - 1)}, '<$1>')",
            lambda: f"if({self.expression('bool', depth - 1)}, {self.expression('string', depth - 1)}, {self.expression('string', depth - 1)})",
        ]
        if self.recovers:
            forms.append(lambda: f"strSubstring({self._string(depth - 1)}, {self.rng.randint(0, 2)}, {self.rng.randint(0, 3)})")
        return self.rng.choice(forms)()
