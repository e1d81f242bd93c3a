"""What a program that was linked to libparley relies on, one line each:

    python3 tests/abi.py libparley.so.0 >session/libparley.abi
    python3 tests/abi.py --compare old new

Functions and structs are those of the debug information (by abidw), constants
those of the headers.  Offsets and sizes are bytes of a 64-bit machine.

Compared, a line of the old description may not be missing.  A struct may grow
at its end only where its first member is its size, which tells callers apart.
"""
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

INCLUDES = ["did/include", "comm/include", "session/include"]
HEADERS = ["parley/err.h", "parley/did.h", "parley/comm.h", "parley/session.h"]
GCC = ["gcc", "-std=c11"] + ["-I" + d for d in INCLUDES]


def headers_text():
    text = "".join(f"#include <{h}>\n" for h in HEADERS)
    return subprocess.run(GCC + ["-E", "-P", "-"], input=text, check=True,
                          capture_output=True, text=True).stdout


def join(kind, name):
    return kind + name if kind.endswith("*") else kind + " " + name


class Types:
    def __init__(self, root):
        self.by_id = {e.get("id"): e for e in root.iter() if e.get("id")}

    def name(self, id):
        e = self.by_id[id]
        if e.tag == "pointer-type-def":
            if self.by_id[e.get("type-id")].tag == "function-type":
                return self.function(self.by_id[e.get("type-id")], "(*)")
            name = self.name(e.get("type-id"))
            return name + ("*" if name.endswith("*") else " *")
        if e.tag == "qualified-type-def":
            name = self.name(e.get("type-id"))
            return name + "const" if "*" in name else "const " + name
        if e.tag == "class-decl":
            return "struct " + e.get("name")
        if e.tag == "enum-decl":
            return "enum " + e.get("name")
        if e.tag == "array-type-def":
            lengths = "".join(f"[{s.get('length')}]" for s in e)
            return self.name(e.get("type-id")) + lengths
        return e.get("name")

    def function(self, e, name):
        wanted = [self.name(p.get("type-id")) if p.get("type-id") else "..."
                  for p in e.findall("parameter")]
        result = self.name(e.find("return").get("type-id"))
        return f"{join(result, name)}({', '.join(wanted) or 'void'})"


def members(types, struct, prefix="", at=0):
    """Each member as (offset, type, name); those of unnamed structs, too."""
    for m in struct.findall("data-member"):
        offset = at + int(m.get("layout-offset-in-bits")) // 8
        var = m.find("var-decl")
        inner = types.by_id[var.get("type-id")]
        name = prefix + var.get("name")
        if inner.get("is-anonymous") and inner.tag == "class-decl":
            yield from members(types, inner, name + ".", offset)
        else:
            yield offset, types.name(var.get("type-id")), name


def interfaces(library):
    xml = subprocess.run(["abidw", "--no-show-locs", library], check=True,
                         capture_output=True, text=True).stdout
    root = ET.fromstring(xml)
    types = Types(root)
    public = set(re.findall(r"struct (\w+)\s*{", headers_text()))
    lines = {"soname " + root.get("soname")}
    exported = {e.get("name") for e in root.iter("elf-symbol")
                if e.get("type") == "func-type"
                and e.get("is-defined") == "yes"}
    functions = {f.get("name"): types.function(f, f.get("name"))
                 for f in root.iter("function-decl")
                 if f.get("name") in exported}
    if set(functions) != exported:
        sys.exit(f"not described: {exported - set(functions)}")
    lines.update(functions.values())
    for s in root.iter("class-decl"):
        if s.get("name") not in public or not s.get("size-in-bits"):
            continue
        name = "struct " + s.get("name")
        lines.add(f"{name}: {int(s.get('size-in-bits')) // 8} bytes")
        for offset, kind, member in members(types, s):
            lines.add(f"{name} at {offset:3}: {join(kind, member)}")
    return lines


def constants():
    text = "".join(f"#include <{h}>\n" for h in HEADERS)
    macros = subprocess.run(GCC + ["-dM", "-E", "-"], input=text, check=True,
                            capture_output=True, text=True).stdout
    names = set(re.findall(r"#define (PARLEY_\w+) [^\n]", macros))
    for body in re.findall(r"enum(?: \w+)?\s*{([^}]*)}", headers_text()):
        names.update(re.findall(r"\bPARLEY_\w+(?=\s*(?:[=,]|$))", body))
    names = sorted(n for n in names if not n.endswith("_H"))
    program = text + """#include <stdio.h>
static void text(const char *x) { printf("\\"%s\\"\\n", x); }
static void number(long long x) { printf("%lld\\n", x); }
int main(void)
{
"""
    for n in names:
        program += (f'\tfputs("{n} = ", stdout);\n'
                    f"\t_Generic({n}, char *: text, default: number)({n});\n")
    program += "}\n"
    with tempfile.TemporaryDirectory() as work:
        exe = work + "/constants"
        subprocess.run(GCC + ["-w", "-x", "c", "-", "-o", exe], input=program,
                       check=True, text=True)
        out = subprocess.run([exe], check=True, capture_output=True, text=True)
    return set(out.stdout.splitlines())


def compare(old, new):
    old, new = [open(p).read().splitlines() for p in (old, new)]
    sized = [l.split()[1] for l in old if re.search(r"at   0: size_t size$", l)]
    broken = 0
    for line in old:
        if line in new:
            continue
        grown = re.fullmatch(r"struct (\w+): (\d+) bytes", line)
        if grown and grown[1] in sized:
            sizes = [int(m[1]) for m in (re.fullmatch(
                rf"struct {grown[1]}: (\d+) bytes", l) for l in new) if m]
            if sizes and sizes[0] > int(grown[2]):
                continue
        print("gone or changed:", line)
        broken = 1
    return broken


def main(argv):
    if argv[0] == "--compare":
        return compare(argv[1], argv[2])
    for line in sorted(interfaces(argv[0])) + sorted(constants()):
        print(line)
    return 0


sys.exit(main(sys.argv[1:]))
