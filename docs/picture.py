"""Makes a picture of a terminal in which a command really ran: its output with colours, as an SVG.

    python docs/picture.py docs/images/deploy.svg ./run pipeline deploy --env dev --local

Nothing is drawn that was not printed. The command runs on a terminal of its own (a pty) that is said to be a simple
one, so that lines come and stay; what moves while work is under way is not in the picture. Needs rich, which the
project's environment has: `./run python docs/picture.py ...`.
"""

import io
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS = 110
BELOW_LAST_LINE = 48

# rich's own picture without its web fonts: a file in a repository should load nothing.
PICTURE = """\
<svg viewBox="0 0 {terminal_width} HEIGHT" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px; \
line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="HEIGHT" /></clipPath>
{lines}
</defs>
<rect fill="#292929" x="0" y="0" width="{terminal_width}" height="HEIGHT" rx="8" />
<circle cx="26" cy="22" r="7" fill="#ff5f57"/>
<circle cx="48" cy="22" r="7" fill="#febc2e"/>
<circle cx="70" cy="22" r="7" fill="#28c840"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def printed(command: list[str]) -> str:
    """What `command` prints on a terminal."""
    here, there = pty.openpty()
    environment = os.environ | {"TERM": "dumb", "COLUMNS": str(COLUMNS)}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=there, stderr=there, env=environment)
    os.close(there)
    text = b""
    while True:
        try:
            part = os.read(here, 65536)
        except OSError:  # Linux's way to say that the other end of a pty is closed
            break
        if not part:
            break
        text += part
    process.wait()
    return text.decode().replace("\r\n", "\n")


def picture(command: list[str], output: str) -> str:
    """The SVG of a terminal that shows the command and its output."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    line = shlex.join(command)
    console.print(Text.assemble(("$ ", "bold"), line))
    console.print(Text.from_ansi(output))
    svg = console.export_svg(title=line, theme=MONOKAI, code_format=PICTURE, unique_id="terminal")
    # rich counts the lines of its clipping, which are fewer.
    last = max(float(y) for y in re.findall(r'<text [^>]*\by="([\d.]+)"', svg))
    svg = svg.replace("HEIGHT", f"{last + BELOW_LAST_LINE:.0f}")
    return "\n".join(text.rstrip() for text in svg.splitlines() if text.strip()) + "\n"


if __name__ == "__main__":
    target, *arguments = sys.argv[1:]
    Path(target).write_text(picture(arguments, printed(arguments)), encoding="utf-8")
