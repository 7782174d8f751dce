"""What is said when words make no ticket: why not, or what to say instead."""

from __future__ import annotations

from jupyter_autocoder.trade import symbols
from jupyter_autocoder.trade.orders import Reading
from jupyter_autocoder.trade.terms import Kind

# {0} is what the reading names as missing or in the way, in quotation marks.
_QUESTIONS = {
    "ambiguous_choice": "there is a choice in it; say one",
    "ambiguous_condition": "which of the orders is the condition for?",
    "ambiguous_price": "which price is meant for what?",
    "ambiguous_proceeds": "which sale do the proceeds come from?",
    "ambiguous_quantity": "which of the numbers is the quantity?",
    "ambiguous_symbol": "which company is meant?",
    "ambiguous_target": "which order is meant?",
    "ambiguous_type": "a limit, a stop or a trailing stop?",
    "ambiguous_units": "shares or dollars?",
    "contradictory": "parts of it contradict each other",
    "control_character": "there are control characters in it; type it anew",
    "hidden_character": "there are invisible characters in it; type it anew",
    "invalid_price": "that is no price an order can have",
    "invalid_quantity": "that is no quantity an order can have",
    "lookalike_character": "there are letters in it that only look like others; type it anew",
    "missing_base": "percent of what: the position, the cash, or the portfolio?",
    "missing_changes": "what is to change?",
    "missing_price": "at which price?",
    "missing_quantity": "how many shares, or for how many dollars?",
    "missing_side": "buy or sell?",
    "missing_symbol": "which company or symbol?",
    "missing_target": "which order?",
    "missing_weights": "which weights?",
    "negative_number": "no amount here is below zero; say buy or sell and an amount above zero",
    "not_in_your_words": "a model read something else than your words say ({0})",
    "not_understood": "I do not understand {0}",
    "proposal_malformed": "a model could not read it either",
    "too_long": "that is too long for an order; say it in a sentence or two",
    "unknown_symbol": "there is no company or symbol {0}",
    "unsupported_condition": "orders cannot wait for that; only for the price of their own symbol",
    "unsupported_currency": "only US dollars can be traded in",
    "unsupported_language": "only English is understood",
    "unsupported_resume": "trading is resumed with `jupyter autocoder trading active`, not by words",
    "unsupported_schedule": "orders cannot be given for another time",
    "vague_quantity": "say an exact amount",
    "weights_sum": "the weights are not 100 % together; name the rest, such as “rest in cash”",
}
_WHY_NOT = {
    "code": "this is code, or asks for some",
    "confirmation": "words confirm nothing; use the control on the ticket itself",
    "empty": "there are no words",
    "hypothetical": "this weighs a trade, it does not ask for one",
    "injected": "this looks like instructions out of another text",
    "negation": "this says what not to do",
    "question": "this is a question; nothing is traded on one",
    "quoted": "this quotes somebody else's words",
    "statement": "this tells something, it asks for no trade",
}


def question(reading: Reading) -> str:
    """What to ask back, or why nothing was drafted, in one or two sentences."""
    reason = reading.reason or ""
    if reading.kind is Kind.NONE:
        return f"No ticket: {_WHY_NOT.get(reason) or _plain(reason) or 'these words ask for no trade'}."
    named = ", ".join(f"“{word}”" for word in reading.missing)
    template = _QUESTIONS.get(reason) or _plain(reason or "not_understood")
    asked = template.format(named or "this")
    # What a question does not name itself is added: the word in the way, not the name of what is asked for.
    if named and "{0}" not in template and not set(reading.missing) <= _PARTS:
        asked = f"{asked.rstrip('?')} ({named}){'?' if asked.endswith('?') else ''}"
    parts = [f"Not clear: {asked}{'' if asked.endswith('?') else '.'}"]
    if reading.candidates:
        parts.append(f"Did you mean {', '.join(_listed(symbol) for symbol in reading.candidates)}?")
    return " ".join(parts)


_PARTS = frozenset({
    "after", "changes", "condition", "percent_of", "price", "qty", "quantity", "side", "size", "stop_loss", "symbol",
    "target", "target_weights", "type", "unit", "limit_price", "stop_price", "take_profit", "order_class",
})  # fmt: skip


def _plain(reason: str) -> str:
    return reason.replace("unsupported_", "this is not offered here: ").replace("_", " ")


def _listed(symbol: str) -> str:
    name, _ = names(symbol)
    return f"{symbol} ({name})" if name else symbol


def names(symbol: str) -> tuple[str, str]:
    """A symbol's company and exchange by the shipped table; empty where it is not there."""
    listing = symbols.table().listings.get(symbol)
    return ("", "") if listing is None else (listing.name, listing.exchange)
