"""The template language: a value-only subset of Liquid, so that the reads are known before the first one."""
