from typing import Any

from lead_memory.settings import ExtractorSettings


def extractor_settings(**settings: Any) -> ExtractorSettings:
    return ExtractorSettings(
        stage="test",
        table_name="table",
        content_key="key",
        bus_name="bus",
        queue_url="queue",
        dead_letter_queue_url="dead",
        pause_seconds=30,
        recording_seconds=20,
        **settings,
    )
