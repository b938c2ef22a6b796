"""Names from files in the words of the app: in tables, charts and sentences of a study.

In a shell names stay as they are in the file, where they are typed again; on a page they are read.
"""

from __future__ import annotations

import re

from twin.schema import Scenario
from twin.study import ready
from twin.study.ready.words import kind_said
from viz import look

_KEY = re.compile(r"(?<![\w.\[`'])([a-z_]+)((?:\[\])?(?:\.[a-z_]+)+)")
_NAME = re.compile(r"(?<![\w.`'])\w*[^\W_]_[^\W_]\w*(?![\w`']|=|\.\w|\[)")


def said(name: str) -> str:
    """Return a name from a file, or a dotted key of a scenario, as words.

    ``stock[].policy.safety_factor`` is ``safety factor (stock policy)``.
    """
    return look.said(_KEY.sub(_key, name)).replace("->", " → ")


def sentence(text: str, study: str = "") -> str:
    """Return a sentence with its names as words.

    Parameters
    ----------
    text
        The sentence.
    study
        Name of a ready-made study: what it can be asked keeps its spelling, and so does what stands
        in quotes or before ``=``, because it is to be typed.
    """
    typed = ready.found(study).options.model_fields if ready.is_ready_made(study) else {}
    told = _NAME.sub(
        lambda m: m[0] if m[0] in typed else look.said(m[0]), _KEY.sub(_key, text)
    ).replace("->", " → ")
    return told if told == text else told[:1].upper() + told[1:]


def _key(found: re.Match[str]) -> str:
    """Return a key with what it is first, and what it belongs to in brackets."""
    if found[1] not in Scenario.model_fields:
        return found[0]
    return kind_said(found[0])
