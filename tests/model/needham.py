"""The public-key protocol of Needham and Schroeder, to test the prover: Lowe's
attack is found, and his correction (R's name in the second message) is proved.
"""

from handshake import A, B, C, att, did, sk
from proof import Proof, correspondence
from prover import Problem, f, t, var, variables


def penc(to, *x):
    return f("penc", did(to), t(*x))


def protocol(broken):
    p = Problem()
    x, y = variables(2)
    p.rule([att(x)], att(f("pk", x)))
    p.rule([att(x), att(y)], att(f("penc", x, y)))
    p.rule([att(f("penc", f("pk", x), y)), att(x)], att(y))
    p.rule([], att(did(var())))
    p.rule([], att(sk(C)))

    u, v, s, other = variables(4)
    mine = f("nI", u, v, s)
    name = [] if "name" in broken else [did(v)]
    p.rule([], att(penc(v, mine, did(u))))
    p.rule(
        [att(penc(u, mine, other, *name)), f("begin I", u, v, mine, other)],
        att(penc(v, other)),
    )
    mine = f("nR", v, u, s, other)
    first = att(penc(v, other, did(u)))
    p.rule([first], att(penc(u, other, mine, *name)))
    p.rule([first, att(penc(v, mine))], f("end R", u, v, other, mine))
    p.secret(att(sk(A)), att(sk(B)))

    proof = Proof(p)
    proof.end("end R", correspondence("begin I", 1, 0, 4, 3, "R knows I"))
    proof.never(att(f("nR", B, A, *variables(2))), "secrecy of R's nonce")
    return proof
