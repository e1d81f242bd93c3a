"""Manual pages of single commands, out of that of all of them.

    python3 split.py did-cli.1 DIRECTORY

A page has the synopsis of its commands, the sections of the description that
are about them, and the exit status.  So did-cli.1 is the one text to maintain.
"""
import os
import re
import sys

# page: its commands, further sections, other pages, and what it is about
PAGES = {
    "identity": (["identity"], ["Passphrases"], ["openssl-genpkey 1"],
                 "make, list, show, import and export identities"),
    "resolve": (["resolve"], [], [], "show the document of a DID"),
    "envelope": (["pack", "unpack", "sign", "verify"],
                 ["Passphrases", "Resolution"], ["did-cli-invite 1"],
                 "pack, unpack, sign and verify DIDComm messages"),
    "invite": (["invite"], [], ["did-cli-envelope 1"],
               "make and show invitations"),
    "agreement": (["agreement"], [], ["did-cli-run 1", "parley-agreement 5"],
                  "make, show and check agreements"),
    "ping": (["ping"], ["Passphrases"], ["parley-agreement 5"],
             "open a session and measure round trips"),
    "run": (["run"], ["Passphrases"],
            ["did-cli-agreement 1", "did-cli-ping 1", "did-cli-receipt 1",
             "parley-agreement 5", "sessiond 8"],
            "run a program whose connections go through a session"),
    "receipt": (["receipt"], [], ["did-cli-run 1", "parley-agreement 5"],
                "verify what parties signed"),
    "status": (["status"], [], ["did-cli-run 1", "sessiond 8"],
               "show the sessions that sessiond holds"),
}


def split(text, macro):
    """Title to text of the parts that begin with a line of this macro."""
    parts = re.split(rf"^\.{macro} (.*)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def is_about(section, command):
    return re.search(rf"^\.It Cm {command}\b|\A\.Cm {command}\b", section,
                     re.M) is not None


def page(name, whole, chapters, sections):
    commands, further, others, what = PAGES[name]
    entries = re.split(r"^(?=\.Nm did-cli\n)", chapters["SYNOPSIS"],
                       flags=re.M)
    synopsis = [e for e in entries if re.search(
        rf"\A\.Nm did-cli\n\.Cm ({'|'.join(commands)})\b", e)]
    about = [t for t in sections
             if any(is_about(sections[t], c) for c in commands)]
    if not synopsis or not about:
        sys.exit(f"did-cli.1 does not say what 'did-cli {name}' is")
    body = "".join(sections[t] for t in about)
    body += "".join(f".Ss {t}\n{sections[t]}" for t in further
                    if t not in about)
    # References to sections that are elsewhere now.
    body = re.sub(r"^\.Sx (\w+)", lambda m: ".Xr did-cli-"
                  + m[1].lower() + " 1", body, flags=re.M)
    others = sorted(others + ["did-cli 1"],
                    key=lambda o: (o.split()[1], o.split()[0]))
    see = " ,\n".join(".Xr " + o for o in others)
    text = (re.match(r"\.Dd .*\n", whole)[0]
            + f".Dt DID-CLI-{name.upper()} 1\n.Os Parley\n.Sh NAME\n"
            + f".Nm did-cli-{name}\n.Nd {what}\n"
            + f".Sh SYNOPSIS\n{''.join(synopsis)}"
            + f".Sh DESCRIPTION\n{body}"
            + f".Sh EXIT STATUS\n{chapters['EXIT STATUS']}"
            + f".Sh SEE ALSO\n{see}\n")
    return re.sub(r"^\.Nm$", ".Nm did-cli", text, flags=re.M)


def main(source, directory):
    with open(source) as f:
        whole = f.read()
    chapters = split(whole, "Sh")
    sections = split(chapters["DESCRIPTION"], "Ss")
    for name in PAGES:
        with open(os.path.join(directory, f"did-cli-{name}.1"), "w") as f:
            f.write(page(name, whole, chapters, sections))


main(*sys.argv[1:])
