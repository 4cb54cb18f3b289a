"""One SVG a case: a bar a server, its length the server CPU an operation, its whisker least to most."""

WIDTH, LABEL, BAR, GAP, RIGHT = 720, 90, 20, 8, 130
COLOURS = {"polyport": "#2563a8", "floor": "#9aa5b1"}
OTHER = "#d08c3f"
STYLE = ("text{font:13px sans-serif;fill:#222}rect.page{fill:#fff}"
         "line{stroke:#222;stroke-width:1.2}")


def number(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _row(server, y, scale):
    cpu = server["cpu_seconds_per_million"]
    length, least, most = (cpu[key] * scale for key in ("median", "min", "max"))
    middle = y + BAR / 2
    colour = COLOURS.get(server["name"], OTHER)
    return (f'<text x="{LABEL - 8}" y="{middle + 4:.1f}" text-anchor="end">{server["name"]}</text>'
            f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>'
            f'<line x1="{LABEL + least:.1f}" y1="{middle:.1f}" x2="{LABEL + most:.1f}" y2="{middle:.1f}"/>'
            f'<text x="{LABEL + max(length, most) + 6:.1f}" y="{middle + 4:.1f}">'
            f'{number(cpu["median"])} µs</text>')


def svg(case):
    """The picture of a case (see figures.of_case), or None where nothing ran."""
    servers = [server for server in case["servers"] if "absent" not in server]
    if not servers:
        return None
    longest = max(server["cpu_seconds_per_million"]["max"] for server in servers)
    scale = (WIDTH - LABEL - RIGHT) / longest if longest else 0
    height = 36 + len(servers) * (BAR + GAP)
    rows = [_row(server, 30 + place * (BAR + GAP), scale) for place, server in enumerate(servers)]
    title = f"{case['title']}: server CPU for each {case['unit']}"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{title}">', f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        f'<text x="8" y="19">{title}</text>', *rows, "</svg>", ""])
