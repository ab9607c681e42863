"""`python -m docs.generate`: write the generated blocks of all pages, and print the pages that changed."""

import sys

import printing
from docs.generate.generated_blocks import changed_pages

for path, text in changed_pages():
    path.write_text(text, encoding="utf-8")
    printing.line(f"wrote {path}", to=sys.stdout)
