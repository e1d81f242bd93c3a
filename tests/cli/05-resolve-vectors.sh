# Every did:key vector resolves as it says, at the command line too.

claim 'keys and relations of every document are those of the vector'
python3 - "$here/../../vectors/did-key" "$DID_CLI" <<'END' || fail 'vectors'
import glob, json, subprocess, sys

directory, program = sys.argv[1:]
RELATIONS = ["authentication", "assertionMethod", "keyAgreement",
             "capabilityInvocation", "capabilityDelegation"]
n = n_bad = 0


def resolve(did):
    p = subprocess.run([program, "resolve", did, "--json"], text=True,
                       capture_output=True)
    return p.returncode, json.loads(p.stdout)


def check(v):
    did = v["did"]
    code, result = resolve(did)
    document = result["didDocument"]
    if code != 0 or document["id"] != did:
        return False
    ids = {did + "#" + m["fragment"] for m in v["methods"]}
    if {m["id"] for m in document["verificationMethod"]} != ids:
        return False
    for m in document["verificationMethod"]:
        if m["id"] != did + "#" + m["publicKeyMultibase"]:
            return False
    return all(sorted(document.get(r, [])) ==
               sorted(did + "#" + f for f in v["relations"].get(r, []))
               for r in RELATIONS)


for path in sorted(glob.glob(directory + "/*.json")):
    file = json.load(open(path))
    for v in file["vectors"]:
        if "did" not in v:
            continue
        if "methods" in v:
            good = check(v)
        else:
            bad = "PARLEY_ERR" in v.get("expect", file.get("expect", ""))
            code, result = resolve(v["did"])
            good = (code, result["didDocument"] is None) == (int(bad), bad)
        n += 1
        if not good:
            n_bad += 1
            print("wrong:", path, v["did"], file=sys.stderr)
print(n, "vectors,", n_bad, "wrong")
sys.exit(n == 0 or n_bad > 0)
END
