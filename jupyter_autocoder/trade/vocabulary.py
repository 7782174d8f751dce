"""The closed vocabulary: which phrases mean which terminal of the grammar.

One line is one way to say it. ``[x|y]`` may be left out, ``(x|y)`` is a choice; phrases match whole words, the longest
wins. Apostrophes and case are gone before anything is looked up, and hyphens count as spaces. A word that is in no
phrase, no number and no table is unknown, and an unknown word always means asking back.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_PLACE = "(place|enter|submit|create|execute|set up|open|send|put in|do)"

PHRASES: Mapping[str, str] = {
    # -- verbs
    "BUY": f"""
        buy [me|us|in|into]
        buy to open
        (purchase|acquire|accumulate) [me]
        (get|grab) [me|us]
        (pick|scoop|snap) [me] up
        [go|get] long [on]
        add
        {_PLACE} [me] [a|an|another] (buy|purchase)
        [a|an] (buy|purchase) order (for|of|on)
        (id|i would) like
        to buy
        """,
    "SELL": f"""
        sell [off|me]
        (unload|offload)
        [a] sell order (for|of|on)
        {_PLACE} [me] [a|an|another] (sell|sale)
        to sell
        """,
    "SHORT": f"""
        short [sell]
        sell short
        go short [on]
        {_PLACE} [a] short [sell|sale]
        to short
        open a short [position] (in|on|of)
        """,
    "COVER": """
        cover
        buy to (cover|close)
        to cover
        """,
    "CLOSE": """
        (close|close out) [of]
        (exit|exit out) [of|from]
        (liquidate|dump|ditch|unwind|flatten)
        get (rid|out) of
        (bail|cash|sell) out of
        to (close|exit|liquidate)
        """,
    "TRIM": "(trim|reduce|decrease|pare|pare back|pare down|cut|cut back|cut down|lighten|scale down|shave) [my way]",
    "HALVE": "halve",
    "PROTECT": "protect",
    "RAISE": "(increase|grow|boost|raise|top up|bring up|build up|beef up)",
    "ADJUST": "(bring|take|adjust|get|set|make)",
    "DOUBLE": "double",
    "PUT": "(put|invest|reinvest|spend|allocate|deploy|stick|throw)",
    "SPLIT": "(split|divide|spread)",
    "ROTATE": "(rotate|swap|switch|convert|roll) [out of|from]",
    "REBALANCE": """
        (rebalance|reallocate|rebal)
        re balance
        """,
    "CANCEL": "(cancel|kill|scrap|scratch|void|revoke|withdraw|pull|delete|remove|rescind)",
    "CHANGE": "(change|modify|amend|edit|update|replace|adjust|revise|move|raise|lower|increase|decrease|reduce|set|make)",
    "HALT": """
        (halt|stop|pause|freeze|suspend|disable) [all] [my|the] trading [now|immediately]
        (halt|stop|freeze) everything
        (kill switch|killswitch|panic)
        (hit|activate|pull|trigger|engage|press|use|flip|turn on) the (kill switch|killswitch)
        emergency (stop|halt)
        halt
        """,
    "PLACE": f"{_PLACE} [me] [a|an|another|the]",
    # -- prices and types
    "MARKET": """
        [at|with|using] [a|the] [current] market [price|order|prices] [order]
        at the (current|prevailing) [market] price
        (at|for) the [best] available price
        [at] mkt
        """,
    "LIMIT": """
        [with|at|using|as|to] [a|an|the|its|my] (limit|lmt) [price|order|price of|order at|price at] [of|at|is|to|set at|for]
        [with|at|using] [a|the] (limit price) [of|at|is|to|set at]
        """,
    "STOP_LIMIT": "[with|at|using|as] [a|an|the] stop limit [order|price] [of|at]",
    "STOP_LOSS": """
        [with|and|using|at|as] [a|an|the|my|its] (stop loss|stoploss|protective stop|sl) [order|price] [of|at|to|is|set at|below]
        (with|using) [a|the] stop [at|of]
        """,
    "STOP": """
        [with|at|using|as|to] [a|an|the|its|my] stop [price|order|trigger|market|market order] [of|at|is|to|set at]
        [with|at|using] [a|the] (trigger price|trigger) [of|at|is]
        """,
    "TAKE_PROFIT": """
        [with|using|at|as] [a|an|the|my] (take profit|takeprofit|profit target|profit taker|tp|target|price target) [order|price|limit] [of|at|to|is|set at]
        take (profit|profits) (at|of)
        """,
    "TRAIL": """
        [with|and|using|as] [a|an|the|my] trailing stop [loss] [order|limit] [of|at|by|with|set at]
        [with|using] [a] trail [of|by|amount of|percent of]
        [and] trail (it|by|it by)
        trailing [by]
        """,
    "CAP": """
        [but] (no|not) more than
        [for|at|paying] (at most|no more than|not more than|a max of|a maximum of|a maximum price of)
        (max|maximum) [price] [of]
        (at|for) (max|maximum)
        [but] not (over|above|exceeding) [a price of]
        [but] (dont|do not|never) pay (more than|over|above)
        [but] (dont|do not) (exceed|go over|go above)
        [but] pay (no more than|at most)
        (at or below|at or under|or less than)
        [at] (up to a price of)
        """,
    "FLOOR": """
        [but] (no|not) less than
        [for|at] (at least|no less than|not less than|a minimum of|a min of)
        (min|minimum) [price] [of]
        [but] not (under|below) [a price of]
        [but] (dont|do not|never) (sell|accept|take) (less than|under|below)
        (at or above|at or over)
        """,
    "UNDER": "[for|at] (under|below|beneath|less than|cheaper than)",
    "OVER": "[for|at] (over|above|more than)",
    "OR_BETTER": "or better",
    "OR_LESS": "[or|and] (or less|or lower|or below|or under|or cheaper)",
    "OR_MORE": "(or more|or higher|or above|or over)",
    "PER_SHARE": """
        (per|a) (share|piece|unit)
        apiece
        """,
    # -- conditions on the order's own symbol
    "IF": """
        [but] [only] (if|when|once|as soon as|in case)
        if and when
        """,
    "IT": "(it|price|the price|the stock|its price|stock price|the stock price|share price|the share price)",
    "DOWN": """
        (falls|fall|drops|drop|dips|dip|declines|sinks|slides|slips|goes|go|gets|get|trades|trade|moves|breaks|crosses|is|are|pulls back|plunges|crashes|tanks|comes) [back|down|trading] (below|under|beneath|at or below|to or below)
        (falls|fall|drops|drop|dips|dip|declines|sinks|slides|slips|pulls back|retreats|plunges|crashes|tanks) [back|down|all the way] to
        (goes|go|comes|gets|moves|trades|is|breaks) down to
        (goes|go|comes|falls|drops|dips) (as low as)
        """,
    "UP": """
        (rises|rise|climbs|climb|rallies|jumps|goes|go|gets|get|trades|trade|moves|breaks|break|crosses|is|are|surges|pops|runs) [back|up|out|trading] (above|over|past|through|at or above|beyond)
        (rises|rise|climbs|climb|rallies|jumps|surges|pops|increases|runs|recovers|bounces) [back|up|all the way] to
        (goes|go|gets|moves|trades|runs|is) (up|back up) to
        """,
    "REACH": "(hits|hit|reaches|reach|touches|touch|gets to|goes to|gets|trades at|is at|crosses|comes to|moves to|trades to)",
    # -- how long, and which session
    "DAY": """
        [good] for (today|the day|the rest of the day|today only|day only)
        [as] [a] day (order|only|tif)
        [make it] good for (day|the day)
        (today|today only)
        day
        """,
    "GTC": """
        [as] [a] (gtc|gtk) [order]
        good (till|til|until|to) (cancel|cancelled|canceled|cancellation|i cancel|i cancel it|its cancelled|its canceled)
        [open|keep it open|valid] (until|till|til) (cancelled|canceled|i cancel|i cancel it)
        """,
    "IOC": """
        [as] [an] (ioc) [order]
        immediate or (cancel|cancelled|canceled)
        """,
    "FOK": """
        [as] [a] (fok) [order]
        fill or kill [it]
        """,
    "OPG": """
        (at|on) [the] [market] (open|opening|opening bell|opening auction)
        in the opening auction
        opg
        """,
    "MOO": """
        [as] [a] market on [the] open [order]
        moo
        """,
    "LOO": """
        [as] [a] limit on [the] open [order]
        loo
        """,
    "CLS": """
        (at|on) [the] [market] (close|closing|closing bell|closing auction)
        in the closing auction
        """,
    "MOC": """
        [as] [a] market on [the] close [order]
        moc
        """,
    "LOC": """
        [as] [a] limit on [the] close [order]
        loc
        """,
    "TIF": """
        (tif|time in force) [is|of]
        [and] (make|keep) it
        good
        """,
    "EXTENDED": """
        [in|during|with|using|for|allow|allowing|enable] [the] (after hours|afterhours|extended hours|extended hour|premarket|pre market|after market|aftermarket|outside rth|ext hours|postmarket|post market) [session|trading|allowed|ok|enabled|on]
        (outside|outside of) [regular|normal|market] [trading] hours
        (including|include) (extended hours|premarket|after hours|pre market)
        """,
    # -- words inside the object
    "SHARES": "(share|shares|shs|stock|stocks|unit|units|shares of stock)",
    "HOLDING": "(position|positions|holding|holdings|stake|investment|exposure|exposure to)",
    "MY": "[all|rest] [of] (my|our)",
    "ALL": """
        all [of|the|of the] [my|our]
        [my|the] (entire|whole|full|complete)
        every
        all of it
        """,
    "EVERYTHING": """
        everything [i own|i have|i hold|in my account|in my portfolio|in the account]
        it all
        all [of] [my|the|our] [open|current|existing|stock|equity] (positions|holdings|stocks|investments|assets)
        [my|the] (entire|whole|full|complete) (portfolio|account|book)
        (every|each) [single|open] (position|holding|stock) [i own|i have|i hold]
        """,
    "EXCEPT": "[but|all] (except|except for|excluding|apart from|other than|besides|aside from|but keep|but leave|save for|but)",
    "OF": "(of|worth|worth of|from|out of)",
    "IN": "(in|into|on|onto|towards|toward|inside)",
    "TO": "to",
    "BY": "by",
    "MORE": "(more|additional|extra|another|an additional|an extra|further)",
    "EACH": """
        [of] each [of]
        (respectively each)
        """,
    "BETWEEN": "(between|among|across|amongst) [both]",
    "EQUALLY": "(equally|evenly|50 50|equal parts)",
    "CASH": """
        [available|spare|settled|free|uninvested|remaining|idle] (cash|funds|money) [balance|on hand|available]
        cash
        """,
    "BUYING_POWER": "[available|remaining] buying power",
    "EQUITY": "[total] [my] (portfolio|account|equity|account equity|net worth|portfolio value|account value|net liq|assets|total assets|capital|net liquidation value)",
    "PROCEEDS": """
        (proceeds|money from that|cash from that|money from the sale|cash from the sale) [of|from] [that|the|this] [sale|trade|sell]
        """,
    "WITH": "(with|using|use|via|utilizing)",
    "FOR": "for",
    "AT": "(at|for a price of|at a price of|at price|priced at)",
    "OR": "or",
    "BRACKET": "[as|with|using] [a|an] (bracket|oco|oto|one cancels other|one cancels the other) [order|exit]",
    # -- order management and weights
    "ORDER": "(order|orders) [for|to|of|on]",
    "OPEN": "(open|pending|working|outstanding|active|resting|unfilled|existing|live|current|remaining)",
    "LAST": "[my|the] (last|latest|most recent|previous|newest) [one]",
    "QUANTITY": "(quantity|qty|size|amount|number of shares|share count)",
    "REST": """
        [and] [keep|leave|put|hold] [the] (rest|remainder|balance|remaining|leftover|other) [is|goes|stays|kept|staying|held] [in|as|to|into] cash
        [and] [keep|leave|put|hold] [the] (rest|remainder) [in|as] cash
        """,
    "UNTOUCHED": """
        [and] (leave|keep) [the|all|all the] (rest|others|everything else|other positions|other holdings|my other positions|my other holdings) [alone|untouched|unchanged|as is|as they are|as it is]
        [and] (dont|do not) touch [the|my|any] (rest|others|other positions|other holdings|everything else|anything else)
        """,
    "NOTHING_ELSE": """
        and (sell|close|dump|liquidate|exit) (everything else|the rest|all others|all other positions|anything else)
        (sell|close|dump|liquidate|exit) (everything else|all others|all other positions)
        [and] nothing else
        """,
    # -- joints and what carries no meaning
    "JOIN": "(and|then|plus|also|and then|and also|as well as|after that|next|afterwards|followed by|first)",
    "THE": "(the|those|these|a|an|its|that|total|exactly|only|just|single|whole|what i have in|shares of the)",
    "FILLER": """
        (please|pls|plz|kindly|thanks|thank you|thx|now|right now|immediately|asap|right away|at once|for me|me|quickly|today please|thank you very much|straight away)
        (go ahead and|just|also|all in|in total|altogether)
        in my [paper|trading|brokerage|practice] [trading] account
        both
        right
        """,
    "UNASKED": """
        [and] (skip|bypass|ignore|forget|omit) (the|any|all|my|asking for) (confirmation|confirmations|confirm step|approval|confirmation step|check|checks|prompt)
        [and] (no|without) [any|a|the|asking for|further|need for] (confirmation|confirmations|confirming|approval|prompts|questions|asking) [needed|required|necessary|asked|first|me]
        [and] (dont|do not) (ask|prompt) [me] [for] [to] [confirm|confirmation|approval|again|anything|first]
        [and] (auto confirm|autoconfirm|confirm automatically|auto approve) [it|the order|this]
        [and] confirm (it|this|the order|the trade) [for me|automatically|yourself|right away|immediately|too|as well]
        [and] (confirm|approve) [it] for me
        """,
}

# Words that polite or chatty sentences begin with and that change nothing.
OPENERS = re.compile(
    r"(?:(?:please|pls|plz|kindly|hey|hi|hello|ok|okay|alright|so|well|now|and|then|also|just|quickly|first|good morning|"
    r"i want you to|i would like you to|id like you to|i need you to|"
    r"i would like to|id like to|id love to|i would love to|i want to|i wanna|i need to|i wish to|we want to|wed like to|"
    r"we need to|im looking to|i am looking to|i would prefer to|"
    r"would you mind|do you mind|could you go ahead and|can you|could you|would you|will you|can u|could u|may you|"
    r"lets|let us|go ahead and|help me|help me to|try to|make sure to|be sure to|proceed to) *[,:]? +)+"
)

# Common misspellings cost an edit or two; words shorter than this are only forgiven one swap or one letter.
_LONG = 7
_FORGIVEN = frozenset(
    [
        "buy",
        "sell",
        "purchase",
        "short",
        "cover",
        "close",
        "liquidate",
        "exit",
        "trim",
        "reduce",
        "cancel",
        "rebalance",
        "share",
        "shares",
        "stock",
        "limit",
        "market",
        "stop",
        "trailing",
        "profit",
        "loss",
        "order",
        "orders",
        "price",
        "dollars",
        "percent",
        "position",
        "portfolio",
        "worth",
        "please",
        "half",
        "everything",
        "hours",
        "cash",
        "until",
        "cancelled",
        "canceled",
        "good",
        "premarket",
        "extended",
        "change",
        "modify",
        "proceeds",
        "bracket",
        "equally",
        "between",
        "account",
        "buying",
        "power",
        "invest",
        "allocate",
        "quantity",
        "open",
    ]
)


@dataclass(slots=True)
class Node:
    """One step into the phrases: what may follow, and the terminal if a phrase ends here."""

    following: dict[str, Node] = field(default_factory=dict)
    terminal: str | None = None


@functools.cache
def phrases() -> Node:
    """The phrases as a tree of words, built at first use; a phrase listed twice keeps its first terminal."""
    root = Node()
    for terminal, lines in PHRASES.items():
        for line in lines.strip().splitlines():
            for words in expand(line.strip()):
                _plant(root, words, terminal)
    return root


def _plant(root: Node, words: Sequence[str], terminal: str) -> None:
    node = root
    for word in words:
        node = node.following.setdefault(word, Node())
    node.terminal = node.terminal or terminal


def expand(pattern: str) -> Iterator[tuple[str, ...]]:
    """Yield every phrase of a pattern, at least one word long."""
    groups = [
        [choice.split() for choice in group[1:-1].split("|")] + ([[]] if group[0] == "[" else [])
        if group[0] in "[("
        else [[group]]
        for group in re.findall(r"\[[^\]]*\]|\([^)]*\)|[^\s\[\]()]+", pattern)
    ]
    phrases_: list[tuple[str, ...]] = [()]
    for group in groups:
        phrases_ = [before + tuple(choice) for before in phrases_ for choice in group]
    return (phrase for phrase in phrases_ if phrase)


def match(words: Sequence[str]) -> tuple[str, int] | None:
    """Return the terminal of the longest phrase the words begin with, and its length in words."""
    node, found = phrases(), None
    for count, word in enumerate(words, start=1):
        following = node.following.get(word)
        if following is None:
            break
        node = following
        if node.terminal:
            found = (node.terminal, count)
    return found


@functools.cache
def known_words() -> frozenset[str]:
    """Every word that occurs in a phrase."""
    words: set[str] = set()

    def walk(node: Node) -> None:
        for word, following in node.following.items():
            words.add(word)
            walk(following)

    walk(phrases())
    return frozenset(words)


@functools.lru_cache(maxsize=512)
def forgiven(word: str) -> str | None:
    """Return the one verb or keyword that a misspelt word was meant to be, or None. Symbols are never looked at."""
    if len(word) < 3 or len(word) > 14 or word in known_words():
        return None
    costs = {known: _edits(word, known) for known in _FORGIVEN if abs(len(known) - len(word)) <= 2}
    near = {known: cost for known, cost in costs.items() if cost <= (2 if len(known) >= _LONG else 1)}
    found = [known for known, cost in near.items() if cost == min(near.values())]
    # A plural beside its singular is one meaning.
    return min(found, key=len) if len({known.removesuffix("s") for known in found}) == 1 else None


def _edits(word: str, known: str) -> int:
    """Count the insertions, deletions, replacements and swaps of neighbours that turn one word into the other."""
    before: list[int] = []
    row = list(range(len(known) + 1))
    for i, letter in enumerate(word, start=1):
        before, row, last = row, [i], before
        for j, wanted in enumerate(known, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == known[j - 2] and word[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
