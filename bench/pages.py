"""The pages that benchmarks write into the documents."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def write(template: Path, filters: Mapping[str, Callable[..., str]], **values: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown
    )
    environment.filters |= filters
    return environment.get_template(template.name).render(values)


def number(amount: float) -> str:
    """With three digits that count."""
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.3g}"
