"""Every bound on what comes in, with its unit and its reason. `docs/reference/limits.md` lists them all.

A bound may be raised at any time. To lower one would make events unreadable that were recorded under it.
"""

import re
from datetime import UTC, datetime, timedelta

# The message
MESSAGE_BYTES = 1_048_576
"""What SQS carries; the bus takes a little less."""
MESSAGE_DEPTH = 64
"""Lists and objects within each other. The deepest webhook known has 12; parsers recurse, and end near 1,000."""
NUMBER_CHARACTERS = 64
"""Of a JSON number with a fraction or an exponent. Doubles are written with 25 at most, exact amounts with 40."""
NUMBER_EXPONENT = 308
"""The power of ten of a number's first digit, either way: that of doubles. Written out, 1e99999999 is 100 MB."""

# The envelope
SOURCE_CHARACTERS = 100
EVENT_ID_CHARACTERS = 255
"""Also of `correlation_id` and `causation_id`."""
REF_BYTES = 900
"""Source and event id together: DynamoDB takes 1,024 bytes for a sort key, and the index puts the time before it."""
CLOCK_SKEW = timedelta(days=1)
"""How far ahead of our clock an event may say that it happened."""
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""Times outside have no place in an index, or none in another zone."""
TIME_CHARACTERS = 64
"""Of a time as text. ISO 8601 to the nanosecond, with a zone, has 35."""

# Fields of `data`
NAME_CHARACTERS = 1_000
"""Of a name or an id. Shops end at 255; normalizing a name takes the square of its length."""
SHORT_TEXT_CHARACTERS = 1_000
"""What a memory keeps of a subject, a comment and their like; the event has the whole."""
MONEY_WHOLE_DIGITS = 15
MONEY_DECIMALS = 9
QUANTITY = 1_000_000
"""Of one line. With the most lines of the most money, a sum still has fewer than the 28 digits that are exact."""
QUANTITY_DECIMALS = 9
PRODUCTS = 500
"""Of an order, a cart, a refund: what Shopify and commercetools take. Each makes up to 3 memories, and 100 items
are a transaction, so that the largest order is recorded in 16."""
ANSWERS = 1_000
"""Of one response to a form: each makes a memory."""
CONSENTS = 50
"""Channels in one `lead.identified`; a memory keeps 20."""
VALUE_DEPTH = 16
"""Of an answer, or of a value that is declared, inferred or expressed: deeper than any template asks."""

ATTACHMENTS = 20
"""Of one message; a memory keeps their names."""
NOTE_CHARACTERS = 2_000
"""Of an operator's note, beside the bound on all notes of a target, which is in tokens."""
SUMMARY_CHARACTERS = 4_000
"""Of a thread's summary, and of what reminds an agent of it; 150 words are asked for."""
FACTS = 20
"""Of each list in a contact's profile: what is said at once, and the newest that are kept."""

MARKUP_CHARACTERS = 50_000
"""How much of an Intercom message's HTML is read; the event has the whole."""

# Memories
KEY_CHARACTERS = 255
KEY_BYTES = 1_000
"""DynamoDB takes 1,024 bytes for a sort key."""
UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)
"""In no key, source or id of an event: controls, and what cannot be seen and turns or hides what can, so that two that
look the same are the same. The joiners U+200C and U+200D are part of words and of emoji."""
VALUE_BYTES = 380_000
"""Of a memory's value, as JSON. DynamoDB takes 409,600 an item; the rest is for the key and the events' ids."""
ITEM_BYTES = 350_000
"""Of an event's item: its content, else in S3, and the names of its memories. The rest of DynamoDB's 409,600 is for
names of memories that the event may yet have a part in."""
METADATA_BYTES = 8_192
"""Of what a caller keeps with a memory, as JSON: whoever reads the memory reads it too. In HTTP, more is a 413."""
METADATA_DEPTH = 8
TAGS = 20
"""Of one memory."""
LABEL_CHARACTERS = 64
"""Of a tag, a content type or an event type that a caller gives."""
RECALL_TEXT_CHARACTERS = 1_000
"""Of a memory, that is searched: about what the embedding model reads at once."""

# Conversations
RECENT_MESSAGES = (5, 15)
"""How few and how many of a thread's newest messages are kept, by how long they are."""
RECENT_CHARACTERS = 8_000
"""What they have together where there are more than the fewest: about the 2,000 tokens that a context has for them."""
MESSAGE_CHARACTERS = 2_000
"""What is kept of one message's text; the event has the whole."""
NOTES_TOKENS = 500
"""Of all notes on a thread, and of all on a contact: an agent's context has every one of them, whatever else it has."""
BUDGET_TOKENS_MOST = 200_000
"""Of a context; there is never so much to say."""
THREADS_KEPT = 10
"""The open threads of a lead that are known at once, and their newest resolutions, topics and intents."""

# Intelligence
ENTITIES_KEPT = 20
"""Of each kind, the newest, that are known at once; and of the others that an entity is not."""
ENTITIES_BYTES = 40_000
"""Of all that are known at once, as JSON: every context of the lead reads them."""
RECORDS_KEPT = 10
"""Of a CRM's entity, under different names, and as many of those merged into it."""
ENTITY_CHARACTERS = 255
"""Of an entity's id, which is never cut, and what is kept of its other fields: what Salesforce takes."""
REFS = 60
"""Of what a model's statement rests on: 50 messages, the summary before them, and some."""
JOBS_KEPT = 20
"""Of what models were asked about a lead, the newest."""
CLUSTER_FEWEST = 3
"""Memories that one summary is made of; at most, the next."""
CLUSTER_MEMORIES = 20

# Templates and the resolver
TEMPLATE_CHARACTERS = 200_000
SEGMENT_CHARACTERS = 1_000
"""Of each name in a variable."""
FILTERS_OF_A_TAG = 20
"""A filter may make its text nine times as long."""
MISTAKE_CHARACTERS = 1_000
"""Of what an error says of a template, which may quote a name."""
RENDERING_CHARACTERS = 1_000_000
"""What the tags of one text may print, and their filters make on the way. Mail programs cut a mail at 102 KB."""
PRINTED_EXPONENT = 30
"""A number beyond it is no amount or count of anything: written out, `1e900000000` has 900 million digits."""
DRAWN_AS_ONE = 100
"""How far back from its cut `truncate` looks for a whole character; a family with skin tones is 11 long."""
LEADS = 500
"""Of one request."""
VARIABLES = 1_000
"""Different ones of a request, in all of its templates: each may be a read for each lead."""
ANSWER_BYTES = 5_800_000
"""Lambda answers with 6 MB at most."""
