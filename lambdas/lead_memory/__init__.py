"""Lead Memory: events in, memories derived, template variables out."""
