"""A small saturation prover for cryptographic protocols.

It does what ProVerif does for secrecy and correspondences (B. Blanchet, "An
Efficient Cryptographic Protocol Verifier Based on Prolog Rules", CSFW 2001, and
"From Secrecy to Authenticity in Security Protocols", SAS 2002): a protocol and
an attacker who is the network are Horn clauses, for any number of runs of any
number of parties at once; resolution with free selection brings them to a form
in which every derivable fact is visible.  When saturation ends, what is not
derivable cannot happen in this model; that is a proof, not a search.

Facts are terms:  att(x)         the attacker has x; any head that begins so
                  begin...(...)  an honest party has done this (never resolved)
                  others         what is asked for

Invariants: a clause is dropped only if another one says more; a fact that was
declared secret() is dropped from hypotheses and must be proved afterwards.
`k` is commutative, which is all of Diffie-Hellman that signed ephemeral keys
need: k(g^x, g^y) = k(g^y, g^x).
"""

import itertools
from collections import deque

TUPLE = "()"


class Term:
    """Hash-consed: equal terms are the same object."""

    __slots__ = ("head", "args", "ground", "size", "number")
    table: dict = {}

    def __repr__(self):
        if self.head is None:
            return f"X{self.args}"
        if not self.args:
            return self.head
        inside = ", ".join(map(repr, self.args))
        return f"({inside})" if self.head == TUPLE else f"{self.head}({inside})"


def make(head, args):
    key = (head, args)
    term = Term.table.get(key)
    if term is None:
        term = Term()
        term.head, term.args = head, args
        if head is None:
            term.ground, term.size = False, 1
        else:
            term.ground = all(a.ground for a in args)
            term.size = min(1 + sum(a.size for a in args), 1 << 30)
        term.number = len(Term.table)
        Term.table[key] = term
    return term


def f(head, *args):
    """head(args); for the commutative k in one order."""
    if head == "k" and args[0].number > args[1].number:
        args = (args[1], args[0])
    return make(head, tuple(args))


def t(*args):
    return f(TUPLE, *args)


_fresh = itertools.count()


def var():
    return make(None, next(_fresh))


def variables(n):
    return [var() for _ in range(n)]


def const(name):
    return f(name)


def walk(term, subst):
    while term.head is None and term in subst:
        term = subst[term]
    return term


def apply(term, subst, memo):
    if term.ground:
        return term
    done = memo.get(term)
    if done is None:
        if term.head is None:
            target = subst.get(term)
            done = term if target is None else apply(target, subst, memo)
        else:
            done = f(term.head, *[apply(a, subst, memo) for a in term.args])
        memo[term] = done
    return done


def occurs(variable, term, subst, seen):
    term = walk(term, subst)
    if term is variable:
        return True
    if term.ground or term.head is None or term in seen:
        return False
    seen.add(term)
    return any(occurs(variable, a, subst, seen) for a in term.args)


def unify(pairs, subst, done=frozenset()):
    """All most general unifiers (more than one because of k).

    Terms are large but shared: a pair that was seen is not taken again.
    """
    pairs, done = list(pairs), set(done)
    while pairs:
        a, b = pairs.pop()
        a, b = walk(a, subst), walk(b, subst)
        if a is b or (a, b) in done:
            continue
        if a.head is None or b.head is None:
            if a.head is not None:
                a, b = b, a
            if occurs(a, b, subst, set()):
                return
            subst[a] = b
            continue
        if a.head != b.head or len(a.args) != len(b.args):
            return
        if a.ground and b.ground:  # k is in one order there
            return
        done.add((a, b))
        if a.head == "k":
            (a1, a2), (b1, b2) = a.args, b.args
            for ways in ([(a1, b1), (a2, b2)], [(a1, b2), (a2, b1)]):
                yield from unify(pairs + ways, dict(subst), done)
            return
        pairs.extend(zip(a.args, b.args))
    yield subst


def match(pairs, subst, done=frozenset()):
    """All ways to make each pattern into its term by binding its variables."""
    pairs, done = list(pairs), set(done)
    subst = dict(subst)
    while pairs:
        pattern, term = pairs.pop()
        if pattern.head is None:
            if subst.setdefault(pattern, term) is not term:
                return
            continue
        if pattern is term and pattern.ground:
            continue
        if (pattern, term) in done:
            continue
        if (
            pattern.ground
            or pattern.head != term.head
            or len(pattern.args) != len(term.args)
            or pattern.size > term.size
        ):
            return
        done.add((pattern, term))
        if pattern.head == "k":
            for args in (term.args, term.args[::-1]):
                ways = list(zip(pattern.args, args))
                yield from match(pairs + ways, subst, done)
            return
        pairs.extend(zip(pattern.args, term.args))
    yield subst


def parts(term, made):
    """The arguments; those that are tuples or made, taken apart."""
    for a in term.args:
        if a.head in made:
            yield from parts(a, made)
        else:
            yield a


def matches(pattern, term):
    return next(match([(pattern, term)], {}), None) is not None


class Clause:
    __slots__ = ("hyps", "concl", "why", "selected", "alive", "heads")

    def __init__(self, hyps, concl, why):
        hyps = sorted(hyps, key=lambda h: -h.size)
        self.hyps, self.concl, self.why = hyps, concl, why
        self.selected = select(hyps)
        self.alive = True
        self.heads = frozenset(shape(h) for h in hyps)

    def __repr__(self):
        hyps = " & ".join(map(repr, self.hyps))
        return f"{hyps} => {self.concl}"


def is_att(fact):
    return fact.head.startswith("att")


def shape(fact):
    inner = fact.args[0] if is_att(fact) else None
    return (fact.head, inner.head if inner is not None else "")


def select(hyps):
    """The hypothesis to resolve upon: never att(variable), never begin."""
    best = None
    for i, h in enumerate(hyps):
        if h.head.startswith("begin"):
            continue
        if is_att(h) and h.args[0].head is None:
            continue
        if best is None or h.size > hyps[best].size:
            best = i
    return best


def subsumes(a, b):
    """Does ${a} say all that ${b} says?  (May miss it, never wrongly.)"""
    if len(a.hyps) > len(b.hyps) or not (
        a.heads <= b.heads or any(inner is None for _, inner in a.heads)
    ):
        return False
    for subst in match([(a.concl, b.concl)], {}):
        if hyps_within(a.hyps, set(b.hyps), subst):
            return True
    return False


def hyps_within(hyps, others, subst):
    """${hyps} are sorted, the large ones first."""
    if not hyps:
        return True
    first = hyps[0]
    for other in others:
        if shape(other) != shape(first) and first.args[0].head is not None:
            continue
        if other.head != first.head:
            continue
        for extended in match([(first, other)], subst):
            if hyps_within(hyps[1:], others - {other}, extended):
                return True
    return False


class Assumption(Exception):
    """Something that was taken for granted does not hold."""


class Problem:
    def __init__(self, limit=3000):
        self.start = []  # clauses as given
        self.secrets = []  # facts that are assumed never to be
        self.data = {TUPLE}  # symbols that everybody can take apart
        self.made = set()  # symbols of which one has only what one made
        self.units = []  # facts without hypotheses
        self.limit = limit
        self.solved, self.waiting = [], []

    def rule(self, hyps, concl, why=""):
        self.start.append((list(hyps), concl, why))

    def secret(self, *facts):
        """Assume that these never are; checked at the end."""
        self.secrets.extend(facts)

    def built(self, *heads):
        """Assume that head(x) is had only by who has x; checked at the end."""
        self.made.update(heads)

    def open(self, *heads):
        """Let everybody take head(x) apart: more than he can, so it is safe."""
        self.data.update(heads)

    # -- normal form ------------------------------------------------------

    def normal(self, hyps, concl, why):
        """Take tuples apart; drop what says nothing."""
        if is_att(concl) and concl.args[0].head in self.data:
            for part in concl.args[0].args:
                yield from self.normal(hyps, f(concl.head, part), why)
            return
        flat, todo = [], deque(hyps)
        while todo:
            h = todo.popleft()
            inner = h.args[0] if is_att(h) else None
            if inner is not None and (
                inner.head in self.data or inner.head in self.made
            ):
                todo.extend(f(h.head, p) for p in inner.args)
            elif h not in flat and not self.is_unit(h):
                flat.append(h)
        if concl in flat:
            return
        if any(matches(s, h) for s in self.secrets for h in flat):
            return
        flat = self.drop_useless(flat, concl)
        yield Clause(flat, concl, why)

    def is_unit(self, fact):
        return any(
            shape(u) == shape(fact) and matches(u, fact) for u in self.units
        )

    @staticmethod
    def drop_useless(hyps, concl):
        """att(x) of an x that stands nowhere else: he has something."""
        counts: dict = {}

        def count(term, seen):
            if term.ground or term in seen:
                return
            seen.add(term)
            if term.head is None:
                counts[term] = counts.get(term, 0) + 1
                return
            for a in term.args:
                count(a, seen)

        for fact in [*hyps, concl]:
            count(fact, set())
        return [
            h
            for h in hyps
            if not (
                is_att(h)
                and h.args[0].head is None
                and counts[h.args[0]] == 1
            )
        ]

    # -- saturation -------------------------------------------------------

    def add(self, clause, queue):
        everyone = self.solved + self.waiting + [c for c in queue if c.alive]
        for other in everyone:
            if other.alive and subsumes(other, clause):
                return
        for other in everyone:
            if other.alive and subsumes(clause, other):
                other.alive = False
        queue.append(clause)

    @staticmethod
    def renamed(clause):
        memo: dict = {}

        def fresh(term):
            if term.ground:
                return term
            done = memo.get(term)
            if done is None:
                if term.head is None:
                    done = var()
                else:
                    done = f(term.head, *map(fresh, term.args))
                memo[term] = done
            return done

        return [fresh(h) for h in clause.hyps], fresh(clause.concl)

    def resolve(self, solved, waiting):
        """${solved}'s conclusion against ${waiting}'s selected hypothesis."""
        goal = waiting.hyps[waiting.selected]
        if shape(solved.concl) != shape(goal) and not (
            solved.concl.head == goal.head
            and is_att(goal)
            and solved.concl.args[0].head is None
        ):
            return
        hyps, concl = self.renamed(solved)
        for subst in unify([(concl, goal)], {}):
            memo: dict = {}
            rest = [
                apply(h, subst, memo)
                for i, h in enumerate(waiting.hyps)
                if i != waiting.selected
            ]
            new = [apply(h, subst, memo) for h in hyps]
            yield from self.normal(
                new + rest,
                apply(waiting.concl, subst, memo),
                (solved, waiting),
            )

    def saturate(self, found=lambda clause: False):
        """Until nothing new follows, or ${found} likes what does."""
        queue: deque = deque()
        self.units = [c for h, c, _ in self.start if not h and is_att(c)]
        self.units = [u for u in self.units if u.args[0].head not in self.data]
        for hyps, concl, why in self.start:
            for clause in self.normal(hyps, concl, why):
                self.add(clause, queue)
        self.steps = 0
        while queue:
            clause = min(queue, key=lambda c: (len(c.hyps), c.concl.size))
            queue.remove(clause)
            if not clause.alive:
                continue
            self.steps += 1
            if self.steps > self.limit:
                raise Assumption("no end of saturation")
            self.solved = [c for c in self.solved if c.alive]
            self.waiting = [c for c in self.waiting if c.alive]
            if clause.selected is None:
                self.solved.append(clause)
                if found(clause):
                    return
                others = [(clause, w) for w in self.waiting]
            else:
                self.waiting.append(clause)
                others = [(s, clause) for s in self.solved]
            for s, w in others:
                for new in self.resolve(s, w):
                    self.add(new, queue)
        self.solved = [c for c in self.solved if c.alive]
        self.check_secrets()

    def check_secrets(self):
        """What was assumed is so: never had, or had by who made it."""
        for clause in self.solved:
            if not is_att(clause.concl):
                continue
            head, inner = clause.concl.head, clause.concl.args[0]
            if inner.head in self.made and not all(
                f(head, a) in clause.hyps or self.is_unit(f(head, a))
                for a in parts(inner, self.made | self.data)
            ):
                raise Assumption(f"not only made: {clause}"[:400])
            hyps, concl = self.renamed(clause)
            for fact in self.secrets:
                for subst in unify([(concl, fact)], {}):
                    # From another one that is never had: fine.
                    if not any(
                        matches(s, apply(h, subst, {}))
                        for s in self.secrets
                        for h in hyps
                    ):
                        raise Assumption(f"not secret: {fact} {clause}"[:400])

    def results(self, head):
        return [c for c in self.solved if c.concl.head == head]
