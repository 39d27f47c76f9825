# SPDX-License-Identifier: LGPL-2.1-or-later
"""reStructuredText, and the texts of the API file in it."""
import re

# Between the items of a line; no line begins with it.
DOT = "\u00a0· "


def escape(text):
    """Text that means nothing to Sphinx."""
    return re.sub(r"([\\*`|_])", r"\\\1", text)


def literal(code):
    """Code within a line."""
    code = code.strip()
    return f"``{code}``" if code and not code.endswith("\\") else escape(code)


def glued(markup):
    """Markup within a line, whatever stands beside it."""
    return f"\\ {markup}\\ " if markup else ""


def title(text, mark):
    """A heading; escaping makes it longer, never shorter."""
    text = escape(text)
    return [text, mark * max(len(text), 3), ""]


def indent(lines, by=3):
    return [" " * by + line if line else "" for line in lines]


def code(language, text):
    return [f".. code-block:: {language}", "", *indent(text.rstrip().split("\n")), ""]


class Texts:
    """Texts with C's names between backticks, which become links."""

    def __init__(self, api):
        self.functions = {function["name"] for function in api["functions"]}
        self.types = {one["c_type"] for kind in ("callbacks", "structs", "classes") for one in api[kind]}
        self.groups = {value["c_name"]: group for group in api["enums"] for value in group["values"]}

    def inline(self, text):
        """A sentence or several."""
        pieces = text.split("`")
        return "".join(self._code(piece) if i % 2 else escape(piece) for i, piece in enumerate(pieces))

    def _code(self, name):
        for role, known in (("func", self.functions), ("type", self.types), ("macro", self.groups)):
            if name in known:
                return glued(f":c:{role}:`{name}`")
        if name.startswith("VKVM_") and name.endswith("*"):
            head = name.split("<")[0].rstrip("*")
            fitting = {group["name"] for c_name, group in self.groups.items() if c_name.startswith(head)}
            if len(fitting) == 1:
                return glued(f":ref:`{name.replace('*', chr(92) + '*')} <group-{fitting.pop()}>`")
        return glued(literal(name))

    def paragraphs(self, text):
        """Paragraphs with empty lines between, and lists."""
        lines = []
        for paragraph in text.split("\n\n"):
            if paragraph.startswith("- "):
                lines += ["* " + self.inline(item[2:]) for item in paragraph.split("\n")]
            else:
                lines.append(self.inline(" ".join(paragraph.split("\n"))))
            lines.append("")
        return lines
