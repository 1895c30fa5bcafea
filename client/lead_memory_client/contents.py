"""What the table's items cannot hold, from S3: of large events, and of memories that are cold."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lead_memory.adapters.large_payloads import LARGE_CONTENT, OBJECTS_AT_ONCE
from lead_memory.adapters.memory_items import CONTENT, Item

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class LargeContents:
    def __init__(self, open_s3: Callable[[], "S3Client"], bucket: str) -> None:
        self._open_s3 = open_s3
        self._bucket = bucket

    def whole(self, items: Iterable[Item]) -> list[Item]:
        """The same items, each with all that it points to."""
        return self._filled(list(items), lambda item: LARGE_CONTENT in item)

    def to_fold(self, items: Iterable[Item]) -> list[Item]:
        """The same, where a large raw payload may be left out."""
        return self._filled(list(items), lambda item: CONTENT not in item)

    def _filled(self, items: list[Item], lacks: Callable[[Item], bool]) -> list[Item]:
        lacking = [item for item in items if lacks(item)]
        if lacking:
            s3 = self._open_s3()

            def fill(item: Item) -> None:
                item[CONTENT] = s3.get_object(Bucket=self._bucket, Key=item[LARGE_CONTENT])["Body"].read()

            with ThreadPoolExecutor(OBJECTS_AT_ONCE) as threads:
                list(threads.map(fill, lacking))
        return items
