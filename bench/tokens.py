"""The estimate of a text's tokens against a tokenizer's count, on the real texts of `bench/texts`."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from tokenizers import Tokenizer

from bench.ground import Ground
from bench.measure import Figure, Goal, alternate, figure
from lead_memory.domain.conversation.tokens import estimate

TEXTS = Path(__file__).with_name("texts")
LANGUAGES = ("English", "Portuguese")
FEWEST_TOKENS = 50
"""Of a text that is compared: a context has hundreds, and in a short text one token more is a large error."""
BYTES = 10_000
TIMES = 20
NOTE = (
    "texts of 50 tokens or more (bench/texts); the tokenizer is that of anthropic 0.38.0, which makes more tokens of "
    "them than those of GPT-4, GPT-4o, Llama 3, DeepSeek and Mistral (Tekken)"
)


def measure(ground: Ground) -> Iterable[Figure]:
    tokenizer = Tokenizer.from_file(str(files("anthropic") / "tokenizer.json"))
    for language in LANGUAGES:
        together = (TEXTS / f"{language.lower()}.txt").read_text()
        texts = together.split("\n%\n")
        counted = [(estimate(text), _count(tokenizer, text)) for text in texts]
        compared = [pair for pair in counted if pair[1] >= FEWEST_TOKENS]
        lowest = min(compared, key=lambda pair: pair[0] / pair[1])
        yield figure(f"tokens estimated of a text, {language}", "tokens", compared, Goal(1.3), note=NOTE)
        yield figure(f"the same of the one estimated lowest, {language}", "tokens", [lowest], Goal(1, at_most=False))
        yield _time(tokenizer, language, together.encode()[:BYTES].decode(errors="ignore"), ground.rounds(15, quick=3))


def _time(tokenizer: Tokenizer, language: str, text: str, rounds: int) -> Figure:
    pairs = alternate(
        lambda: [estimate(text) for _ in range(TIMES)],
        lambda: [_count(tokenizer, text) for _ in range(TIMES)],
        rounds,
    )
    milliseconds = [(own.cpu / TIMES * 1e3, theirs.cpu / TIMES * 1e3) for own, theirs in pairs]
    return figure(f"time to estimate 10 KB, {language}", "ms", milliseconds, Goal(0.25))


def _count(tokenizer: Tokenizer, text: str) -> int:
    return len(tokenizer.encode(text, add_special_tokens=False))
