"""Text to template. What can be wrong with a template is found here, before it is sent."""

from functools import lru_cache

from lead_memory.domain.templates.parser import Parser, TemplateError
from lead_memory.domain.templates.plain import plain_template
from lead_memory.domain.templates.template import Tag, Template
from lead_memory.domain.templates.variables import Variable

__all__ = ["Tag", "Template", "TemplateError", "parse", "parse_variable"]


# A stage sends the same few templates to many leads.
@lru_cache(maxsize=128)
def parse(text: str, profile_fields: tuple[str, ...] | None = None) -> Template:
    """Raises `TemplateError`. Where the stage has no profile, any `lead.<field>` is allowed."""
    return plain_template(text, profile_fields) or Parser(text, profile_fields).template()


@lru_cache(maxsize=1024)
def parse_variable(text: str, profile_fields: tuple[str, ...] | None = None) -> Variable:
    """The variable alone, as it stands in a tag. Raises `TemplateError`."""
    return Parser(text, profile_fields).only_variable()
