"""Resume, challenge and answer of session/PROTOCOL.md, 5.6, as Horn clauses.

A channel CH is what a handshake left: the secret `resume`, which the attacker
does not have (prove.py shows that of the handshake).  He has the agreement's id,
and so can make gates and masks; they are left out.  Either end may dial, any
number of times, at once.
"""

from handshake import attacker, att, kdf, mac
from prover import Problem, const, f, t, var, variables


def resume(broken=()):
    p = Problem()
    attacker(p)
    p.open("h")
    channel = var()
    secret = f("resume", channel)
    label = {r: const(f"{r} resume") for r in "IR"}
    names = ["resume", "challenge", "answer"]
    word = {name: const(name) for name in names}
    for fact in [*label.values(), *word.values(), const("I"), const("R")]:
        p.rule([], att(fact))
    key = {r: kdf(secret, label["I" if "roles" in broken else r]) for r in "IR"}
    for x, y in (("I", "R"), ("R", "I")):
        dial(p, broken, channel, key, word, x, y)
        listen(p, broken, channel, key, word, x, y)
    p.secret(att(f("resume", var())))
    p.secret(*[att(kdf(f("resume", var()), label[r])) for r in "IR"])
    return p


def dial(p, broken, channel, key, word, x, y):
    s, b, next_y, next_x = variables(4)
    a = f("a", channel, const(x), s)

    # E1
    p.rule([], att(t(a, mac(key[x], word["resume"], a))))

    # E2, E3
    over = [b, next_y] if "a" in broken else [a, b, next_y]
    challenge = mac(key[y], word["challenge"], *over)
    got = [att(b), att(next_y), att(next_x), att(challenge)]
    p.rule(got, f("end X", channel, const(y), a, b, next_y, a), "E2")
    over = [a, next_x] if "b" in broken else [a, b, next_x]
    begin = f("begin X", channel, const(x), a, b, next_x)
    p.rule(got + [begin], att(mac(key[x], word["answer"], *over)), "E3")


def listen(p, broken, channel, key, word, x, y):
    s, a, next_y, next_x = variables(4)

    # F1-F3
    resume = [att(a), att(mac(key[x], word["resume"], a)), att(next_y)]
    b = f("b", channel, const(y), s)
    over = [b, next_y] if "a" in broken else [a, b, next_y]
    begin = f("begin Y", channel, const(y), a, b, next_y)
    challenge = mac(key[y], word["challenge"], *over)
    p.rule(resume + [begin], att(t(b, challenge)), "F3")

    # F4
    over = [a, next_x] if "b" in broken else [a, b, next_x]
    answer = mac(key[x], word["answer"], *over)
    p.rule(
        resume + [begin, att(next_x), att(answer)],
        f("end Y", channel, const(x), a, b, next_x, b),
        "F4",
    )
