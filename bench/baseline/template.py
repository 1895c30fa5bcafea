"""Parse and render a template with python-liquid."""

from typing import Any

from liquid import BoundTemplate, Environment

_ENVIRONMENT = Environment()


def parse(template: str) -> BoundTemplate:
    return _ENVIRONMENT.from_string(template)


def render(template: str, **values: Any) -> str:
    return parse(template).render(**values)
