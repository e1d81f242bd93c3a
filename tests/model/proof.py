"""What is asked of a protocol: that facts never are, and that whoever comes to
an end has a partner who began.
"""

from handshake import C
from prover import const, t


def contains(term, part):
    """Instances are not looked into: they are of a process, not of a run."""
    todo, seen = [term], set()
    while todo:
        x = todo.pop()
        if x is part:
            return True
        if x.head not in (None, "instance") and x not in seen:
            seen.add(x)
            todo.extend(x.args)
    return False


class Proof:
    """A protocol and what must not follow from it."""

    def __init__(self, p):
        self.p = p
        self.bad, self.ends, self.seen = {}, {}, set()

    def never(self, fact, name):
        goal = const(f"bad {len(self.bad)}")
        self.p.rule([fact], goal)
        self.bad[goal] = name

    def end(self, head, fails):
        """${fails} names what is wrong with a clause about ${head}, if any."""
        self.ends[head] = fails

    def run(self, stop):
        """The names of what fails; only the first one if ${stop}."""
        failed = set()

        def found(clause):
            name = self.bad.get(clause.concl)
            if clause.concl.head in self.ends:
                self.seen.add(clause.concl.head)
                name = self.ends[clause.concl.head](clause)
            return stop and name is not None

        self.p.saturate(found)
        for clause in self.p.solved:
            name = self.bad.get(clause.concl)
            if clause.concl.head in self.ends:
                name = self.ends[clause.concl.head](clause)
            if name is not None:
                failed.add(name)
        # A protocol in which nothing is ever reached would have no attacks.
        if not stop and self.seen != set(self.ends):
            failed.add("nothing happens")
        return failed


def correspondence(begin, me, peer, n, own, name):
    """Whoever comes to the end with an honest peer: that peer has begun, with
    the same first ${n} arguments.  The end's argument ${own} is the run; as it is
    part of what is agreed, no two ends have the same begin.
    If the attacker has the own key (it is c's), this is KCI.
    """

    def fails(clause):
        args = clause.concl.args
        if args[peer] is C:
            return None
        after = " after KCI" if args[me] is C else ""
        agreed = [
            h for h in clause.hyps if h.head == begin and h.args[:n] == args[:n]
        ]
        if not agreed:
            return f"agreement: {name}{after}"
        if not contains(t(*args[:n]), args[own]):
            return f"injective agreement: {name}{after}"
        return None

    return fails


def claimed(own, expected, name, fails):
    """Besides: argument ${own} of the end is what ${expected} says of the others,
    whoever the peer is; then ${fails}.
    """

    def both(clause):
        args = clause.concl.args
        if args[own] is not expected(args):
            return name
        return fails(clause)

    return both
