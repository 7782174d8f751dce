"""Questions about the account and the market: answered by reading, so a whole match is all they need."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_autocoder.trade.lexer import Lexeme
from jupyter_autocoder.trade.orders import Query

_LEAD = (
    r"(?:(?:please |can you |could you |would you |can u |hey |hi |ok |so |and |now |just |quickly |also )*"
    r"(?:(?:show|list|display|see|view|check|print|get|give|pull up|bring up|fetch|report|look up|tell)(?: me| us)?"
    r"|(?:can|could|may) i (?:see|have|get|check)|let me (?:see|know)|i(?:d| would)? (?:want|like|need) to (?:see|know|check)"
    r"|what(?: i)?s|what are|what was|what were|what|hows|how is|how are|where is|where are|wheres"
    r"|do i have|have i got|are there|is there|tell me what(?: is|s)?)"
    r"(?: (?:my|the|our|all|any|of|me|is|are|on|for|a|an|what|there|out|current|latest|recent|total|overall|full|todays))* )?"
    r"(?:(?:my|the|our|all|any|current|currently|latest|recent|total|overall|todays|a|an) )*"
)
_OWN = r"(?:own|have|hold|got|owned|holding|possess)"
_SHARE = r"(?:shares?|stocks?|units?)"
_ORDER = r"(?:orders?|trades?)"
_BOOK = r"(?:portfolio|account|investments?|holdings|positions|stocks)"
_DONE = r"(?:fill|filled|filling|go through|gone through|went through|execute|executed|complete|completed|done|open|still open|pending|still pending|working|cancelled|canceled|placed|live|status)"
_MONEY_WORD = r"(?:money|cash|funds|dollars)"
_PNL = r"(?:p ?& ?l|p ?/ ?l|pnl|p and l|profits?(?: and loss(?:es)?| & loss)?|loss(?:es)?|gains?(?: and losses)?|returns?|performance|earnings made|(?:un)?realized (?:p&l|pnl|gains?|profits?|loss(?:es)?))"

# One line is one way to ask; {S} is a symbol, {I} an order id. The first that matches the whole sentence wins.
_FORMS: Sequence[tuple[Query, str]] = (
    (
        Query.MODE,
        r"(?:am i|are we|is this|are you|is it|is my account|is that)(?: currently| still)?(?: in| on| using| trading| doing)?(?: the| with| a| my)* ?(?:paper|live|real|simulated|demo|practice)(?: money| trading| mode| account)*(?: or(?: with| in| on)* (?:paper|live|real|simulated|demo|for real)(?: money| trading| mode| account)*)?",
    ),
    (
        Query.MODE,
        r"{L}(?:(?:account|trading|current) )*mode(?: (?:am i|are we|is this|is the account)(?: in| using)?| is (?:active|this|on))?",
    ),
    (
        Query.MODE,
        r"{L}(?:is (?:it|this) )?(?:paper|live|real)(?: or| vs) (?:paper|live|real)(?: trading| money| mode)?",
    ),
    (
        Query.MARKET_CLOCK,
        r"(?:is|are|was|will) (?:the )?(?:stock |us |nyse |nasdaq |equity )*(?:markets?|exchange|nyse|nasdaq)(?: be)?(?: currently| still)? (?:open|closed|opened|trading)",
    ),
    (
        Query.MARKET_CLOCK,
        r"(?:when|what time|at what time)(?: does| do| will| is)?(?: the)?(?: stock)? (?:markets?|trading)(?: session)?(?: next)? (?:open|opens|opening|close|closes|closing)(?: (?:next|today|tomorrow|this week|on \w+day))*",
    ),
    (Query.MARKET_CLOCK, r"{L}(?:stock )?(?:market|trading|exchange) (?:hours|clock|status|schedule|calendar|times)"),
    (
        Query.MARKET_CLOCK,
        r"how (?:long|much time)(?: is left)? (?:until|till|before) (?:the )?(?:market|markets|close|open)(?: (?:opens?|closes?))?",
    ),
    (
        Query.ORDER_STATUS,
        r"{L}(?:status|state|progress) (?:of|on|for) (?:my |the |that )?(?:{I}|(?:last|latest|most recent) {O}|{S} {O}|{O} (?:for|on|in) {S}|{O})",
    ),
    (Query.ORDER_STATUS, r"{L}(?:{I}|{S} {O}|{O} {I}|last {O}|{O}) status"),
    (
        Query.ORDER_STATUS,
        r"(?:did|has|have|is|was|are|were|will)(?: my| the| that| any of my)? (?:buy |sell |limit |stop |last |latest |market )*(?:{I}|{S}(?: buy| sell| limit| stop| market)? {O}|{O} (?:for|on|in|of) {S}|{O})(?: been| get| got| yet| already| still| ever)* {D}(?: yet| already| still| or not)?",
    ),
    (Query.ORDER_STATUS, r"{L}(?:buy |sell |limit |stop |last )*(?:{I}|{S} order|order (?:for|on) {S})"),
    (
        Query.ORDER_STATUS,
        r"(?:what happened|whats happening|whats going on|what is happening|what is going on) (?:to|with) (?:my |the )?(?:{I}|{S} {O}|(?:last )?{O}(?: (?:for|on) {S})?)",
    ),
    (Query.ORDER_STATUS, r"{L}(?:up )?on (?:my |the )?(?:{I}|{S} {O}|last {O})"),
    (
        Query.FILLS,
        r"{L}(?:recent |executed |completed |filled |past |latest |last )*(?:fills?|executions?|filled orders|executed orders|trades|completed orders|trade history|trading history|order history|transaction history|transactions|trading activity|account activity|activity|trade log)(?: (?:did i make|have i made|i made|i did|were made|executed|history))?(?: (?:for|on|in|of) {S})?",
    ),
    (Query.FILLS, r"{L}{S} (?:fills|executions|trades|trade history)"),
    (
        Query.FILLS,
        r"what(?: trades| orders| stocks| shares)?(?: did| have)? i (?:buy|sell|bought|sold|trade|traded|make|made|execute|executed|do|done|purchase|purchased)(?: or (?:sell|sold))?",
    ),
    (
        Query.FILLS,
        r"(?:what|which)(?: of my)?(?: orders| trades)? (?:were|got|have been|was|has been|have) (?:filled|executed)",
    ),
    (Query.FILLS, r"(?:at )?(?:what|which) price (?:did|was) (?:my )?{S}(?: order)? (?:fill|filled|executed)(?: at)?"),
    (
        Query.ORDERS,
        r"{L}(?:open |pending |working |active |outstanding |unfilled |resting |live |existing |buy |sell |limit |stop )*(?:orders|order list|order book)(?: (?:do i have|have i got|i have|are|that are|do i have that are))?(?: (?:open|pending|working|outstanding|active|right now|out there|waiting|still open))*(?: (?:for|on|in) {S})?",
    ),
    (Query.ORDERS, r"{L}(?:open |pending |working )*{S} orders"),
    (
        Query.ORDERS,
        r"(?:do i have|are there|have i got)(?: any| some)? (?:open |pending |working |outstanding |active )*orders?(?: (?:open|pending|in|working|outstanding))?(?: (?:for|on|in) {S})?",
    ),
    (
        Query.ALLOCATION,
        r"{L}(?:asset |portfolio |current |sector |account |target )*(?:allocations?|breakdown|weights|weightings?|diversification|mix)(?: (?:of|for) (?:my |the )?{B})?",
    ),
    (
        Query.ALLOCATION,
        r"how (?:is|are|am)(?: my| the| i)? ?{B}? ?(?:allocated|diversified|split|distributed|weighted|divided|invested)",
    ),
    (
        Query.ALLOCATION,
        r"(?:what|how much|how many) ?(?:percent|percentage|fraction|%|share|portion|part|proportion)?(?: of)? (?:my |the )?(?:portfolio|account|holdings|money) is(?: in| invested in| made up of| allocated to)* {S}(?: stock)?",
    ),
    (Query.ALLOCATION, r"{L}{S} (?:allocation|weight|weighting)(?: in my portfolio)?"),
    (
        Query.PORTFOLIO_VALUE,
        r"{L}(?:(?:portfolio|account|total|net|entire|whole) )*(?:value|net worth|equity|account equity|net liq|net liquidation value|net asset value|nav|worth)(?: of (?:my |the )?(?:whole |entire |total )?(?:{B}|account|everything))?",
    ),
    (
        Query.PORTFOLIO_VALUE,
        r"(?:how much|what)(?: money)?(?: is|s|are)(?: my| the| all my| all of my)? (?:whole |entire |total )?(?:{B}|everything) (?:worth|valued at)(?: in total)?",
    ),
    (Query.PORTFOLIO_VALUE, r"how (?:big|large) is my {B}"),
    (
        Query.PORTFOLIO_VALUE,
        r"how much am i worth|how much is everything worth|how much is in my (?:account|portfolio)",
    ),
    (
        Query.BUYING_POWER,
        r"{L}(?:available |remaining |margin |account |day trading )*(?:buying|purchasing) power(?: (?:do i have|have i got|is left|is available|is there|i have|left|remains))*",
    ),
    (
        Query.BUYING_POWER,
        r"how much (?:more )?(?:buying power|purchasing power)(?: (?:do i have|have i got|is left|is available|is there|i have|left))*",
    ),
    (Query.BUYING_POWER, r"how much (?:stock |more )?(?:can|could) i (?:buy|spend|afford|trade|invest)(?: with)?"),
    (
        Query.BALANCE,
        r"{L}(?:available |account |settled |uninvested |free |spare |bank |remaining |buying )*(?:balances?|cash|funds|cash balance|account balance|cash position|money|cash available)(?: (?:do i have|have i got|i have|is left|left|available|is available|in my account|on hand|remaining|is there|is in my account|in the account|to invest))*",
    ),
    (
        Query.BALANCE,
        r"how much (?:available |spare |free |uninvested )*(?:money|cash|funds|dollars|balance)(?: (?:do i have|have i got|i have|is left|left|available|is available|in my account|on hand|remaining|is there|is in my account|in the account|to invest|to trade with|do i still have|have i|sitting in my account|is))*",
    ),
    (
        Query.PNL,
        r"{L}(?:daily |total |open |overall |unrealized |realized |current |account |portfolio |trading |net )*{P}(?: (?:on|for|of|from|in) (?:my |the )?(?:{S}(?: position| stock| shares)?|portfolio|account|positions|trades|investments))?(?: looking| been| so far| like| look like)*",
    ),
    (Query.PNL, r"{L}{S} (?:position )?(?:{P})"),
    (
        Query.PNL,
        r"how much(?: money| profit)? (?:have i|did i|am i|i have|ive)(?: been)? (?:made|make|lost|lose|up|down|earned|earn|gained|gain|making|losing|made or lost|up or down)(?: (?:on|in|from|with) (?:my )?{S}(?: position)?)?",
    ),
    (
        Query.PNL,
        r"(?:am i|have i|did i|are we)(?: currently)? (?:up or down|up|down|in profit|in the green|in the red|making money|losing money|made money|lost money|make money|make any money|profitable|ahead|positive|negative)(?: (?:on|in|with) (?:my )?{S}(?: position)?)?",
    ),
    (
        Query.PNL,
        r"(?:how is|hows|how are|how has|how have|how did)(?: my| the)? {B}(?: been)? ?(?:doing|performing|performed|done|do|look|looking|going|perform)?",
    ),
    (Query.PNL, r"how (?:am i|are we|did i|have i)(?: been)? (?:doing|do|performing|done)"),
    (
        Query.PNL,
        r"(?:how is|hows|how has) my {S}(?: position| stock| shares| investment)? (?:doing|performing|performed|done)",
    ),
    (
        Query.POSITION,
        r"{L}(?:current |open )*(?:positions?|holdings?|stake|exposure|shares|investment)(?: (?:in|of|for|on|to)) {S}(?: {A})?(?: (?:do i|i) {H})?",
    ),
    (Query.POSITION, r"{L}{S} (?:positions?|holdings?|stake|exposure|shares|stock|investment)(?: (?:do i|i) {H})?"),
    (
        Query.POSITION,
        r"how (?:many|much)(?: {A})?(?: of| in)? ?(?:my )?{S}(?: {A})?(?: stock)? (?:do i|have i|i|am i)(?: currently| still| even)? ?{H}?",
    ),
    (Query.POSITION, r"how (?:many|much) (?:{A} )?(?:do i|have i)(?: currently)? {H} (?:of|in) {S}"),
    (
        Query.POSITION,
        r"(?:do|am) i(?: currently| still| already)? (?:{H}|long|short|in|invested in)(?: any| a)?(?: {A} of| {A} in)?(?: position in)? ?{S}(?: {A})?",
    ),
    (Query.POSITION, r"(?:how many|how much) {S} (?:{A} )?(?:is|are) in my (?:portfolio|account)"),
    (
        Query.POSITIONS,
        r"{L}(?:current |open |stock |portfolio |account |equity |long |short )*(?:positions|holdings|portfolio|stocks|investments|shares|portfolio holdings|portfolio positions|assets)(?: (?:do i|i|that i|have i)(?: currently)? {H}| are open| i am in| am i in| look like| looking)?",
    ),
    (
        Query.POSITIONS,
        r"what(?: stocks| shares| positions| companies| securities| etfs| all| else| exactly)*(?: do| am)? i(?: currently| actually)? (?:own|have|hold|holding|invested in|owning)(?: in my (?:account|portfolio))?",
    ),
    (
        Query.POSITIONS,
        r"(?:what is|whats|what do i have|what have i got|what stocks are)(?: currently)? in (?:my|the) (?:portfolio|account)",
    ),
    (Query.POSITIONS, r"(?:do i have|have i got)(?: any)?(?: open)? (?:positions|holdings|stocks|shares)(?: open)?"),
    (
        Query.QUOTE,
        r"{L}(?:current |latest |last |market |live |real time |stock |share |opening |closing )*(?:price|prices|quote|quotes|last price|bid|ask|bid and ask|bid ask|bid/ask|spread|stock price|share price|market price|value|last trade)(?: (?:of|for|on|at))?(?: a share of| one share of| the)? {S}(?: {A})?",
    ),
    (
        Query.QUOTE,
        r"{L}{S}s? (?:(?:stock|share|current|last|market|latest) )*(?:price|quote|bid|ask|bid and ask|bid ask|value)(?: (?:at|is|like))?",
    ),
    (
        Query.QUOTE,
        r"(?:what is|whats|where is|wheres|what are|how is|hows|how much is|how much are|how much does|what does|how much)(?: (?:a|one|1) share of| the price of| a| one)? {S}(?: {A})?(?: (?:now|currently))?(?: (?:trading|going|at|worth|cost|costs|selling|trading at|trading for|priced|priced at|going for|selling for|cost per share|doing|a share|per share|a piece|sitting at|quoted at|up|down|looking))*",
    ),
    (Query.QUOTE, r"quote(?: me)?(?: on| for)? {S}(?: stock| shares)?"),
    (Query.QUOTE, r"{S} (?:quote|price)"),
)
_PARTS = {
    "L": _LEAD,
    "H": _OWN,
    "A": _SHARE,
    "O": _ORDER,
    "B": _BOOK,
    "D": _DONE,
    "P": _PNL,
    "M": _MONEY_WORD,
    "S": r"(?P<symbol>§\d+)",
    "I": r"(?:order |ticket )?(?:number |id |no |#)?(?P<order>¤\d+)",
}
# Words of a question that are tickers as well; in lower case they are the words.
_OWN_WORDS = frozenset({"bid", "cost", "ask", "low", "high", "open", "value", "worth", "balance", "cash"})
_TAILS = re.compile(
    r"(?: (?:please|pls|thanks|thank you|now|right now|currently|at the moment|for me|so far|exactly|at all|yet|these days|in total|at present|still))+$"
)
_PERIODS = re.compile(
    r"\b(?:(?:for|over|during|in|from|since|of)? ?(?:the )?)?(?P<period>today|yesterday|this week|last week|past week|this month|last month|past month|"
    r"this year|last year|past year|year to date|ytd|all time|overall|since inception|so far today|this quarter|last quarter|week|month|year)\b"
)  # fmt: skip
_PERIOD_NAMES = {
    "this week": "week", "past week": "week", "this month": "month", "past month": "month", "this year": "year",
    "past year": "year", "year to date": "ytd", "since inception": "all", "all time": "all", "overall": "all",
    "so far today": "today", "last week": "last_week", "last month": "last_month", "last year": "last_year",
    "this quarter": "quarter", "last quarter": "last_quarter",
}  # fmt: skip
_ASKS_WITH_TIME = frozenset({Query.PNL, Query.FILLS, Query.ORDERS, Query.MARKET_CLOCK, Query.QUOTE})


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that was understood; `lexeme` is the symbol's, to be resolved by the caller."""

    query: Query
    lexeme: Lexeme | None = None
    order_id: str | None = None
    period: str | None = None


@functools.cache
def _forms() -> tuple[tuple[Query, re.Pattern[str]], ...]:
    def whole(form: str) -> str:
        for key, part in _PARTS.items():
            seen = form.count("{" + key + "}")
            for number in range(seen):
                # A group's name may stand once in a pattern: number the repeats.
                named = part.replace("?P<symbol>", f"?P<symbol{number}>").replace("?P<order>", f"?P<order{number}>")
                form = form.replace("{" + key + "}", named, 1)
        return form

    return tuple((query, re.compile(whole(form))) for query, form in _FORMS)


def asked(lexemes: Sequence[Lexeme], text: str) -> Asked | None:
    """Return the query that the whole text asks, or None."""
    words = _words(lexemes, text)
    bare = _TAILS.sub("", words)
    for candidate, period in _with_and_without_period(bare):
        for query, form in _forms():
            found = form.fullmatch(candidate)
            if found and (period is None or query in _ASKS_WITH_TIME or query in (Query.POSITIONS, Query.BALANCE)):
                return _answer(query, found, period, lexemes)
    return None


def _with_and_without_period(words: str) -> list[tuple[str, str | None]]:
    found = _PERIODS.search(words)
    if not found:
        return [(words, None)]
    rest = " ".join((words[: found.start()] + " " + words[found.end() :]).split())
    name = found["period"]
    return [(words, None), (_TAILS.sub("", rest), _PERIOD_NAMES.get(name, name))]


def _answer(query: Query, found: re.Match[str], period: str | None, lexemes: Sequence[Lexeme]) -> Asked:
    groups = [value for value in found.groupdict().values() if value]
    symbol = next((lexemes[int(value[1:])] for value in groups if value[0] == "§"), None)
    order = next((lexemes[int(value[1:])].value for value in groups if value[0] == "¤"), None)
    kept = period if query in (Query.PNL, Query.FILLS, Query.ORDERS) else None
    return Asked(query, symbol, order, kept)


def _words(lexemes: Sequence[Lexeme], text: str) -> str:
    """The sentence in lower case with symbols and order ids numbered and punctuation gone."""
    pieces = []
    for index, lexeme in enumerate(lexemes):
        if lexeme.text in _OWN_WORDS:
            pieces.append(lexeme.text)
        elif lexeme.kind == "SYMBOL" or (lexeme.kind == "AMBIGUOUS" and len(lexeme.value) > 1):
            pieces.append(f"§{index}")
        elif (
            lexeme.kind == "UNKNOWN"
            and lexeme.value
            and lexeme.text[0].isupper()
            and index > 1
            and len(lexeme.text) > 2
        ):
            pieces.append(f"§{index}")
        elif lexeme.kind == "ORDER_ID":
            pieces.append(f"¤{index}")
        else:
            pieces.append(re.sub(r"[^a-z0-9&%/ ]", " ", lexeme.text.lower().replace("-", " ")))
    return " ".join(" ".join(pieces).split())
