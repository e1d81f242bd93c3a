"""The handshake of session/PROTOCOL.md, section 5, as Horn clauses.

Each rule carries the label of its step.  Parties are names, their DIDs
pk(sk(name)); c is one whose key the attacker has, all others are honest.  Any
number of parties run any number of handshakes with each other, in both roles,
under any agreements that have the same id.  Unless said otherwise the attacker
is a holder of that agreement, who also has c's key (a member that lies).

Left out, which only helps the attacker: tags need not be new (B3), nonces of
Seal and all lengths; sequence numbers; times.  Hashes, MACs, signatures and
Seal are perfect; k(g^x, g^y) is the Diffie-Hellman value.
"""

from prover import Problem, apply, const, f, t, var, variables


def att(x):
    return f("att", x)


def pk(x):
    return f("pk", x)


def sk(who):
    return f("sk", who)


def did(who):
    return pk(sk(who))


def h(*x):
    return f("h", t(*x))


def kdf(secret, *context):
    return f("kdf", secret, t(*context))


def mac(key, *x):
    return f("mac", key, t(*x))


def seal(key, ad, *x):
    return f("seal", key, ad, t(*x))


def sign(who, x):
    return f("sig", sk(who), x)


A, B, C = const("a"), const("b"), const("c")
ID = const("agreement id")
PUBLIC = (
    "parley session 1 gate to accept confirm derived Rkey Rfin Ikey Ifin "
    "Itraffic Rtraffic resume record"
).split()
L = {name: const(name) for name in PUBLIC}


def attacker(p, fact=att):
    """What anybody can compute."""
    x, y, z = variables(3)
    p.rule([fact(x)], fact(pk(x)))
    p.rule([fact(x)], fact(f("h", x)))
    p.rule([fact(x), fact(y)], fact(f("kdf", x, y)))
    p.rule([fact(x), fact(y)], fact(f("mac", x, y)))
    p.rule([fact(x), fact(y)], fact(f("sig", x, y)))
    p.rule([fact(f("sig", x, y))], fact(y))
    p.rule([fact(x), fact(y)], fact(f("k", pk(x), y)))
    p.rule([fact(x), fact(y), fact(z)], fact(f("seal", x, y, z)))
    p.rule([fact(f("seal", x, y, z)), fact(x)], fact(z))
    # what both ends compute from public data
    p.rule([fact(x)], fact(f("suite of", x)))
    p.rule([fact(x), fact(y)], fact(f("index", x, y)))
    for name in PUBLIC:
        p.rule([], fact(L[name]))


class Run:
    """The values of 4.2 and 4.3 as one end computes them."""

    def __init__(self, broken, propose, tag, offer, accept_clear, dh):
        self.broken = broken
        if "offer" in broken:  # suites and gate are left out of T1
            propose = t(*[x for x in propose.args[:-1] if x is not offer])
        self.tag = tag
        self.t1 = h(h(L["session"]), propose)  # T1
        self.t2 = h(self.t1, accept_clear)  # T2
        secret = [dh, ID]
        if "dh" in broken:
            secret = [ID]
        if "id" in broken:
            secret = [dh]
        self.hs = kdf(self.t2, *secret)  # 4.3
        self.key_r = kdf(self.hs, L["Rkey"], self.t2)
        self.fin_key_r = kdf(self.hs, L["Rfin"], self.t2)
        self.key_i = kdf(self.hs, L["Ikey"], self.t2)
        self.fin_key_i = kdf(self.hs, L["Ifin"], self.t2)

    def envelope_r(self, who, claims):
        """5.5, signed by R over T2."""
        over = [] if "accept transcript" in self.broken else [self.t2]
        message = t(L["accept"], did(who), self.tag, claims, *over)
        return t(message, sign(who, message))

    def envelope_i(self, who, to, claims):
        """5.5, signed by I over T5."""
        over = [] if "confirm transcript" in self.broken else [self.t5]
        message = t(L["confirm"], did(who), to, self.tag, claims, *over)
        return t(message, sign(who, message))

    def after_accept(self, envelope):
        self.t3 = h(self.t2, envelope)  # T3
        self.fin_r = mac(self.fin_key_r, self.t3)  # B7, C6
        self.t4 = h(self.t3, self.fin_r)  # T4
        self.t5 = h(self.t4, L["confirm"], self.tag)  # T5

    def after_confirm(self, envelope, agreement):
        self.t6 = h(self.t5, envelope)  # T6
        self.fin_i = mac(self.fin_key_i, self.t6)  # C8, D5
        self.t7 = h(self.t6, self.fin_i)  # T7
        mixed = [] if "agreement" in self.broken else [agreement]
        master = kdf(kdf(self.hs, L["derived"], self.t7), *mixed)
        self.s_i = kdf(master, L["Itraffic"], self.t7)
        self.s_r = kdf(master, L["Rtraffic"], self.t7)
        self.resume = kdf(master, L["resume"], self.t7)


def gated(broken, tag, offer, e_i, to):
    """propose but for its gate, and the whole: A2, A3."""
    gate_key = kdf(ID, L["gate"])
    fields = [tag, offer, e_i, mac(gate_key, L["to"], tag, to)]
    gate = [] if "gate" in broken else [mac(gate_key, L["gate"], *fields)]
    return t(*fields, *gate)


def initiator(p, broken, only=None):
    u, v, agreement, offer, s = variables(5)
    u, v = only or (u, v)
    secret = f("eI", u, v, agreement, offer, s)
    if "ephemeral" in broken:  # derived from the key that signs
        secret = f("eI", sk(u))
    tag = f("tag", u, v, agreement, offer, s)
    public = [att(agreement), att(offer)]
    propose = gated(broken, tag, offer, pk(secret), did(v))

    # A1-A4
    p.rule(public, att(propose), "A1-A4")

    # C1-C6: what R claims are variables; the signer is V, or is not looked at.
    suite, e_r, inst_r, theirs, index_r = variables(5)
    signer = var() if "roster I" in broken else v
    run = Run(broken, propose, tag, offer, t(tag, suite, e_r),
              f("k", e_r, pk(secret)))
    envelope = run.envelope_r(signer, t(index_r, theirs, inst_r))
    run.after_accept(envelope)
    accept = seal(run.key_r, run.t2, envelope, run.fin_r)
    got = public + [att(suite), att(e_r), att(accept)]

    # C7-C9
    inst_i = f("instance", u, s)
    p.rule(
        got,
        f("end I accept", u, v, tag, suite, pk(secret), run.t4),
        "C6",
    )
    said = run.envelope_i(
        u, did(v), t(f("index", agreement, did(u)), agreement, inst_i)
    )
    run.after_confirm(said, agreement)
    begin = f("begin I", u, v, agreement, offer, suite, inst_i, run.t7)
    p.rule(
        got + [begin],
        att(seal(run.key_i, run.t5, said, run.fin_i)),
        "C7-C9",
    )

    # C10: the agreements, then the indices; and the first record of R.
    if "agreement" not in broken:
        same = {theirs: agreement, index_r: f("index", agreement, did(v))}
    else:
        same = {}
    if "index" in broken:
        same.pop(index_r)
    payload = var()
    ready = got + [begin, att(seal(run.s_r, L["record"], payload))]
    end = f("end I", u, v, agreement, offer, suite, inst_r, run.t7,
            index_r, s)
    secret_i = seal(run.s_i, L["record"], f("message I", u, v, s))
    kept = seal(run.resume, L["record"], f("resume I", u, v, s))
    for fact in (end, att(secret_i), att(kept)):
        hyps, concl = replace(same, ready, fact)
        p.rule(hyps, concl, "C10")


def responder(p, broken, only=None):
    w, agreement, s = variables(3)
    w = only or w
    tag, offer, e_i = variables(3)
    propose = gated(broken, tag, offer, e_i, did(w))
    secret = f("eR", w, agreement, s, tag, offer, e_i)
    if "ephemeral" in broken:
        secret = f("eR", sk(w))
    if "again" in broken:  # one for all runs
        secret = f("eR", *[w] * 6)
    public = [att(agreement)]

    # B1-B4: the gate and `to` are this party's own
    got = public + [att(propose)]
    if "gate" in broken:  # neither is looked at
        got = public + [att(tag), att(offer), att(e_i)]
        to = var()
        propose = t(tag, offer, e_i, to)
        got.append(att(to))

    # B5-B8
    suite = f("suite of", offer)
    inst_r = f("instance", w, s)
    run = Run(broken, propose, tag, offer, t(tag, suite, pk(secret)),
              f("k", e_i, pk(secret)))
    said = run.envelope_r(
        w, t(f("index", agreement, did(w)), agreement, inst_r)
    )
    run.after_accept(said)
    begin = f("begin R accept", w, tag, suite, e_i, run.t4)
    p.rule(
        got + [begin],
        att(t(suite, pk(secret), seal(run.key_r, run.t2, said, run.fin_r))),
        "B5-B8",
    )

    # D1-D6: the signer U is in the roster, and says its index there.
    u, inst_i, theirs, index_i, payload = variables(5)
    signer = var() if "roster R" in broken else u
    claims = t(index_i, theirs, inst_i)
    envelope = run.envelope_i(signer, did(w), claims)
    run.after_confirm(envelope, agreement)
    confirm = seal(run.key_i, run.t5, envelope, run.fin_i)
    same = {}
    if "agreement" not in broken:
        same = {theirs: agreement, index_i: f("index", agreement, did(u))}
    if "index" in broken:
        same.pop(index_i)
    ready = got + [begin, att(confirm)]
    if "roster R" in broken:
        ready.append(f("known", u))

    # D7
    begin_ready = f("begin R", u, w, agreement, offer, suite, inst_r, run.t7)
    end = f("end R", u, w, agreement, offer, suite, inst_i, run.t7,
            index_i, s)
    message = seal(run.s_r, L["record"], f("message R", u, w, s))
    kept = seal(run.resume, L["record"], f("resume R", u, w, s))
    for fact, more in (
        (end, []),
        (att(message), [begin_ready]),
        (att(kept), []),
    ):
        hyps, concl = replace(same, ready + more, fact)
        p.rule(hyps, concl, "D1-D7")
    if "roster R" in broken:
        for who in (A, B, C):
            p.rule([], f("known", who))


def replace(same, hyps, concl):
    """C10, D6: what was claimed is compared with one's own."""
    memo: dict = {}
    return [apply(x, same, memo) for x in hyps], apply(concl, same, memo)


def handshake(broken=(), knows=("id", "dids", "c"), i=None, r=None):
    """The protocol, the attacker, and what he has at the beginning.

    ${i}: who alone dials, and whom; ${r}: who alone listens; None: everybody.
    """
    p = Problem()
    attacker(p)
    p.open("h", "suite of", "index")
    p.built("kdf")
    who = var()
    if "dids" in knows:
        p.rule([], att(did(who)))
    if "id" in knows:
        p.rule([], att(ID))
    else:
        p.secret(att(ID))
    if "c" in knows:
        p.rule([], att(sk(C)))
    for name in (A, B, C):
        p.rule([], att(name))
    initiator(p, broken, i)
    responder(p, broken, r)
    p.secret(att(sk(A)), att(sk(B)))
    if "ephemeral" not in broken:
        p.secret(att(f("eI", *variables(5))), att(f("eR", *variables(6))))
    return p


def later(p, broken):
    """A second time: every long-term secret is out, and so is the id."""

    def att2(x):
        return f("att later", x)

    x = var()
    attacker(p, att2)
    p.rule([att(x)], att2(x))
    p.rule([], att2(sk(x)))
    p.rule([], att2(ID))
    if "ephemeral" in broken:
        p.rule([att2(x)], att2(f("eI", x)))
        p.rule([att2(x)], att2(f("eR", x)))
    else:
        p.secret(att2(f("eI", *variables(5))), att2(f("eR", *variables(6))))
    return att2
