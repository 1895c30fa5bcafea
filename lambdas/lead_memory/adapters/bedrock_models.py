"""Models behind Bedrock's Converse API, asked with the function's own credentials, in its own region."""

import logging
from typing import Any

from pydantic_ai.models import Model
from pydantic_ai.models.bedrock import BedrockConverseModel
from pydantic_ai.providers.bedrock import BedrockProvider

from lead_memory.adapters.sdk import SdkClient

CONNECT_SECONDS = 5

# They log what is sent and answered.
for _name in ("boto3", "botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def bedrock_model(model_id: str, *, seconds: int) -> Model:
    client = SdkClient[Any](
        "bedrock-runtime",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=seconds,
        # The queue tries again.
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return BedrockConverseModel(model_id, provider=BedrockProvider(bedrock_client=client()))
