"""A sheet of SVG: text, lines, boxes and arrows, readable on light and on dark ground."""

from html import escape

STYLE = """
  svg { font: 13px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
  .page { fill: #ffffff; stroke: #d1d9e0 } text { fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 } .strong { font-weight: 600 }
  .small { font-size: 11px }
  .code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 12px }
  .quiet { fill: #59636e } .thin { stroke: #d1d9e0 } .line { stroke: #59636e; fill: none }
  .box { fill: #f6f8fa; stroke: #8c959f } .plain { fill: #59636e; stroke: #59636e }
  .request { fill: #8250df; stroke: #8250df } .job { fill: #0a5cb8; stroke: #0a5cb8 }
  .bad { fill: #cf222e; stroke: #cf222e } .good { fill: #1a7f37; stroke: #1a7f37 }
  text.bad, text.good, text.request, text.job, text.plain { stroke: none }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #3d444d } text { fill: #f0f6fc }
    .quiet { fill: #9198a1 } .thin { stroke: #3d444d } .line { stroke: #9198a1 }
    .box { fill: #151b23; stroke: #656c76 } .plain { fill: #9198a1; stroke: #9198a1 }
    .request { fill: #ab7df8; stroke: #ab7df8 } .job { fill: #58a6ff; stroke: #58a6ff }
    .bad { fill: #ff7b72; stroke: #ff7b72 } .good { fill: #56d364; stroke: #56d364 }
  }
"""


class Sheet:
    """One picture in the making; lengths are pixels.

    Args:
        title: What it shows, for who cannot see it, too.
        width: How wide it is.
        top: Where the drawing begins, below the title.
    """

    def __init__(self, title: str, width: int = 360, top: int = 48) -> None:
        self.title, self.width, self.y = title, width, top
        self._parts: list[str] = []
        if top:
            self.text(16, 29, title, "title")

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
        """Write a line of text whose baseline is at ``y``."""
        self._add("text", escape(text), x=x, y=y, kind=kind, text_anchor=anchor)

    def line(self, x: float, y: float, to_x: float, to_y: float, kind: str = "line") -> None:
        """Draw a line."""
        self._add("line", x1=x, y1=y, x2=to_x, y2=to_y, kind=kind)

    def dashed(self, x: float, y: float, to_x: float, to_y: float, kind: str) -> None:
        """Draw a line of something that does not end."""
        self._add("line", x1=x, y1=y, x2=to_x, y2=to_y, kind=kind, stroke_dasharray="4 3")

    def box(self, x: float, y: float, width: float, height: float, kind: str = "box") -> None:
        """Draw a box with round corners."""
        self._add("rect", x=x, y=y, width=width, height=height, rx=min(5, height / 4), kind=kind)

    def dot(self, x: float, y: float, kind: str) -> None:
        """Draw a dot."""
        self._add("circle", cx=x, cy=y, r=4.5, kind=kind)

    def arrow(self, x: float, y: float, to_x: float, to_y: float, kind: str = "plain") -> None:
        """Draw an arrow along one of the axes."""
        self.line(x, y, to_x, to_y, kind)
        back = 6 if to_x > x or to_y > y else -6
        along = [(-back, -3.5), (-back, 3.5)] if to_y == y else [(-3.5, -back), (3.5, -back)]
        points = " ".join(f"{to_x + dx:g},{to_y + dy:g}" for dx, dy in [(0.0, 0.0), *along])
        self._add("polygon", points=points, kind=kind)

    def arc(self, x: float, y: float, to_x: float, to_y: float, bend: float) -> None:
        """Draw a bow between two points; ``bend`` is how far it goes to the right, or up."""
        if x == to_x:
            path = f"M{x:g} {y:g} C{x + bend:g} {y:g} {x + bend:g} {to_y:g} {x:g} {to_y:g}"
        else:
            path = f"M{x:g} {y:g} C{x:g} {y - bend:g} {to_x:g} {y - bend:g} {to_x:g} {to_y:g}"
        self._add("path", d=path, kind="line")

    def _add(self, tag: str, content: str = "", *, kind: str = "", **attributes: object) -> None:
        if kind:
            attributes["class"] = kind
        names = {name.replace("_", "-"): value for name, value in attributes.items()}
        if names.get("text-anchor") == "start":
            del names["text-anchor"]
        text = " ".join(
            f'{name}="{f"{value:g}" if isinstance(value, float) else value}"'
            for name, value in names.items()
        )
        self._parts.append(f"<{tag} {text}>{content}</{tag}>" if content else f"<{tag} {text}/>")

    def svg(self, height: float) -> str:
        """Return the picture."""
        height = round(height)
        label = f'role="img" aria-label="{escape(self.title)}"'
        size = f'width="{self.width}" height="{height}" viewBox="0 0 {self.width} {height}"'
        page = f'width="{self.width - 1}" height="{height - 1}" rx="8"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {label} {size}>',
                f"<style>{STYLE}</style>",
                f'<rect class="page" x="0.5" y="0.5" {page}/>',
                *self._parts,
                "</svg>\n",
            ]
        )
