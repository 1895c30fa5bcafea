"""A table of which something stays throttled."""

import json
from dataclasses import replace
from typing import Any

from aiodynamo.http.aiohttp import AIOHTTP
from aiodynamo.http.types import Response

from lead_memory.adapters import keys


class Throttling(AIOHTTP):
    """Leaves the keys that have `unlucky` in them, and refuses a request for nothing else, as DynamoDB does."""

    unlucky = ""
    """A lead's id, or a sort key."""

    async def __call__(self, request: Any) -> Response:
        if not request.headers["X-Amz-Target"].endswith(".BatchGetItem"):
            return await super().__call__(request)
        asked = json.loads(request.body)
        [(table, of_table)] = asked["RequestItems"].items()
        left = [key for key in of_table["Keys"] if self.unlucky in (key[keys.PK]["S"], key[keys.SK]["S"])]
        of_table["Keys"] = [key for key in of_table["Keys"] if key not in left]
        if not of_table["Keys"]:
            return Response(400, b'{"__type": "dynamodb#ProvisionedThroughputExceededException", "message": ""}')
        response = await super().__call__(replace(request, body=json.dumps(asked).encode()))
        answer = json.loads(response.body) | {"UnprocessedKeys": {table: {"Keys": left}}}
        return replace(response, body=json.dumps(answer).encode())
