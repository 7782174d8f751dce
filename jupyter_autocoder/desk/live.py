"""What stands between a ticket and real money: the place, the account's opt-in, and one for a shared user."""

from __future__ import annotations

from typing import Literal

from jupyter_autocoder.settings import TradeSettings

Place = Literal["kernel", "server"]
ASK_LIVE = (
    "live orders are confirmed in the Jupyter server only, in the sidebar; without a Jupyter server there is no live "
    "trading"
)


def live_refusal(trade: TradeSettings, place: Place, *, shares_user: bool) -> str:
    """Why nothing live may be sent from here; empty when it may, or when nothing live is meant."""
    if trade.mode != "live":
        return ""
    if place != "server":
        return ASK_LIVE
    if not trade.account or trade.account not in trade.live_accounts:
        return "this account is not opted in: [trade] live_accounts must name it"
    if shares_user and not trade.live_shared_user:
        return (
            "code in your kernel runs as the same user as this server and could imitate you; "
            "[trade] live_shared_user = true says that you know"
        )
    return ""
