"""Write the pages that come from code, then all pages as a static site: ``python docs/build.py``.

The site needs no script and no server; it lies in ``site/`` (or the folder given). A link to a file
or heading that is not there stops the build.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FIRST = ("README", "scenarios", "glossary", "parameters", "kpis", "conventions", "physics",
         "architecture")  # fmt: skip
PAGES = [
    ROOT / "README.md",
    *(HERE / f"{name}.md" for name in FIRST),
    *(page for page in sorted(HERE.glob("*.md")) if page.stem not in FIRST),
    *sorted(HERE.glob("studies/*.md")),
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
]
STYLE = """\
body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:1rem/1.55 system-ui,sans-serif;
color:#1c2430;background:#fff}
nav{font-size:.9rem;border-bottom:1px solid #d5dae1;padding-bottom:.6rem}nav a{margin-right:.8rem}
a{color:#0b5cad}code,pre{font-family:ui-monospace,monospace;font-size:.88em}
pre{background:#f4f6f8;padding:.8rem;overflow-x:auto}img{max-width:100%}
table{border-collapse:collapse;display:block;overflow-x:auto}
td,th{border:1px solid #d5dae1;padding:.3rem .5rem;text-align:left;vertical-align:top}
@media(prefers-color-scheme:dark){body{color:#dde3ea;background:#14181d}a{color:#7db7f0}
pre{background:#1e242b}nav,td,th{border-color:#3a434d}}
"""


def name_of(page: Path) -> str:
    """Return the file of a page in the site; folders are joined by a hyphen."""
    if page == ROOT / "README.md":
        return "index.html"
    parts = page.relative_to(ROOT).with_suffix("").parts
    return "-".join(parts).lower() + ".html"


def anchor(title: str) -> str:
    """Return the name by which a heading is linked to, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


class Page:
    """One page: its tokens, headings and HTML."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.markdown = MarkdownIt("commonmark").enable("table")
        self.tokens = self.markdown.parse(path.read_text(encoding="utf-8"))
        self.anchors: set[str] = set()
        self.title = path.stem
        for mark, text in zip(self.tokens, self.tokens[1:], strict=False):
            if mark.type == "heading_open":
                name = anchor("".join(t.content for t in text.children or ()))
                mark.attrSet("id", name)
                self.anchors.add(name)
                if mark.tag == "h1":
                    self.title = text.content

    def links(self) -> list[tuple[Token, str]]:
        """Return every link and picture with the attribute that holds its address."""
        inside = [t for token in self.tokens for t in token.children or ()]
        found = [(t, "href") for t in inside if t.type == "link_open"]
        return found + [(t, "src") for t in inside if t.type == "image"]

    def body(self) -> str:
        return self.markdown.renderer.render(self.tokens, self.markdown.options, {})


def build(out: Path) -> list[str]:
    """Write the site; return what is wrong with its links."""
    pages = {path: Page(path) for path in PAGES}
    problems = [text for page in pages.values() for text in _relink(page, pages, out)]
    if problems:
        return problems
    out.mkdir(parents=True, exist_ok=True)
    menu = "".join(
        f'<a href="{name_of(p.path)}">{html.escape(p.title)}</a>' for p in pages.values()
    )
    for page in pages.values():
        head = (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(page.title)}</title><style>{STYLE}</style>"
        )
        text = f"{head}<nav>{menu}</nav><main>{page.body()}</main></html>\n"
        (out / name_of(page.path)).write_text(text, encoding="utf-8")
    return []


def _relink(page: Page, pages: dict[Path, Page], out: Path) -> list[str]:
    """Point a page's links into the site and copy its pictures; return what is not there."""
    problems = []
    for token, attribute in page.links():
        address = str(token.attrGet(attribute))
        if re.match(r"[a-z]+:", address):
            continue
        file, _, part = address.partition("#")
        target = (page.path.parent / file).resolve() if file else page.path
        if not target.exists() or (part and target in pages and part not in pages[target].anchors):
            problems.append(f"{page.path.relative_to(ROOT)}: '{address}' leads nowhere")
        elif target in pages:
            token.attrSet(attribute, name_of(target) + (f"#{part}" if part else ""))
        elif attribute == "src":
            out.mkdir(parents=True, exist_ok=True)
            shutil.copy(target, out / target.name)
            token.attrSet(attribute, target.name)
        else:
            token.attrSet(attribute, os.path.relpath(target, out))
    return problems


def main(out: Path) -> int:
    """Make the tables and the site; return the exit code."""
    subprocess.run([sys.executable, str(HERE / "make_tables.py")], check=True)
    problems = build(out)
    for text in problems:
        print(text, file=sys.stderr)
    if problems:
        return 1
    print(f"{len(PAGES)} pages in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"))
