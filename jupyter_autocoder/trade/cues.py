"""What must not act, and what must be asked about: recognised by its words before any order is read.

The order of the tables is the order of the judgement. Being too careful here costs a person one more sentence; being
careless costs money, so a cue anywhere in the text is enough.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Rule = tuple[str, re.Pattern[str]]


def _rules(*pairs: tuple[str, str]) -> Sequence[Rule]:
    return tuple((reason, re.compile(pattern, re.IGNORECASE | re.MULTILINE)) for reason, pattern in pairs)


_SPEAKER = (
    r"(?:e-?mail|article|message|tweet|post|document|web ?page|page|file|pdf|letter|report|website|site|news|headline|blog|"
    r"tool|tool[ _]?(?:output|result|response|call)|output|result|response|api|model|assistant|ai|bot|chat ?gpt|gpt|claude|agent|llm|"
    r"system|user|human|admin|developer|support|csv|notebook|cell|comment|note|memo|text|transcript|log|subject|from|re|fwd|fw|quote[d]?|"
    r"pasted|copied|source|warning|alert|notification|notice|broker|analyst|advisor|friend|boss|wife|husband|mom|dad|he|she|they|you|someone|reddit|"
    r"instructions?|prompt|context|content|example|e\.g|i\.e)"
)

# Text that is not the person's own instruction, whoever typed it: it never acts.
FOREIGN = _rules(
    ("code", r"```|^\s*(?:def|class|import|from \w+ import|for \w+ in|while|return|async|await|lambda)\b.*|^\s*[#%!]{1,2}\s*\S|^\s*//|\bprint\(|[A-Za-z_]\w*\([^)]*\)|[A-Za-z_]\w*\.[a-z_]+_[a-z_]+|\b\w+ ?(?:==|\+=|:=|=) ?|[{}\\]|\[\s*[\"'\[]|;\s*$(?=[\s\S]*;\s*$)|\bselect \S+ from\b|\bcurl \S|https?://|www\."),
    ("injected", r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:instruction|prompt|rule|previous|prior|above|limit|safety|guardrail|polic)|\byou are now\b|\bnew (?:system )?instructions?\b|\bas an ai\b|\bsystem prompt\b|\bdeveloper mode\b|\b(?:begin|end|start) of (?:the )?(?:message|email|document|file|prompt|instructions?)\b|<[^<>]*>|^\s*>|\[/?[A-Za-z_ ]+\]|^\s*-{3,}|={3,}|\*{2,}|\|"),
    ("quoted", rf"^\W*(?:(?:the|this|that|an?|my|from the|in the|according to the|per the|re|fwd) )*{_SPEAKER}\b[^:,\n]{{0,40}}(?::|\b(?:says?|said|reads?|returned|returns|contains?|tells?|told|wants?|asks?|asked|instructs?|instructed|recommends?|recommended|suggests?|suggested|wrote|writes|states?|mentions?|mentioned|thinks?)\b)"),
    ("quoted", r"\baccording to\b|\bas follows\b|\b(?:it|he|she|they|who|which|that) (?:says?|said|told|reads?|wrote)\b|\b(?:says?|said|saying|told me|tells me|wrote|unquote|pasted|forwarded)\b(?=\W)"),
)  # fmt: skip

_QUOTED = re.compile(r"\"([^\"]*)\"|(?<![A-Za-z0-9])'([^'\n]*)'(?![A-Za-z0-9])|`([^`]*)`")


def quotations(text: str) -> list[str]:
    """Return what stands in quotation marks."""
    return [next(part for part in found.groups() if part is not None) for found in _QUOTED.finditer(text)]


def unquoted(text: str) -> str:
    """Take the quotation marks off, for a text whose quotations are mere names."""
    return _QUOTED.sub(lambda found: next(part for part in found.groups() if part is not None), text)


_YES = r"(?:y|yes|yes please|yep|yeah|yup|ya|aye|sure|sure thing|confirm|confirmed|confirming|i confirm|approve|approved|i approve|agree|agreed|i agree|accept|accepted|i accept|affirmative|proceed|go ahead|go for it|do it|do so|do that|make it so|execute|execute it|execute that|execute now|submit|submit it|submit now|send|send it|send it now|place it|place the order|lgtm|sounds good|looks good|perfect|great|fine|absolutely|definitely|of course|correct|right|exactly|ok|okay|k|alright|all right|roger|yessir|ship it|pull the trigger|lets go|lets do it|lets do this|authorize|authorized|i authorize|sign off|signed|green light)"
_AFTER_YES = r"(?:please|the|this|that|it|my|all|both|these|those|them|order|orders|trade|trades|ticket|tickets|transaction|purchase|sale|buy|sell|now|then|thanks|thank you|and|to|with|for|of|above|previous|last|first|second|one|everything|i|we|do|just|me|[#¤]?\w*\d\w*)"
_CONFIRM = re.compile(rf"\W*{_YES}(?:\W+(?:{_YES}|{_AFTER_YES}))*\W*")
_STARTS_WITH_YES = re.compile(
    r"\W*(?:y|yes|yep|yeah|yup|confirm|confirmed|confirming|i (?:hereby )?(?:confirm|approve|authorize|accept|agree)|approve|approved|authorize|accept|affirmative|lgtm|do it)\b"
)


def is_confirmation(words: str) -> bool:
    """Whether a text is, or begins as, a typed "yes": only the ticket's own control confirms."""
    return bool(_CONFIRM.fullmatch(words) or _STARTS_WITH_YES.match(words))


# Negative words that limit a price or leave something alone; they are taken out before negation is looked for.
_HARMLESS = re.compile(
    r"\b(?:no|not) (?:more|less|higher|lower) than\b|\bnot (?:over|above|under|below|exceeding)\b|"
    r"\b(?:dont|do not|never) (?:pay (?:more than|over|above)|exceed|go (?:over|above)|(?:sell|accept|take) (?:less than|under|below)|touch (?:the |my |any )?(?:rest|others?|everything else|anything else)[\w ]*)|"
    r"\b(?:dont|do not) (?:ask|prompt)\b[^,.;]*|\b(?:no|without) (?:any |a |the |asking for |further |need for )*(?:confirmation|confirmations|confirming|approval|prompts|questions|asking)\b|"
    r"\band nothing else\b|\bas (?:i|we) (?:can|could)(?: afford)?\b"
)
_WANTS = re.compile(
    r"\b(?:i would|id|we would|wed|would) (?:like|love|prefer)\b|\b(?:would|could|can|will) you(?: please)?(?: mind)?\b|\b(?:i|we) own\b(?=$)|everything i (?:own|have|hold)|whatever i have"
)

# No ticket, whatever else the text says.
NEVER = _rules(
    ("negation", r"\b(?:dont|do not|does not|doesnt|did not|didnt|never|not|no|nope|nah|cannot|cant|wont|will not|shouldnt|wouldnt|couldnt|isnt|arent|wasnt|werent|havent|hasnt|hadnt|aint|avoid|refuse[sd]?|refrain|nevermind|without|instead of|rather than|hold off|nothing|nor|neither|no longer)\b|\b(?:stop|quit|cease|halt) (?:buying|selling|shorting|purchasing)\b|\bforget (?:it|about|that|the)\b|\bkeep (?:my|the|all|holding)\b(?! (?:rest|remainder|order|it))"),
    ("hypothetical", r"\b(?:think(?:ing)?|thought|consider(?:ing|ed)?|contemplat\w*|maybe|perhaps|might|possibly|probably|hypothetical\w*|suppos\w*|imagin\w*|assum\w*|pretend\w*|what ifs?|if (?:i|we|you|he|she|they|someone|one)\b|had i|wish|hop(?:e|es|ing)|someday|some day|one day|eventually|tempted|debating|wonder\w*|dream\w*|plan(?:s|ning|ned)? (?:to|on)|intend\w*|for example|for instance|lets say|say i|(?:could|would|should) have|should|shall|ought|role ?play|simulat\w*|back ?test\w*|scenario|theor\w*|in theory|let me think|i guess|leaning|inclined|on the fence|ponder\w*|mull\w*|was going to|were going to|about to|going to|gonna|used to|better (?:to|off))\b|\b(?:i|we) (?:could|would|may|can|will|must|shall)\b|\b(?:ill|well|id|wed|youd|hed|theyd) \w+|\bwould(?: it| that| this| there| be| have)\b|\bunless\b"),
    ("question", r"\?|^\W*(?:what|whats|when (?:should|do|does|is|will|can|did|are|would|was)|where|why|who|whose|which|how|hows|is|are|am|was|were|do (?:i|you|we|they|people)|does|did|has|have|will (?!you)|should|shall|may i|can (?!you)|could (?!you)|would (?!you)|isnt|arent|any (?:chance|idea|reason|thoughts)|ever|whether|tell me (?:if|whether|why|how|about|when|what|which)|explain|describe|define|summari[sz]e|translate|compare|analy[sz]e|recommend|suggest|advise|predict|forecast|estimate|calculate|compute|thoughts on|opinions? on|advice|help me (?:understand|decide|choose|with)|teach|guide|research|look into|learn)\b"),
    ("code", r"\b(?:code|script|python|function|program|algorithm|algo|pandas|dataframe|plot|chart|graph|notebook|variable|regex|sql|json|javascript|snippet|backtester|strategy|strategies|bot|pseudocode|watch ?lists?|alerts?|reminders?|unit tests?)\b|^\W*(?:remind|alert|notify|warn|ping|tell|let me know|watch|monitor|track|find|look for|search|screen|write|draft|generate|implement|develop|design|draw|visuali[sz]e|scrape|parse|download|fetch|import|train|load|read|run|compose|save|export|print|list all|count)\b"),
)  # fmt: skip

# Reports and opinions; a text that begins with an instruction is left to the grammar, which knows none of these words.
STATEMENT = _rules(
    ("statement", r"\b(?:bought|sold|shorted|covered|purchased|acquired|owned|invested|liquidated|was|were|been|had|has|have|having|own|owns|hold|holds|held|got filled|im|ive|i am|we are|were|hes|shes|theyre|he|she|they|is|are|its|looks?|looking|seems?|said|says|told|recommend\w*|suggest\w*|advis\w*|heard|read|news|rumou?rs?|articles?|tweet\w*|analysts?|friends?|boss|everyone|everybody|people|nobody|someone|love|loves|hate|hates|likes?|believe\w*|feel\w*|expect\w*|predict\w*|went|rose|fell|dropped|surged|rallied|crashed|gained|lost|made|makes|buying|selling|shorting|buys|sells|buyers?|sellers?|investors?|yesterday|last (?:week|month|year|night)|ago|already|because|announced|reported|beat|missed|great|good (?:buy|stock|company)|bad|terrible|amazing|overvalued|undervalued|bullish|bearish|hello|thanks|will|can|wanted|needed|tried|used)\b"),
)  # fmt: skip

# Asked about, with the reason; none of these may become an immediate order.
ASKED = _rules(
    ("unsupported_options", r"\b(?:calls?|puts|options?|strikes?|straddles?|strangles?|condors?|butterfl\w+|covered call|leaps?|contracts?|expir\w+|0dte|premiums?|delta|theta|exercise|assign(?:ed|ment)?|(?:call|put|credit|debit|calendar|vertical) spreads?)\b|\b(?:an?|the|\d+|protective|long|short|naked|cash secured|buy|sell|write|\d+(?:\.\d+)?[cp]) put\b|\b[A-Z]{1,6}\d{6}[CP]\d{8}\b|\b\d{2,4}[cp]\b"),
    ("unsupported_futures", r"\b(?:futures?|e-?minis?|forwards?|cfds?|swaps)\b|(?<!\w)/[A-Z]{2,3}\b|\b(?:barrels?|ounces?|oz|bushels?|troy|lots? of)\b"),
    ("unsupported_currency", r"[€£¥₹₩₿]|\b(?:euros?|eur|gbp|pounds?|sterling|yen|jpy|cad|aud|chf|hkd|cny|rmb|yuan|rupees?|inr|pesos?|mxn|francs?|krona|won|reais|nzd|sgd|usdt|usdc|forex|fx|(?:canadian|australian|hong kong|singapore|new zealand) dollars?|c\$|a\$|pence)\b"),
    ("unsupported_listing", r"\b(?:lse|tsx|tsxv|asx|hkex|tse|xetra|euronext|bse|nse|six swiss|(?:on|in) (?:the )?(?:london|toronto|tokyo|frankfurt|paris|hong kong|shanghai|mumbai|sydney|swiss|german|canadian|japanese|british|indian|chinese|amsterdam|milan|madrid|stockholm)(?: (?:stock )?(?:exchange|market))?|london listed|foreign listing)\b|\b\d{4}\.(?:hk|t|tw|ks|ss|sz)\b|\b(?:lon|tse|hkg|fra|asx|tsx|lse|epa|etr|bom|nse) ?:"),
    ("unsupported_transfer", r"\b(?:deposit\w*|withdrawals?|withdraw (?!(?:my |the |all |all my )?(?:\S+ )?orders?)|transfer\w*|wire\b|wiring|ach|bank account|checking|savings|paypal me|venmo|zelle|fund my account|send (?:me )?\$?\d|pay (?:my|the|off|out)|cash out (?:to|my)|move \$?\d+\S* (?:to|from|into|out))\b"),
    ("unsupported_instrument", r"\b(?:bonds?|t-?bills?|treasur(?:y|ies) (?:bill|note|bond)s?|mutual funds?|ipos?|nfts?|margin|leverag\w+|staking|stake my|lend\w*|borrow\w*|warrants?|preferred|annuit\w+|roth|401k|ira|all or none|aon|drip|reinvest dividends|dark pool|iceberg|twap|vwap|hidden order|pegged?)\b"),
    ("unsupported_schedule", r"\b(?:tomorrow|tonight|overnight|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekly|daily|monthly|annually|yearly|biweekly|quarterly|hourly|every (?!(?:position|holding|stock|share|single|open)\b)\w+|each (?:day|week|month|morning|year|monday|friday|paycheck)|(?:next|this|coming) (?:week|month|year|quarter|monday|morning|afternoon|evening|weekend|session|time)|later|eventually|soon|noon|midnight|in (?:an?|one|two|\d+|a few|the next|the) (?:seconds?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|morning|afternoon|evening)|(?:after|before|by|until|till|at) (?:lunch|breakfast|dinner|work|noon|\d{1,2}(?::\d\d)? ?(?:am|pm|oclock|et|est|pst|edt|utc)|\d{1,2}:\d\d|friday|monday)|(?:after|before|by|until|till) (?:the (?:open|close|bell|market|end|weekend|meeting|announcement|report|call)|market (?:open|close)|close|open|end of)|\d{1,2}(?::\d\d)? ?(?:am|pm)\b|\d{1,2}:\d\d|end of (?:the )?(?:day|week|month|quarter|year)|eod|eow|recurring|repeat\w*|schedul\w*|dca|dollar cost|automatically invest|when(?:ever)? (?:the )?markets? (?:opens?|closes?|is)|once (?:the )?markets? (?:opens?|closes?)|as soon as (?:the )?markets? (?:opens?|closes?)|(?:jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|tember|ober|ember)? \d{1,2}(?:st|nd|rd|th)?|good till date|gtd)\b"),
    ("unsupported_schedule", r"\b(?:an?|per|each|every) (?:day|week|month|year)\b(?! (?:order|only))"),
    ("unsupported_resume", r"\b(?:resume|unhalt|restart|reactivate|re-?enable|unpause|start) (?:all )?trading\b"),
    ("unsupported_condition", r"\b(?:earnings|eps|revenue|news|announce\w*|fed|fomc|cpi|inflation|interest rates?|rates?|jobs report|rsi|macd|moving average|\d+ ?(?:day ma|day moving|dma|sma|ema)|sma|ema|bollinger|volume|volatility|dividend|stock split|p/?e ratio|market cap|support|resistance|sentiment|upgrade[sd]?|downgrade[sd]?|all time high|52 week|ath|atl|golden cross|death cross|the dow|the market (?:drops|falls|rises|crashes|goes)|oil|vix|index|indicator|signal|trend|breakout|whichever|depending)\b|\bif (?!and when)[^,.;]*\b(?:\d+(?:\.\d+)? ?(?:%|percent))"),
    ("vague_quantity", r"~|\b(?:some|several|few|couple|as (?:much|many)|bunch|lots?|plenty|handful|little|bit|bits|tiny|small|big|large|huge|many|much|most|majority|about|around|approximately|approx|roughly|circa|ish|or so|nearly|almost|close to|up to|enough|whatever|load up|max out|yolo|various|somewhere|between \$?\d|\d+ ?(?:or|to) ?\d+ (?:shares|of)|\d+ or \d+|\d+ish|dozens|hundreds|thousands|tons?|more or less|give or take|ballpark|reasonable|good amount|partial\w*|part of|portion|chunk|slice)\b"),
    ("unsupported_language", r"[¿¡]|\b(?:kauf\w*|verkauf\w*|aktien?|bitte|compr(?:a|ar|e|o|en|ame)|vend(?:e|er|a|o|en|re|ez|s|ere|i)|acciones|accion|achet\w*|ach[eè]te|acqu?ista\w*|azioni|a[cç][oõ]es|koop|koupit|verkoop|aandelen|kup|sprzedaj|akcji|por favor|s'?il vous pla[iî]t|quiero|je veux|ich|moechte|möchte|mes|mis|todas?|tous|toutes|beli|saham|satin|hisse|köp|sälj|osta|myy|kjøp|selge)\b"),
)  # fmt: skip


# The same, judged by the whole text, since its words make a phrase of ours.
ASKED_WHOLE = _rules(("unsupported_account", r"\bclose (?:out )?(?:my|the|this) (?:\w+ )?account\b"))


def first(rules: Sequence[Rule], text: str) -> str | None:
    """Return the reason of the first rule that finds its cue in the text."""
    return next((reason for reason, pattern in rules if pattern.search(text)), None)


def without_harmless(words: str) -> str:
    """Take out the phrases whose negative or wishing words change nothing."""
    return _WANTS.sub(" ", _HARMLESS.sub(" ", words))
