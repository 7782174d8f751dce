"""Charts as data (plotly, Vega-Lite): passed on when nothing in them loads, links or computes."""

from __future__ import annotations

from typing import Any

from jupyter_autocoder.sandbox.clean.css import words
from jupyter_autocoder.sandbox.clean.tree import is_sound, leaves

# Traces that draw what they are given. Maps and geo traces load tiles and outlines from elsewhere.
_TRACES = words(
    """
    bar barpolar box candlestick carpet cone contour contourcarpet funnel funnelarea heatmap histogram
    histogram2d histogram2dcontour icicle indicator isosurface mesh3d ohlc parcats parcoords pie sankey scatter
    scatter3d scattercarpet scattergl scatterpolar scatterpolargl scattersmith scatterternary splom streamtube
    sunburst surface table treemap violin volume waterfall
    """
)
_PLOTLY_LOADING = frozenset({"images", "mapbox", "map", "geo", "plotlyServerURL", "topojsonURL", "mapboxAccessToken"})
_LITE_LOADING = frozenset({"url", "href", "usermeta", "loader", "baseURL"})
# Vega's expression language has been a way to scripts more than once; a chart of data needs none of it.
_LITE_COMPUTING = frozenset({"calculate", "expr", "init", "params", "signal", "signals", "test", "update"})
_LITE_SCHEMA = "https://vega.github.io/schema/vega-lite/"


def clean_plotly(data: object) -> dict[str, Any] | None:
    """The figure when every trace is of a kind that only draws; None otherwise."""
    if not isinstance(data, dict) or not isinstance(data.get("data"), list) or not is_sound(data):
        return None
    figure = {key: data[key] for key in ("data", "layout", "frames") if key in data}
    for trace in figure["data"]:
        if not isinstance(trace, dict) or trace.get("type", "scatter") not in _TRACES:
            return None
    return figure if all(_is_safe_plotly(key, value) for key, value in leaves(figure)) else None


def clean_vega_lite(data: object) -> dict[str, Any] | None:
    """The chart when its data are all inside it and it computes nothing; None otherwise."""
    if not isinstance(data, dict) or not str(data.get("$schema", _LITE_SCHEMA)).startswith(_LITE_SCHEMA):
        return None
    # The data, too, though of them nothing else is looked at.
    if not is_sound(data):
        return None
    datasets, chart = data.get("datasets", {}), {k: v for k, v in data.items() if k not in ("usermeta", "datasets")}
    safe = all(_is_safe_lite(key, value) for key, value in leaves(_without_values(chart)))
    return {**chart, "datasets": datasets} if safe and "datasets" in data else chart if safe else None


def _is_safe_plotly(key: str, value: Any) -> bool:
    if key in _PLOTLY_LOADING:
        return False
    if not isinstance(value, str):
        return True
    # A link in a text shows where it leads to only after the click.
    return "<a" not in value.lower() and not (key in ("source", "href", "url") and value)


def _is_safe_lite(key: str, value: Any) -> bool:
    if key in _LITE_LOADING or key in _LITE_COMPUTING:
        return False
    return not (isinstance(value, str) and (key == "filter" or (key in ("mark", "type") and value == "image")))


def _without_values(chart: Any) -> Any:
    """The chart without its inline data: a column may be called `url`."""
    if isinstance(chart, dict):
        return {
            key: {k: v for k, v in value.items() if k != "values"}
            if key == "data" and isinstance(value, dict)
            else _without_values(value)
            for key, value in chart.items()
        }
    return [_without_values(item) for item in chart] if isinstance(chart, list) else chart
