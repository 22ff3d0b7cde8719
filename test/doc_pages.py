# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What Markdown pages link to, and what their code names, as GitHub reads them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

FENCE = re.compile(r'^ *(```|~~~)')
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)(?: "[^"]*")?\)')
IMAGE_SOURCE = re.compile(r'<(?:img|source)[^>]*\bsrc(?:set)?="([^"]+)"')
HEADING = re.compile(r'^(#{1,6}) (.*?)(?: #+)?$')
CODE_SPAN = re.compile(r'(`+)(.+?)\1', re.DOTALL)


class Page:
    """A Markdown file, split into prose and blocks of code."""

    def __init__(self, path: Path) -> None:
        self.path = path
        prose, blocks, block = [], [], None
        for line in path.read_text(encoding='utf-8').splitlines():
            if FENCE.match(line):
                if block is not None:
                    blocks.append('\n'.join(block))
                block = None if block is not None else []
            elif block is not None:
                block.append(line)
            elif line.startswith('    ') and (not prose or not prose[-1].strip()):
                blocks.append(line.strip())
            else:
                prose.append(line)
        assert block is None, f'{path}: a block of code has no end'
        self.prose = '\n'.join(prose)
        self.blocks = blocks

    def links(self) -> Iterator[str]:
        """Yield the targets of links and pictures, those in code spans left out."""
        without_code = CODE_SPAN.sub('', self.prose)
        yield from LINK.findall(re.sub(r'\\\|', '|', without_code))
        yield from LINK.findall(self._links_around_code())
        yield from IMAGE_SOURCE.findall(without_code)

    def _links_around_code(self) -> str:
        """Return the prose with code spans emptied only where they are a link's text."""
        return '\n'.join(re.findall(r'\[`[^`]+`\]\([^)]+\)', self.prose))

    def code(self) -> Iterator[str]:
        """Yield every span and every block of code; a continued line is one line."""
        for _, span in CODE_SPAN.findall(self.prose):
            yield re.sub(r'\s+', ' ', span)
        for block in self.blocks:
            yield re.sub(r'\\\n *', '', block)

    def spans(self) -> Iterator[str]:
        """Yield the spans of code in the prose."""
        for _, span in CODE_SPAN.findall(self.prose):
            yield re.sub(r'\s+', ' ', span)

    def anchors(self) -> set[str]:
        """Return the anchors that GitHub gives the headings."""
        seen: Counter[str] = Counter()
        found = set()
        for line in self.prose.splitlines():
            match = HEADING.match(line)
            if not match:
                continue
            text = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', match[2])
            name = re.sub(r'[^\w\- ]', '', text.lower()).strip().replace(' ', '-')
            found.add(f'{name}-{seen[name]}' if seen[name] else name)
            seen[name] += 1
        return found
