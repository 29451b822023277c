"""A stream script as a structure, so that parts of it can be left out, and its text."""

import copy
import re
from dataclasses import dataclass, field


@dataclass
class Node:
    """One `|name(args)` with its properties."""

    name: str
    args: list = field(default_factory=list)
    props: list = field(default_factory=list)

    def prop(self, name, *args):
        """Adds `.name(args)`."""
        self.props.append([name, list(args)])
        return self

    def text(self):
        """The node as TICKscript."""
        lines = [f"    |{self.name}({', '.join(self.args)})"]
        lines += [f"        .{name}({', '.join(args)})" for name, args in self.props]
        return "\n".join(lines)


@dataclass
class Chain:
    """`var name = head|node|node…`; without a name a statement."""

    name: str
    head: str
    nodes: list

    def text(self):
        """The chain as TICKscript."""
        head = f"var {self.name} = {self.head}" if self.name else self.head
        return "\n".join([head] + [n.text() for n in self.nodes])


@dataclass
class Script:
    """Chains in the order in which they are declared."""

    chains: list

    def text(self):
        """The script. `$LOG1` stands for a file of the server, `$ID` for the task's id."""
        return "\n\n".join(c.text() for c in self.chains) + "\n"

    def nodes(self):
        """All nodes, in order."""
        return [n for c in self.chains for n in c.nodes]

    def shorter(self):
        """Scripts with one part less, the largest parts first."""
        for i in range(len(self.chains)):
            if len(self.chains) > 1:
                yield self.changed(lambda s, i=i: s.chains.pop(i))
        for i, chain in enumerate(self.chains):
            for k in reversed(range(len(chain.nodes))):
                yield self.changed(lambda s, i=i, k=k: s.chains[i].nodes.pop(k))
        for i, chain in enumerate(self.chains):
            for k, node in enumerate(chain.nodes):
                yield from self.smaller_node(i, k, node)

    def smaller_node(self, i, k, node):
        """Scripts in which one node has a property, an argument or a part of a lambda less."""
        at = lambda s: s.chains[i].nodes[k]
        for p in reversed(range(len(node.props))):
            yield self.changed(lambda s: at(s).props.pop(p))
        for a, arg in enumerate(node.args):
            if len(node.args) > 1:
                yield self.changed(lambda s: at(s).args.pop(a))
            for small in smaller_lambda(arg):
                yield self.changed(lambda s: at(s).args.__setitem__(a, small))
        for p, (_, args) in enumerate(node.props):
            for a, arg in enumerate(args):
                if len(args) > 1:
                    yield self.changed(lambda s: at(s).props[p][1].pop(a))
                for small in smaller_lambda(arg):
                    yield self.changed(lambda s: at(s).props[p][1].__setitem__(a, small))

    def changed(self, change):
        """A copy after `change`."""
        other = copy.deepcopy(self)
        change(other)
        return other


@dataclass
class Text:
    """A script that is only text: one that was broken on purpose."""

    raw: str

    def text(self):
        """The text."""
        return self.raw

    def nodes(self):
        """Nodes as far as they can be seen in the text."""
        found = re.findall(r"\|\s*(\w+)\(([^|]*)", self.raw)
        return [Node(n, [], [[p, []] for p in re.findall(r"\.\s*(\w+)", rest)]) for n, rest in found]

    def shorter(self):
        """Texts without a run of tokens, long runs first."""
        tokens = re.findall(r"\s+|\w+|.", self.raw)
        size = max(1, len(tokens) // 2)
        while size:
            for i in range(0, len(tokens), size):
                yield Text("".join(tokens[:i] + tokens[i + size:]))
            size //= 2


def smaller_lambda(arg):
    """Shorter forms of `lambda: …`: the trivial one, then each part in parentheses in place of the whole
    and each part replaced by what is within it."""
    if not arg.startswith("lambda: ") or arg in ("lambda: TRUE", 'lambda: "v"'):
        return
    yield "lambda: TRUE"
    body = arg[len("lambda: "):]
    stack, quote = [], None
    for i, c in enumerate(body):
        if quote:
            quote = None if c == quote and body[i - 1] != "\\" else quote
        elif c in "'\"":
            quote = c
        elif c == "(":
            stack.append(i)
        elif c == ")" and stack:
            start = stack.pop()
            inside = body[start + 1:i]
            yield "lambda: " + inside
            for part in operands(inside):
                yield "lambda: " + body[:start] + "(" + part + ")" + body[i + 1:]
    for part in operands(body):
        yield "lambda: " + part


def operands(text):
    """The two sides of a binary expression whose operator stands outside of parentheses and quotes."""
    depth, quote = 0, None
    for i, c in enumerate(text):
        if quote:
            quote = None if c == quote and text[i - 1] != "\\" else quote
        elif c in "'\"":
            quote = c
        elif c in "()":
            depth += 1 if c == "(" else -1
        elif depth == 0 and (m := re.match(r" (AND|OR|==|!=|<=|>=|<|>|\+|-|\*|/|%|=~|!~) ", text[i:])):
            return [text[:i], text[i + m.end():]]
    return []
