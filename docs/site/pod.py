# SPDX-License-Identifier: LGPL-2.1-or-later
"""Perl's POD as reStructuredText: what the pages in perl/ use of it."""
import re
import textwrap

import rst

# In perlpod's order of nesting; the last group is the text.
_CODE = re.compile(r"([A-Z])(?:(<<+)\s+(.*?)\s+>>+|<([^<>]*(?:<[^<>]*>[^<>]*)*)>)", re.S)


def inline(text, link):
    """Text with formatting codes; `link` makes a link of a page and a section."""
    out, end = [], 0
    for match in _CODE.finditer(text):
        out.append(rst.escape(text[end:match.start()]))
        end, inside = match.end(), match.group(3) or match.group(4) or ""
        if match.group(1) == "C":
            out.append(rst.glued(rst.literal(inside)))
        elif match.group(1) == "L":
            out.append(rst.glued(link(inside)))
        elif match.group(1) in "BI":
            mark = "**" if match.group(1) == "B" else "*"
            out.append(rst.glued(f"{mark}{rst.escape(inside)}{mark}"))
        elif match.group(1) == "E":
            out.append({"lt": "<", "gt": ">", "sol": "/", "verbar": "\\|"}.get(inside, inside))
        else:
            out.append(rst.escape(inside))
    return "".join(out + [rst.escape(text[end:])])


def plain(text):
    return _CODE.sub(lambda match: match.group(3) or match.group(4) or "", text)


def paragraphs(text):
    return [one for one in re.split(r"\n[ \t]*\n", text.strip("\n")) if one.strip()]


def convert(pieces, link, label=None, marks="=-~"):
    """Paragraphs of POD as lines; `label` makes the label of a heading."""
    lines, depth, bullet, term = [], 0, False, False
    for piece in pieces:
        command, _, rest = piece.partition(" ") if piece.startswith("=") else ("", "", piece)
        rest = " ".join(rest.split())
        pad = " " * 3 * depth
        if command == "=item":
            lines += [""] if term else []
            bullet, term = rest in ("*", ""), rest not in ("*", "")
            lines += [pad[3:] + inline(rest, link)] if term else []
            continue
        if command in ("=head1", "=head2", "=head3"):
            lines += [f".. _{label(plain(rest))}:", ""] if label else []
            lines += rst.title(plain(rest), marks[int(command[-1]) - 1])
        elif command in ("=over", "=back"):
            lines += [""] if term else []
            depth += 1 if command == "=over" else -1
        elif not command and piece.startswith((" ", "\t")):
            # Tables have two blanks behind the first word; what has no sign of code is none.
            is_text = re.match(r"\s+[\w.]+ {2,}\w", piece) or not re.search(r"[$;(){}]", piece)
            language = "text" if is_text else "perl"
            lines += rst.indent(rst.code(language, textwrap.dedent(piece)), 3 * depth)
        elif not command:
            text = inline(" ".join(piece.split()), link)
            lines += [f"{pad[3:]}*  {text}" if bullet else pad + text, ""]
        bullet = term = False
    return lines
