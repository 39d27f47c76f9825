# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names of functions, constants and methods in the documents, as links to the reference."""
import re

# What Perl's examples call an object.
VARIABLES = {
    "conn": "VKVM", "dom": "VKVM::Domain", "host": "VKVM::Host", "fleet": "VKVM::Fleet", "error": "VKVM::Error",
    "queue": "VKVM::EventQueue", "stream": "VKVM::Stream", "pool": "VKVM::StoragePool", "vol": "VKVM::StorageVol",
    "net": "VKVM::Network",
}


class Names:
    """What has a place in the reference."""

    def __init__(self, api, methods, label, commands):
        self.roles = {function["name"]: "c:func" for function in api["functions"]}
        self.roles.update((one["c_type"], "c:type") for kind in ("callbacks", "structs", "classes") for one in api[kind])
        self.roles.update((value["c_name"], "c:macro") for group in api["enums"] for value in group["values"])
        self.methods, self.label, self.commands = set(methods), label, commands
        self.modules = {module for module, _ in methods}
        self.by_name = {}
        for module, name in methods:
            if name:
                self.by_name.setdefault(name, []).append(module)

    def linked(self, text):
        """A document with links: not in blocks of code, titles and texts of links."""
        pieces = re.split(r"^(```.*?^```$|#[^\n]*$)", text, flags=re.M | re.S)
        pattern = re.compile(r"(?<![`\[])`([^`\n]+)`(?![`\]])")
        return "".join(piece if i % 2 else pattern.sub(lambda match: self._link(match.group(1)) or match.group(0), piece)
                       for i, piece in enumerate(pieces))

    def _link(self, code):
        name = re.sub(r"\(.*\)\Z|\s*\*\Z", "", code)
        if name in self.roles:
            return self._role(self.roles[name], code, name)
        if code in self.modules:
            return self._role("doc", code, "/perl/" + code.replace("::", "-"))
        of_host = re.fullmatch(r"\$host->(\w+)(?:->(\w+))?", name)
        place = of_host and self.commands.place(*of_host.groups(default=""))
        if place:
            return self._role("ref", code, place)
        called = re.fullmatch(r"(?:await )?(?:\$(\w+)->|(VKVM(?:::[A-Z]\w*)*)(?:->|::))(\w+)", name)
        if called:
            module = called.group(2) or VARIABLES.get(called.group(1))
            place = self._method(module, called.group(3))
            return place and self._role("ref", code, place)
        modules = self.by_name.get(code, ()) if "_" in code else ()
        return self._role("ref", code, self._method(modules[0], code)) if len(modules) == 1 else None

    def _method(self, module, name):
        return self.label(module, name) if module and (module, name) in self.methods else None

    @staticmethod
    def _role(role, text, target):
        return f"{{{role}}}`{text} <{target}>`" if text != target else f"{{{role}}}`{target}`"
