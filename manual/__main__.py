"""``python3 -m manual DIRECTORY``: write all pages below it, as man8/lvs-director.8 and so on."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from manual.pages import PAGES, text_of


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python3 -m manual DIRECTORY", file=sys.stderr)
        return 64
    os.umask(0o022)  # everybody may read manuals, whoever installs them
    # reproducible-builds.org: packagers say when the sources were last changed; otherwise the page bears no date.
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    date = time.strftime("%Y-%m-%d", time.gmtime(int(epoch))) if epoch else ""
    for page in PAGES:
        file = Path(sys.argv[1], page.file)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text_of(page, date), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
