"""What a program complained of, told in words of our own: nothing that it wrote is repeated."""

from __future__ import annotations

import re

_WORDS = """
    a absent access account address already an and are argument arguments as at authenticate authentication
    authorization authorized be because been before by can can't cannot certificate changed check client closed command
    configuration connect connection could couldn't credential credentials denied deny did directory disabled dns does
    doesn't down due empty enough error exceeded exist exists exit expired failed failure fatal file find forbidden
    found for from group has have host hostname http https in incorrect internal interrupted invalid is it key known
    killed later limit line locked login lookup made malformed match memory missing module must name named network no
    none not object of on open operation option or out password path permission policy port private profile protocol
    proxy public quota rate read refused region remote request required reset resolve responding response role route
    running secret sealed server service session signature space ssh ssl status store such support supported syntax
    system temporarily temporary terminated the this throttled time timed timeout tls to token too try unable
    unauthorized unavailable unexpected unknown unreachable unrecognized url usage user valid value vault verification
    verify version was while with without wrong you your
"""
_KNOWN = frozenset(_WORDS.split())
_LONGEST_LINE = 2000
_MOST_WORDS = 24
_GAP = "..."


def told(complaint: bytes) -> str:
    """
    Tell the last line of a complaint by those of its words that are in a fixed list.

    >>> told(b"ssh: connect to host gpu-1.lan port 22: Connection refused")
    'ssh connect to host ... port ... connection refused'
    >>> told(b"HTTP 403: token test-key-1 is not valid")
    'http ... token ... is not valid'

    A key, which no error may show, can be anywhere in what a program writes
    while it fails, and in any form. So the words are ours, and dots stand for
    whatever else was there.

    Args:
        complaint: What the program wrote.

    Returns:
        The words; empty where there are none to tell.
    """
    lines = [line for line in complaint.decode("utf-8", "replace").splitlines() if line.strip()]
    words: list[str] = []
    for written in lines[-1][-_LONGEST_LINE:].split() if lines else ():
        word = re.sub(r"^\W+|\W+$", "", written.lower())
        word = word if word in _KNOWN else _GAP
        if word != _GAP or words[-1:] != [_GAP]:
            words.append(word)
    return " ".join(words[:_MOST_WORDS]) if any(word != _GAP for word in words) else ""
