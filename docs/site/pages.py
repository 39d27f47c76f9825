#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the source of the site from the API file, the POD and the guide.

usage: pages.py FOLDER

Below FOLDER the documents stand as they do in the project, so their links hold, and names of
functions, constants and methods in them lead to the reference. That is in reference/ (a page for
each class, for C and Perl together, and one for its constants; a page for each object with
commands) and in perl/.
"""
import json
import os
import re
import shutil
import sys

import commands
import names
import pod
import rst

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = sys.argv[1]
DOCUMENTS = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/ABI.md", "docs/ARCHITECTURE.md", "docs/BINDINGS.md", "docs/COMMANDS.md",
             "docs/DIFFERENCES.md", "docs/PLATFORMS.md", "docs/SWITCHING.md", "examples/README.md",
             "harness/README.md"]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as opened:
        return opened.read()


def write(path, lines):
    path = os.path.join(OUT, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as opened:
        opened.write(lines if isinstance(lines, str) else "\n".join(lines) + "\n")


API = json.loads(read("vkvm-api.json"))
CLASSES = json.loads(read("data/classes.json"))
TEXTS = rst.Texts(API)
GROUPS = {group["name"]: group for group in API["enums"]}
FUNCTIONS = {function["name"]: function for function in API["functions"]}
OBJECTS = {one["name"]: one for one in API["classes"]}
PACKAGES = {one["perl"]: one["name"] for one in CLASSES if "perl" in one}


# --- The documents

def guide():
    """The pages of the guide, in the order of its index."""
    return re.findall(r"^\| \[(\w[\w-]*\.md)\]", read("docs/guide/index.md"), re.M)


def documents():
    paths = ["README.md", *DOCUMENTS, "docs/guide/index.md", *(f"docs/guide/{name}" for name in guide())]
    for name in paths:
        folder, text = os.path.dirname(name), read(name)
        for target in set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)):
            path = os.path.normpath(os.path.join(folder, target))
            if path == "README.md":
                text = text.replace(f"]({target}", "](" + os.path.relpath("index.md", folder or "."))
            elif path in paths:
                continue
            elif os.path.isfile(f"{ROOT}/{path}"):
                copy(path)
            elif os.path.isdir(f"{ROOT}/{path}") and f"{path}/README.md" in paths:
                text = re.sub(rf"\]\({re.escape(target)}/?\)", f"]({target.rstrip('/')}/README.md)", text)
            elif os.path.isdir(f"{ROOT}/{path}"):
                # A folder has no page.
                text = re.sub(rf"\[([^]]*)\]\({re.escape(target)}/?\)", r"\1", text)
            else:
                sys.exit(f"{name}: {target} is not there")
        text = titled(text, folder)
        # In the tables of commands a name is one of an object.
        head, mark, rest = text.partition("\n## " if name == "docs/COMMANDS.md" else "\0")
        text = NAMES.linked(head) + COMMANDS.linked(mark + rest)
        write("index.md" if name == "README.md" else name, text + (toctrees() if name == "README.md" else ""))


def titled(text, folder):
    """Links whose text is the name of a file get the title of that document."""
    def title(match):
        path = os.path.normpath(os.path.join(folder, match.group(2)))
        found = re.search(r"^# (.*)$", read(path), re.M) if os.path.isfile(f"{ROOT}/{path}") else None
        return f"[{found.group(1) if found else match.group(1)}]({match.group(2)}{match.group(3)})"

    return re.sub(r"\[([\w/.-]+\.md)\]\(([^)#]+)((?:#[^)]*)?)\)", title, text)


def copy(path):
    target = os.path.join(OUT, path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(os.path.join(ROOT, path), target)


def toctrees():
    def tree(caption, names):
        return ["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *names, "```"]

    return "\n".join(
        tree("Guide", ["docs/guide/index", *(f"docs/guide/{name[:-3]}" for name in guide())])
        + tree("Reference", ["reference/index", "reference/events", "reference/errors", "reference/commands/index",
                             "Table of commands <docs/COMMANDS>", "docs/METRICS",
                             "perl/index"])
        + tree("More", ["docs/DIFFERENCES", "docs/SWITCHING", "docs/PLATFORMS", "examples/README", "docs/BINDINGS",
                        "docs/ABI", "docs/ARCHITECTURE", "harness/README", "CONTRIBUTING", "SECURITY", "CHANGELOG"])) + "\n"


# --- The reference

def first(text):
    """The first sentence."""
    return re.split(r"(?<=\.)\s", text.split("\n\n")[0], maxsplit=1)[0]


def is_constants(name):
    return any(group["class"] == name for group in API["enums"])


def declaration(function):
    params = []
    for param in function["params"]:
        params.append(f"{param['c_type']} {param['name']}".replace("* ", "*"))
        if "length" in param:
            star = "*" if param["direction"] == "out" and param["kind"] != "buffer" else ""
            params.append(f"size_t {star}{param['length']}")
    returns = function["returns"]
    c_type = "int" if returns == "status" else returns["c_type"]
    return f"{c_type} {function['name']}({', '.join(params) or 'void'})"


def enums(names, flags):
    """Links to groups of constants."""
    links = ", ".join(f":ref:`group-{name}`" for name in names)
    return f"{'Flags' if flags else 'Constants'}: {links}."


def fields(described, depth=1):
    """The keys of a map, and its groups of keys."""
    lines = []
    for field in described.get("fields", ()):
        facts = [field["type"].replace("_", " ")]
        facts += [field["unit"]] if "unit" in field else []
        facts += [word for word in ("nullable", "optional") if field.get(word)]
        lines += [f"{rst.literal(field['name'])} : {rst.escape(', '.join(facts))}",
                  "   " + TEXTS.inline(field["doc"])]
        lines += ["", "   " + enums(field["enum"], field.get("flags"))] if "enum" in field else []
        lines += ["", *rst.indent(fields(field, depth + 1))] if "fields" in field or "keys" in field else []
        lines.append("")
    if "keys" in described:
        lines += ["Keys: " + ", ".join(f":ref:`group-{name}`" for name in described["keys"]) + ".", ""]
    return lines


def parameter(param):
    facts = [{"self": "the object", "in": "in", "out": "out", "error": "out"}[param["direction"]]]
    facts += [param["kind"].replace("_", " ") + (f" of {param['class']}" if "class" in param else "")]
    facts += ["may be NULL"] if param.get("nullable") and param["direction"] != "error" else []
    facts += ["the result may be NULL"] if param.get("result_nullable") else []
    facts += [f"default {param['default']}"] if "default" in param else []
    facts += [f"since libvirt {param['since']}"] if "since" in param else []
    facts += ["consumed"] if param["direction"] == "in" and param.get("transfer") == "full" else []
    text = {"self": "The object.", "error": "What went wrong; may be NULL."}.get(param["direction"]) or \
        TEXTS.inline(param.get("doc", "")) or "The object."
    lines = [f"{rst.literal(param['name'])} : {rst.escape(', '.join(facts))}", "   " + text]
    lines += ["", "   " + enums(param["enum"], param["flags"])] if "enum" in param else []
    if "free" in param:
        lines += ["", f"   Free it with :c:func:`{param['free']}`."]
    lines += ["", *rst.indent(fields(param))] if "fields" in param or "keys" in param else []
    if "length" in param:
        lines += ["", f"{rst.literal(param['length'])} : length",
                  "   " + (TEXTS.inline(param.get("length_doc", "")) or "How many there are.")]
    return lines + [""]


def of_c(function):
    lines = []
    for param in function["params"]:
        lines += parameter(param)
    if function["returns"] != "status":
        lines += ["Returns " + (TEXTS.inline(function["returns"]["doc"] or "") or "nothing") + ".", ""]
    example = function.get("example", {}).get("c")
    return lines + (["Example:", "", *rst.code("c", example)] if example else [])


def of_perl(function, methods):
    """The method of the POD that a function is."""
    package, _, name = function.get("perl_sub", "").rpartition("::")
    method = methods.get((package, name)) or methods.get((package, name.lstrip("_")))
    lines = []
    if method:
        # The first paragraph is the call; what is said of C is not repeated.
        pieces = [piece for piece in method if not piece.startswith("libvirt: ")]
        pieces = pieces[:pieces.index("Example:")] if "Example:" in pieces else pieces
        said = function["doc"].split("\n\n")
        at = next((i for i, piece in enumerate(pieces) if piece.startswith("=over")), len(pieces))
        if len(pieces) > at:
            pieces = [one for one in pieces[:at] if one.startswith(" ")] + pieces[at:]
        elif said:
            pieces = [one for one in pieces if one.startswith(" ")] or pieces
        lines = pod.convert(pieces, perl_link)
    elif "perl_call" in function:
        lines = [rst.literal(function["perl_call"]), ""]
    example = function.get("example", {}).get("perl")
    if example:
        lines += ["Example:", "", *rst.code("perl", example)]
    return lines or ["Perl has no such method.", ""]


def facts(function):
    lines = []
    if function.get("errors"):
        lines += ["Errors, besides :doc:`those of every function </reference/errors>`:", ""]
        for case in function["errors"]:
            lines += [f":c:macro:`{case['code']}`", f"   {TEXTS.inline(case['when'])}", ""]
    said = ["Since libvirt " + function["since"] + "."] if "since" in function else []
    said += ["May wait for a daemon, a guest or an event."] if function["blocks"] else ["Does not wait."]
    said += ["Not reached by :c:func:`vkvm_invoke`."] if not function["invokable"] else []
    said += ["libvirt: " + ", ".join(rst.literal(name) for name in function["libvirt"]) + "."] * bool(function["libvirt"])
    return lines + [".. container:: facts", "", "   " + " ".join(said), ""]


def entry(function, methods):
    body = TEXTS.paragraphs(function["doc"])
    body += [".. container:: languages", ""]
    for language, name, lines in (("c", "C", of_c(function)), ("perl", "Perl", of_perl(function, methods))):
        body += [f"   .. container:: tab tab-{language}", "",
                 "      .. container:: tab-name", "", f"         {name}", "", *rst.indent(lines, 6)]
    body += facts(function)
    return [f".. c:function:: {declaration(function)}", "", *rst.indent(body), ""]


def type_entry(callback):
    params = ", ".join(f"{param['c_type']} {param['name']}".replace("* ", "*") for param in callback["params"])
    declared = f"{callback['returns']['c_type']} (*{callback['c_type']})({params})"
    return [f".. c:type:: {declared}", "", *rst.indent(TEXTS.paragraphs(callback["doc"])), ""]


def struct_entry(struct):
    lines = [f".. c:struct:: {struct['c_type']}", "", *rst.indent(TEXTS.paragraphs(struct["doc"]))]
    for member in struct["members"]:
        params = ", ".join(f"{param['c_type']} {param['name']}".replace("* ", "*") for param in member["params"])
        lines += [f"   .. c:member:: {member['returns']['c_type']} (*{member['name']})({params})", "",
                  *rst.indent(TEXTS.paragraphs(member["doc"]), 6)]
    return lines + [""]


def owners():
    """The class whose page has each type of the caller's functions: the first that uses it."""
    types = {one["c_type"]: [param for member in one.get("members", ()) for param in member["params"]]
             for kind in ("callbacks", "structs") for one in API[kind]}
    found = {}

    def own(params, name):
        for param in params:
            c_type = param["c_type"].replace("const ", "").rstrip(" *")
            if c_type in types and c_type not in found:
                found[c_type] = name
                own(types[c_type], name)

    for one in CLASSES:
        for function in API["functions"]:
            if function["class"] == one["name"]:
                own(function["params"], one["name"])
    return found


def macros():
    """The macros for the version, which only the header has."""
    lines = rst.title("At compile time", "-")
    for text, name in re.findall(r"^/\*\* (.*?) \*/\n#define (VKVM_(?:VERSION|CHECK)\w*(?:\([^)]*\))?)",
                                 read("include/vkvm.h"), re.M | re.S):
        lines += [f".. c:macro:: {name}", "", *rst.indent([TEXTS.inline(" ".join(text.split()))]), ""]
    return lines


def class_page(one, methods, owner):
    name, topics = one["name"], [topic for topic in API["topics"] if topic["class"] == one["name"]]
    lines = [f".. _class-{name}:", "", *rst.title(one["title"], "=")]
    if name in OBJECTS:
        lines += [f".. c:type:: vkvm_{name}", "", *rst.indent(TEXTS.paragraphs(OBJECTS[name]["doc"])), ""]
    links = [f"Perl: :doc:`{one['perl']} </perl/{one['perl'].replace('::', '-')}>`"] if "perl" in one else []
    links += [f":doc:`constants </reference/{name}-constants>`"] if is_constants(name) else []
    lines += [rst.DOT.join(links), ""] if links else []
    lines += [".. container:: topic-index", ""]
    for topic in topics:
        functions = rst.DOT.join(f":c:func:`{FUNCTIONS[n]['method']} <{n}>`" for n in topic["functions"])
        lines += [f"   **{rst.escape(topic['title'])}**: {functions}", ""]
    mine = [callback for callback in API["callbacks"] if owner.get(callback["c_type"]) == name]
    structs = [struct for struct in API["structs"] if owner.get(struct["c_type"]) == name]
    if mine or structs:
        lines += rst.title("Types", "-")
        for callback in mine:
            lines += type_entry(callback)
        for struct in structs:
            lines += struct_entry(struct)
    if name == "library":
        lines += macros()
    for topic in topics:
        lines += rst.title(topic["title"], "-")
        for function in topic["functions"]:
            lines += entry(FUNCTIONS[function], methods)
    write(f"reference/{name}.rst", lines)


def perl_name(group, value):
    """A constant's name in Perl: the function of its package."""
    package = next((one["perl"] for one in CLASSES if one["name"] == group["class"] and "perl" in one), None)
    name = next(c["name"] for c in API["constants"] if c["c_name"] == value["c_name"])
    return f"{package}::{name}" if package else name


def constants_page(one):
    lines = [*rst.title(f"Constants of {one['title'][0].lower()}{one['title'][1:]}", "="),
             f"See :ref:`class-{one['name']}`. The group's name is for :c:func:`vkvm_enum_get_name` and",
             "``VKVM::enum_name``.", ""]
    for group in (group for group in API["enums"] if group["class"] == one["name"]):
        lines += [f".. _group-{group['name']}:", "", *rst.title(re.sub("`", "", group["doc"]), "-")]
        lines += [f"Group {rst.literal(group['name'])}" + ("; flags, to be combined with ``|``." if group["flags"] else ".")
                  + (" Other numbers are valid, too." if group["open"] else ""), ""]
        for value in group["values"]:
            facts = [f"{value['value']!r}" if isinstance(value["value"], str) else str(value["value"])]
            facts += [", ".join(value[key] for key in ("type", "unit") if key in value)] * ("type" in value)
            text = f"{rst.literal(facts[0])} · {rst.literal(perl_name(group, value))}"
            text += f" · {rst.escape(facts[1])}" if len(facts) > 1 else ""
            text += f" · since libvirt {value['since']}" if value["since"] else ""
            lines += [f".. c:macro:: {value['c_name']}", "", f"   {TEXTS.inline(value['doc'])}", "",
                      "   .. container:: facts", "", f"      {text}", ""]
    write(f"reference/{one['name']}-constants.rst", lines)


def index_page():
    lines = [*rst.title("Reference", "="), "A page for each class, for C and Perl together. The functions by topic:", ""]
    lines += [".. toctree::", "   :hidden:", ""]
    for one in CLASSES:
        lines += [f"   {one['name']}"] + [f"   {one['name']}-constants"] * is_constants(one["name"])
    lines.append("")
    for one in CLASSES:
        lines += rst.title(one["title"], "-")
        if one["name"] in OBJECTS:
            lines += [TEXTS.inline(first(OBJECTS[one["name"]]["doc"])), ""]
        lines += [f"See :ref:`class-{one['name']}`" + (f" and :doc:`its constants <{one['name']}-constants>`."
                                                        if is_constants(one["name"]) else "."), ""]
        for topic in (topic for topic in API["topics"] if topic["class"] == one["name"]):
            lines += [f"**{rst.escape(topic['title'])}**", ""]
            for name in topic["functions"]:
                lines += [f":c:func:`{FUNCTIONS[name]['method']} <{name}>`",
                          "   " + TEXTS.inline(first(FUNCTIONS[name]["doc"])), ""]
    write("reference/index.rst", lines)


def events_page():
    lines = [*rst.title("Events", "="), "The values in ``args`` of callbacks and queues, by the kind of the event.", ""]
    last = None
    for event in API["events"]:
        if event["class"] != last:
            last = event["class"]
            lines += rst.title(next(one["title"] for one in CLASSES if one["name"] == last), "-")
        lines += rst.title(event["name"].replace("_", " "), "~")
        lines += [f"Kind: :c:macro:`{event['id']}`", ""] if event["id"] else []
        lines += fields({"fields": event["args"]}) if event["args"] else ["No values.", ""]
    write("reference/events.rst", lines)


def errors_page():
    lines = [*rst.title("Errors", "="), "A function that can fail returns 0, or -1 with an error. In Perl it dies with a",
             ":doc:`VKVM::Error </perl/VKVM-Error>`. The page of a function lists the errors to expect of it. These",
             "may come from any function:", ""]
    for case in API["common_errors"]:
        lines += [f":c:macro:`{case['code']}`", "   " + TEXTS.inline(case["when"])
                  + (" (functions that call libvirt)" if case["libvirt"] else ""), ""]
    lines += ["All codes: :ref:`group-error_code`, :ref:`group-error_own_code`.", ""]
    write("reference/errors.rst", lines)


# --- Perl

def pods():
    """The POD of each module, by its name."""
    found = {}
    for folder, _, names in sorted(os.walk(f"{ROOT}/perl/lib")):
        for name in names:
            path = os.path.join(folder, name)
            module = os.path.relpath(path, f"{ROOT}/perl/lib").rsplit(".", 1)[0].replace("/", "::")
            text = read(os.path.relpath(path, ROOT))
            has_pod = re.search(r"^=head1 NAME", text, re.M)
            if name.endswith((".pod", ".pm")) and has_pod and "/SysVirt/lib/" not in path:
                found[module] = "\n".join(re.findall(r"^(?:=\w.*?)(?=^=cut|\Z)", text, re.M | re.S))
    return found


def label(module, section):
    return f"perl-{module}-{section}".replace(":", "-").replace(" ", "-").lower()


def perl_link(target, here=None):
    """A link of POD: NAME, NAME/SECTION, /SECTION, or one of these behind TEXT|."""
    text, _, place = target.rpartition("|")
    module, _, section = place.partition("/")
    section = section.strip('"')
    shown = text or section or module
    if re.match(r"https?:", place):
        return f"`{rst.escape(text or place)} <{place}>`__"
    module = module or here or ""
    known = PODS.get(module)
    if known and section and section in SECTIONS[module]:
        return f":ref:`{rst.escape(shown)} <{label(module, section)}>`"
    if known:
        return f":doc:`{rst.escape(shown)} </perl/{module.replace('::', '-')}>`"
    return rst.literal(shown)


def perl_pages():
    lines = [*rst.title("Perl modules", "="), "The pages that ``perldoc`` shows.", "", ".. toctree::", "   :maxdepth: 1", ""]
    for module, text in sorted(PODS.items()):
        pieces = pod.paragraphs(text)
        seen = set()

        def once(section, module=module, seen=seen):
            found = label(module, section)
            while found in seen:
                found += "-again"
            seen.add(found)
            return found

        body = pod.convert(pieces, lambda target, module=module: perl_link(target, module), once, "-~^")
        name = module.replace("::", "-")
        write(f"perl/{name}.rst", [*rst.title(module, "="), *body])
        lines.append(f"   {module} <{name}>")
    write("perl/index.rst", lines)


def methods_of_pods():
    """What the POD says of each method, by package and name."""
    found = {}
    for module, text in PODS.items():
        name = None
        for piece in pod.paragraphs(text):
            if piece.startswith("=head"):
                name = pod.plain(piece.split(" ", 1)[1]).strip() if piece.startswith("=head2 ") else None
                found[module, name] = []
            elif name:
                found[module, name].append(piece)
    return found


PODS = pods()
SECTIONS = {module: {pod.plain(one) for one in re.findall(r"^=head[123] (.*)$", text, re.M)}
            for module, text in PODS.items()}
METHODS, OWNERS = methods_of_pods(), owners()
COMMANDS = commands.Commands(read, write, API)
NAMES = names.Names(API, METHODS, label, COMMANDS)
documents()
for described in CLASSES:
    class_page(described, METHODS, OWNERS)
    if is_constants(described["name"]):
        constants_page(described)
index_page()
events_page()
errors_page()
COMMANDS.pages()
perl_pages()
shutil.copytree(f"{ROOT}/docs/site/static", f"{OUT}/static")
shutil.copyfile(f"{ROOT}/docs/site/conf.py", f"{OUT}/conf.py")
