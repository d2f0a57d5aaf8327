"""All installed libraries on one function of the user's: value, bar, evaluations and time.

`compare` asks numdiff and its `peers` for the derivative that f and x suggest, in one process and
in turns, and returns a `Comparison`: ``str()`` is a table, `to_dict` is fit for JSON, and `picture`
draws it. On the command line: ``numdiff compare module:f --at 1.3,0.7``.

Examples
--------
>>> import math
>>> found = compare(math.exp, 1.0, tools=("numdiff", "3-point"))
>>> [answer.tool for answer in found.answers], found.kind
(['numdiff', '3-point'], 'derivative')
"""

from numdiff.compare.asking import Answer, Comparison, compare
from numdiff.compare.peers import PEERS, Peer, Said
from numdiff.compare.picture import picture

__all__ = ["PEERS", "Answer", "Comparison", "Peer", "Said", "compare", "picture"]
