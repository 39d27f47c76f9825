# SPDX-License-Identifier: LGPL-2.1-or-later
"""The site as Sphinx builds it; scripts/doc makes the pages and runs it."""
import re

with open("../../../Cargo.toml", encoding="utf-8") as cargo:
    release = re.search(r'^version = "(.*)"', cargo.read(), re.M).group(1)

project = "libvkvm"
author = "the libvkvm authors"
html_title = f"libvkvm {release}"
extensions = ["myst_parser"]
root_doc = "index"
exclude_patterns = ["conf.py"]
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
# Two hyphens are an option of a command.
smartquotes = False
html_show_sphinx = False
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {"color-brand-primary": "#0b5c8a", "color-brand-content": "#0b5c8a"},
    "dark_css_variables": {"color-brand-primary": "#6cb8e6", "color-brand-content": "#6cb8e6"},
}
highlight_language = "none"
pygments_style = "default"
pygments_dark_style = "monokai"
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]
# Functions are listed by topic at the top of a page; in the sidebar they would take a minute.
toc_object_entries = False
# Declarations wider than this have a line for each parameter.
maximum_signature_line_length = 60
