"""matplotlib's SVG → an SVG element for a page: no metadata, no style sheet, own ids, a text for those who cannot see.

Works on the parsed tree, so that a label which looks like markup stays a label.
"""

from __future__ import annotations

import hashlib
import re
from xml.etree import ElementTree as Tree

from midspec.report.wording import shown

SVG, LINKS = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
# The figures' stand-in colours, and the page's variables that take their place (light and dark).
THEME = {"#16191d": "var(--ink)", "#5b626c": "var(--muted)", "#dfe2e6": "var(--line)", "#fefefe": "var(--paper)"}

# Letters that cross a line stay readable.
HALO = "paint-order: stroke; stroke: #fefefe; stroke-width: 3px; stroke-linejoin: round"


def cleaned(text: str, words: str) -> str:
    """The ``<svg>`` element alone: scales with its box, ids of its own, role and label for screen readers."""
    Tree.register_namespace("", SVG)
    Tree.register_namespace("xlink", LINKS)
    root = Tree.fromstring(text)
    mark = "f" + hashlib.sha256((text + words).encode("utf-8", "replace")).hexdigest()[:8] + "-"
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    used = {m for node in root.iter() for v in node.attrib.values() for m in re.findall(r"#([\w-]+)", v)}
    for node in root.iter():
        for key, value in node.attrib.items():
            if key == "id":
                continue
            node.attrib[key] = re.sub(r"(?<=url\(#)|(?<=^#)(?=[a-z]\w*$)", mark, value) if "#" in value else value
        if node.tag == f"{{{SVG}}}text":
            node.attrib["style"] = f"{node.attrib.get('style', '')}; {HALO}"
        name = node.attrib.pop("id", None)
        if name is not None and name in used:
            node.attrib["id"] = mark + name
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.attrib.update({"role": "img", "aria-label": shown(words)})
    return Tree.tostring(root, encoding="unicode")


def themed(svg: str) -> str:
    """The figure in the page's own colours: stand-ins become CSS variables (colours occur in style attributes only)."""
    root = Tree.fromstring(svg)
    Tree.register_namespace("", SVG)
    Tree.register_namespace("xlink", LINKS)
    for node in root.iter():
        style = node.attrib.get("style")
        if style:
            for stand_in, variable in THEME.items():
                style = style.replace(stand_in, variable)
            node.attrib["style"] = re.sub(r"font-family: [^;]*; ?", "", style)
    return Tree.tostring(root, encoding="unicode")
