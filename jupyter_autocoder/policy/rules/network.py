"""Network and services."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.words import words

# On any object: an event loop's, a library's.
_ATTRIBUTES = words(
    "DataSource add_reader add_writer connect_accepted_socket create_connection create_datagram_endpoint create_server "
    "create_unix_connection create_unix_server fetch_california_housing fetch_openml get_rdataset load_dataset "
    "open_connection sendto sock_connect start_server urlopen urlretrieve"
)


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("network", ()):
        yield Hit(offence.node, f"{offence.path!r} needs the network")
    for name in _ATTRIBUTES & scan.attributes.keys():
        for node in scan.attributes[name]:
            yield Hit(node, f"'.{name}' needs the network")


RULE = Rule(
    id="network",
    summary="The network or a service on it is used.",
    reason="The code runs where there is no network, so it would only fail later and less clearly.",
    fix="Work on the inputs and files that were given; if data is missing, say which in a comment and stop.",
    find=_find,
)
