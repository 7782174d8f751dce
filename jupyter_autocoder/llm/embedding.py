"""Embeddings: texts in batches that the API accepts, each of them reserved and settled by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from jupyter_autocoder.errors import AutocoderError, UsageError
from jupyter_autocoder.events import Embeddings, Progress, Usage
from jupyter_autocoder.llm import tokens
from jupyter_autocoder.llm.asking import walk
from jupyter_autocoder.llm.outside import Outside
from jupyter_autocoder.llm.redaction import remove_from_value
from jupyter_autocoder.llm.request import Texts, check_model
from jupyter_autocoder.text import whole

# The API takes 2,048 texts and 300,000 tokens a request; smaller ones lose less when they fail.
MOST_TEXTS = 256
MOST_TOKENS = 100_000


async def embed(
    out: Outside, texts: Sequence[str], *, model: str | None, on_progress: Callable[[Progress], None] | None = None
) -> Embeddings:
    """Give one vector for each text; raises UsageError on a text that is empty or none."""
    for index, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise UsageError(f"text {index} is empty or no text", do="give texts with something in them")
    check_model(out.settings, model, key="embedding")
    name = model or out.settings.model.embedding
    vectors: list[tuple[float, ...]] = []
    usage, notes = Usage(), []
    for batch in _batches(remove_from_value(list(texts), out.secrets), name):
        turn = await out.begin()
        try:
            async with contextlib.aclosing(walk(out, Texts(texts=batch, model=name), turn)) as events:
                async for event in events:
                    if isinstance(event, Progress) and on_progress is not None:
                        on_progress(event)
        except AutocoderError as error:
            error.usage = usage + turn.usage
            raise
        usage += turn.usage
        notes += turn.notes
        vectors += turn.answer.vectors
    return Embeddings(vectors=tuple(vectors), model=name, usage=usage, notes=tuple(notes))


def _batches(texts: Sequence[str], model: str) -> Iterator[tuple[str, ...]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        count = tokens.count_text(text, model=model)
        if batch and (len(batch) == MOST_TEXTS or size + count > MOST_TOKENS):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(whole(text))
        size += count
    if batch:
        yield tuple(batch)
