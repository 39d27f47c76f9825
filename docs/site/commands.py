# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages of the facade's commands: what docs/COMMANDS.md lists, with an example of each.

The table of commands is docs/site/commands.json; the examples, which tests/commands runs and
compares, are data/commands.json.
"""
import json
import re
import shlex

import rst

RESULTS = {
    "dict": "a map", "stats": "a map of statistics", "str": "text, or a number", "list": "a list",
    "xml": "a document as a map, without its root element",
    "none": "(status, stdout, stderr); status is true on success",
    "tune": "a map; with settings to change, (status, stdout, stderr)",
}
# How wide a line of an example may be before a map or a list takes a line for each item.
WIDTH = 76


def laid_out(data, pad=""):
    """JSON with what is short on one line."""
    text = json.dumps(data, ensure_ascii=False)
    if not isinstance(data, (dict, list)) or len(pad) + len(text) <= WIDTH:
        return text
    inner = pad + "  "
    keys = [f"{json.dumps(key, ensure_ascii=False)}: " for key in data] if isinstance(data, dict) else [""] * len(data)
    items = data.values() if isinstance(data, dict) else data
    lines = [f"{inner}{key}{laid_out(item, inner)}" for key, item in zip(keys, items)]
    begin, end = "{}" if isinstance(data, dict) else "[]"
    return f"{begin}\n" + ",\n".join(lines) + f"\n{pad}{end}"


def of_perl(data):
    """A value as Perl writes it."""
    if isinstance(data, bool):
        return str(int(data))
    if isinstance(data, str):
        return "'" + re.sub(r"([\\'])", r"\\\1", data) + "'"
    if isinstance(data, list):
        return f"[{', '.join(map(of_perl, data))}]"
    if isinstance(data, dict):
        return "{ " + ", ".join(f"{key_of_perl(key)} => {of_perl(item)}" for key, item in data.items()) + " }"
    return "undef" if data is None else str(data)


def key_of_perl(key):
    return key if re.fullmatch(r"[A-Za-z_]\w*", key) else of_perl(key)


class Commands:
    """The commands, and where their pages are."""

    def __init__(self, read, write, api):
        table = json.loads(read("docs/site/commands.json"))
        self.objects = {"": {"about": "the host itself", "aliases": []}, **table["objects"]}
        self.commands, self.write = table["commands"], write
        self.examples = json.loads(read("data/commands.json"))["commands"]
        # The function here for each of libvirt's that only one function calls.
        calling = {}
        for function in api["functions"]:
            for name in function["libvirt"]:
                calling.setdefault(name, []).append(function["name"])
        self.ours = {name: functions[0] for name, functions in calling.items() if len(functions) == 1}

    def linked(self, text):
        """docs/COMMANDS.md with links to the commands."""
        name, lines = "", []
        for line in text.split("\n"):
            title = re.match(r"## (\w+): ", line)
            name = title.group(1) if title else name
            row = re.match(r"\| `(\w+)` \|", line)
            full = row and (f"{name}.{row.group(1)}" if name else row.group(1))
            if full in self.commands:
                line = line.replace(f"`{row.group(1)}`", f"{{ref}}`{row.group(1)} <{self.label(full)}>`", 1)
            lines.append(line)
        return "\n".join(lines)

    @staticmethod
    def label(full):
        return "command-" + re.sub(r"\W|_", "-", full)

    def place(self, first, second):
        """The label of the command that $host->FIRST or $host->FIRST->SECOND calls."""
        of_object = [name for name, about in self.objects.items() if name and first in (name, *about["aliases"])]
        full = f"{of_object[0]}.{second}" if of_object else first
        return self.label(full) if full in self.commands else None

    def pages(self):
        """Writes them."""
        lines = [*rst.title("Commands with examples", "="),
                 "The commands of the host facade, a page for each object. Each has an example with a real result, and the",
                 "functions of libvirt that the example calls. :doc:`/docs/COMMANDS` lists all commands in",
                 "tables, with the rules for arguments and results.", "", ".. toctree::", "   :hidden:", ""]
        lines += [f"   {self._page(name)}" for name in self.objects] + [""]
        for name, about in self.objects.items():
            lines += [f":doc:`{rst.escape(self._title(name, about))} <{self._page(name)}>`",
                      "   " + self._index(name), ""]
            self.write(f"reference/commands/{self._page(name)}.rst", self._object(name, about))
        self.write("reference/commands/index.rst", lines)

    @staticmethod
    def _page(name):
        return name or "host"

    @staticmethod
    def _title(name, about):
        return f"{name}: {about['about']}" if name else "The host itself"

    def _of(self, name):
        return [(full, one) for full, one in self.commands.items() if one["object"] == name]

    def _index(self, name):
        return rst.DOT.join(f":ref:`{one['name']} <{self.label(full)}>`" for full, one in self._of(name))

    def _object(self, name, about):
        lines = [*rst.title(self._title(name, about), "=")]
        lines += [f"In Perl the methods of ``$host->{name}``"
                  + "".join(f", also called ``{alias}``" for alias in about["aliases"]) + ".", ""] if name else []
        lines += [".. container:: topic-index", "", "   " + self._index(name), ""]
        for full, one in self._of(name):
            lines += [f".. _{self.label(full)}:", "", *rst.title(full, "-"), *self._command(full, one)]
        return lines

    def _command(self, full, one):
        example = self.examples[full]
        lines = [rst.escape(one["about"]) + (" Reports progress." if one["progress"] else ""), ""]
        for argument in one["arguments"]:
            facts = [{"bool": "switch", "strings": "list of texts"}.get(argument["kind"], argument["kind"])]
            facts += ["required"] * argument["required"]
            facts += ["by name only"] * (not argument["positional"] and argument["kind"] != "bool")
            rules = [f"One of {', '.join(map(rst.literal, argument['words']))}."] * bool(argument["words"])
            rules += [f"Excludes {', '.join(map(rst.literal, argument['excludes']))}."] * bool(argument["excludes"])
            rules += [f"Requires {' or '.join(map(rst.literal, group))}." for group in argument["requires"]]
            rules += [f"Required without {', '.join(map(rst.literal, argument['unless']))}."] * bool(argument["unless"])
            about = argument["about"][:1].upper() + argument["about"][1:]
            lines += [f"{rst.literal(argument['name'])} : {', '.join(facts)}",
                      f"   {rst.escape(about)}. " + " ".join(rules), ""]
        lines += [f"Result: {RESULTS[one['result']]}.", ""]
        if "args" in example:
            lines += self._example(full, one, example)
        else:
            lines += [f"No example: {rst.escape(example['fails'])}.", ""]
        said = [f"In virsh: ``{one['virsh']}``."] if one["virsh"] else []
        return lines + [".. container:: facts", "", "   " + " ".join([*said, self._calls(full, example)]), ""]

    def _calls(self, full, example):
        names = [f"``{name}``" + (f" (:c:func:`{self.ours[name]}`)" if name in self.ours else "")
                 for name in example["libvirt"]]
        if names:
            return f"libvirt: {', '.join(names)}."
        if full.startswith("image."):
            return "Calls nothing of libvirt: runs QEMU's programs on this machine."
        return "Calls nothing of libvirt, which has answered before."

    def _example(self, full, one, example):
        args = example["args"]
        places, named = (args, {}) if isinstance(args, list) else (args["args"], {k: v for k, v in args.items() if k != "args"})
        given = [of_perl(item) for item in places] + [f"{key_of_perl(key)} => {of_perl(item)}" for key, item in named.items()]
        path = full.replace(".", "->")
        left = "my ($ok, $out, $error)" if isinstance(example["result"], list) and one["result"] in ("none", "tune") \
            else "my $result"
        perl = f"{left} = $host->{path}({', '.join(given)});" if given else f"{left} = $host->{path};"
        c = f'/* args: the value of the JSON below */\nvkvm_host_call(host, "{full}", args, &result, &error);'
        c = c if places or named else f'vkvm_host_call(host, "{full}", NULL, &result, &error);'
        c_lines = [*rst.code("c", c)] + (rst.code("json", laid_out(args)) if places or named else [])
        perl_lines = rst.code("perl", perl if len(perl) <= WIDTH + 12 else perl.replace("(", "(\n    ", 1)
                              if left == "my $result" else perl.replace("= $host", "=\n  $host", 1))
        where = example["on"] if example["on"] != "the test driver" else "libvirt's test driver"
        where = "this machine" if full.startswith("image.") else where
        lines = [".. container:: languages", ""]
        for language, name, body in (("c", "C", c_lines), ("perl", "Perl", perl_lines)):
            lines += [f"   .. container:: tab tab-{language}", "", "      .. container:: tab-name", "",
                      f"         {name}", "", *rst.indent(body, 6)]
        shell = self._shell(full, places, named)
        lines += [f"In the shell: ``{shell}``", ""] if shell else []
        said = f"Its result on {where}" + (f", which fails: {example['fails']}" if "fails" in example else "")
        return lines + [f"{rst.escape(said)}:", "", *rst.code("json", laid_out(example["result"]))]

    @staticmethod
    def _shell(full, places, named):
        """The command line, if all arguments are words."""
        words = [*places, *(item for item in named.values() if item is not True)]
        if full == "virsh" or any(not isinstance(word, (str, int)) or isinstance(word, bool) for word in words) \
                or any(isinstance(word, str) and (not word or "'" in word) for word in words):
            return None
        line = ["vkvm", full, *map(str, places)]
        for key, item in named.items():
            line += [f"--{key}"] if item is True else [f"--{key}", str(item)]
        return " ".join(map(shlex.quote, line))
