"""How much of a conversation fits into one request."""

from __future__ import annotations

from jupyter_autocoder.settings import Settings

# Tokens: where neither the model's window nor any limit is known. A local model cuts silently what is too long for it.
UNKNOWN = 24_000


def room(settings: Settings) -> int:
    """Return how many tokens a question may have, with everything before it that is sent along.

    The model's window holds question and answer together, and so does what a minute's limit allows: a conversation that
    outgrew either could never be asked anything again.
    """
    from jupyter_autocoder.llm import prices
    from jupyter_autocoder.llm.profiles import effective
    from jupyter_autocoder.llm.providers import provider

    local = provider(settings.model).local
    table = prices.load(settings.model.prices_file)
    model = table.find_local(settings.model.name) if local else table.find(settings.model.name)
    limits = effective(settings.limits, local=local)
    bounds = (model.window, limits.user.tokens_per_minute, limits.model(model.name).tokens_per_minute)
    wanted = settings.chat.context_tokens
    known = [bound for bound in bounds if bound is not None]
    if not known:
        return UNKNOWN if wanted is None else wanted
    # The answer is owed its room, though never more than half: it shrinks to what is left.
    largest = min(known)
    left = largest - min(settings.model.max_output_tokens, largest // 2)
    return left if wanted is None else min(left, wanted)
