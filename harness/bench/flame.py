"""Flame graphs as SVG, from folded stacks: width is instructions, callers stand below what they call."""

from __future__ import annotations

import dataclasses
import html
import zlib

WIDTH, ROW, CHAR = 1200, 17, 6.6


@dataclasses.dataclass
class _Box:
    total: int = 0
    inner: dict[str, "_Box"] = dataclasses.field(default_factory=dict)


def _colour(name: str) -> str:
    seed = zlib.crc32(name.encode())
    return f"rgb({205 + seed % 50},{90 + (seed >> 8) % 110},{40 + (seed >> 16) % 40})"


def _tree(stacks: dict[tuple[str, ...], int]) -> _Box:
    root = _Box()
    for stack, count in stacks.items():
        box = root
        box.total += count
        for name in stack:
            box = box.inner.setdefault(name, _Box())
            box.total += count
    return root


def _depth(box: _Box) -> int:
    return 1 + max((_depth(b) for b in box.inner.values()), default=0)


def svg(stacks: dict[tuple[str, ...], int], title: str, per: int = 1) -> str:
    """The picture. `per`: operations that the counts are divided by in the labels."""
    root = _tree(stacks)
    levels = _depth(root)
    height = (levels + 2) * ROW
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="monospace" font-size="11">',
           '<rect width="100%" height="100%" fill="#fffdf5"/>',
           f'<text x="8" y="13">{html.escape(title)}</text>']

    def draw(name: str, box: _Box, left: float, level: int) -> None:
        width = box.total * WIDTH / max(root.total, 1)
        if width < 0.4:
            return
        y = height - (level + 1) * ROW
        label = f"{name}: {box.total / per:.1f} ({box.total * 100 / root.total:.1f} %)"
        out.append(f'<g><title>{html.escape(label)}</title><rect x="{left:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" '
                   f'fill="{_colour(name)}"/>')
        room = int((width - 4) / CHAR)
        if room >= 3:
            text = name if len(name) <= room else name[:room - 1] + "…"
            out.append(f'<text x="{left + 2:.1f}" y="{y + 12}">{html.escape(text)}</text>')
        out.append("</g>")
        for inner_name, inner in sorted(box.inner.items()):
            draw(inner_name, inner, left, level + 1)
            left += inner.total * WIDTH / root.total

    draw("all", root, 0.0, 0)
    out.append("</svg>")
    return "\n".join(out) + "\n"
