r"""The regular expressions that a rule may hold: those that every engine reads alike.

Python's `re`, ECMA-262 and Rust's `regex` share a core: literals, escaped punctuation, ASCII classes, groups,
alternatives, greedy quantifiers, ``^`` and ``$``. Outside it they differ (``\d`` is Unicode in Python and Rust but
ASCII in ECMA-262) or cost exponential time somewhere, so nothing else is accepted. One difference remains inside it:
Python's ``$`` also matches before a final newline. No rule is judged by Python's engine.
"""

from __future__ import annotations

import re

MAXIMUM_LENGTH = 1000
MAXIMUM_NESTING = 20
MAXIMUM_REPETITION = 1000
"""Characters that a pattern comes to with every counted quantifier unrolled, as it is when it is compiled."""

_PUNCTUATION = frozenset("^$\\.*+?()[]{}|/")
"""What ECMA-262 allows to be escaped in Unicode mode; a hyphen only inside a class."""
_CONTROL = frozenset("nrt")
_INSTEAD = {
    "d": "[0-9]",
    "D": "[^0-9]",
    "w": "[A-Za-z0-9_]",
    "W": "[^A-Za-z0-9_]",
    "s": "[ \\t\\r\\n]",
    "S": "[^ \\t\\r\\n]",
    "b": "the characters that may stand beside it",
    "B": "the characters that may stand beside it",
    "A": "^",
    "Z": "$",
    "z": "$",
    "p": "the characters themselves",
    "P": "the characters themselves",
}
_TOO_LONG = f"more than {MAXIMUM_REPETITION} characters or repetitions; limit them or use minLength and maxLength"
_COUNTED = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")


def pattern_problem(pattern: str) -> str | None:
    """Why `pattern` is not accepted, and what to write instead; None when it is."""
    if len(pattern) > MAXIMUM_LENGTH:
        return f"a regular expression of {len(pattern)} characters; {MAXIMUM_LENGTH} are allowed"
    try:
        _Parser(pattern).parse()
    except _UnacceptedError as problem:
        return str(problem)
    return None


class _UnacceptedError(Exception):
    pass


class _Parser:
    """Reads a pattern once from left to right; each method returns (has an unbounded quantifier, characters)."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.depth = 0

    def parse(self) -> None:
        self.alternatives()
        if self.at < len(self.pattern):
            raise self.refusal("a closing parenthesis without an opening one; write \\) for the character")

    def refusal(self, why: str) -> _UnacceptedError:
        return _UnacceptedError(f"at character {self.at + 1}: {why}")

    def peek(self, length: int = 1) -> str:
        return self.pattern[self.at : self.at + length]

    def alternatives(self) -> tuple[bool, int]:
        unbounded, length = False, 0
        while self.peek() not in ("", ")"):
            if self.peek() == "|":
                self.at += 1
                continue
            inner, characters = self.quantified()
            unbounded, length = unbounded or inner, length + characters
            if length > MAXIMUM_REPETITION:
                raise self.refusal(_TOO_LONG)
        return unbounded, length

    def quantified(self) -> tuple[bool, int]:
        anchor = self.peek() in ("^", "$")
        unbounded, length = self.atom()
        if self.peek() not in ("*", "+", "?", "{"):
            return unbounded, length
        if anchor:
            raise self.refusal("a quantifier on ^ or $, which have no width")
        endless, times = self.quantifier()
        if endless and unbounded:
            raise self.refusal("an unlimited quantifier inside another one, which can take exponential time; limit one")
        if length * times > MAXIMUM_REPETITION:
            raise self.refusal(_TOO_LONG)
        if self.peek() in ("*", "+", "?", "{"):
            raise self.refusal("a quantifier on a quantifier; lazy and possessive ones make no difference here")
        return unbounded or endless, length * times

    def quantifier(self) -> tuple[bool, int]:
        if self.peek() != "{":
            self.at += 1
            return self.pattern[self.at - 1] in "*+", 1
        match = _COUNTED.match(self.pattern, self.at)
        if match is None:
            raise self.refusal("a brace that is no {n}, {m,} or {m,n}; write \\{ for the character")
        least, most = int(match[1]), int(match[3] or match[1])
        if most < least:
            raise self.refusal(f"a range that ends before it begins: {match[0]}")
        self.at = match.end()
        return bool(match[2]) and match[3] is None, max(most, 1)

    def atom(self) -> tuple[bool, int]:
        character = self.peek()
        if character == "(":
            return self.group()
        if character == "[":
            self.character_class()
        elif character == "\\":
            self.escape(_PUNCTUATION)
        elif character == ".":
            raise self.refusal("a dot, which engines read differently; name the characters, e.g. [^\\n]")
        elif character in ("*", "+", "?"):
            raise self.refusal("a quantifier with nothing before it")
        elif character in ("{", "}", "]"):
            raise self.refusal(f"{character} for itself; write \\{character}")
        else:
            self.at += 1
        return False, 0 if character in ("^", "$") else 1

    def group(self) -> tuple[bool, int]:
        if self.peek(2) == "(?" and self.peek(3) != "(?:":
            raise self.refusal("lookaround, flags or named groups; only (?: ) and ( ) are read alike by every engine")
        self.depth += 1
        if self.depth > MAXIMUM_NESTING:
            raise self.refusal(f"groups nested deeper than {MAXIMUM_NESTING}")
        self.at += 3 if self.peek(3) == "(?:" else 1
        result = self.alternatives()
        if self.peek() != ")":
            raise self.refusal("the end, where a group is still open")
        self.at += 1
        self.depth -= 1
        return result

    def escape(self, allowed: frozenset[str]) -> str:
        letter = self.pattern[self.at + 1 : self.at + 2]
        if letter.isdigit():
            raise self.refusal("a backreference; Rust's engine has none")
        if letter in _INSTEAD:
            raise self.refusal(f"\\{letter}, which engines read differently beyond ASCII; write {_INSTEAD[letter]}")
        if letter not in allowed and letter not in _CONTROL:
            raise self.refusal(f"the escape \\{letter}, which not every engine knows; write the character itself")
        self.at += 2
        return letter

    def character_class(self) -> None:
        self.at += 2 if self.peek(2) == "[^" else 1
        if self.peek() == "]":
            raise self.refusal("an empty class, or ] as its first character; write \\] for the character")
        while self.peek() != "]":
            first = self.class_member()
            if self.peek() == "-" and self.peek(2) != "-]":
                self.at += 1
                last = self.class_member()
                if last < first:
                    raise self.refusal(f"a range that ends before it begins: {first}-{last}")
        self.at += 1

    def class_member(self) -> str:
        character = self.peek()
        if not character:
            raise self.refusal("the end, where a class is still open")
        if character == "\\":
            return {"n": "\n", "r": "\r", "t": "\t"}.get(letter := self.escape(_PUNCTUATION | {"-"}), letter)
        if character in "-[]":
            raise self.refusal(f"{character} for itself in a class; write \\{character}")
        if character in "&~|" and self.peek(2) == character * 2:
            raise self.refusal(f"{character * 2} in a class, a set operation to some engines; write {character} once")
        if not character.isascii():
            raise self.refusal(f"{character} in a class; classes hold ASCII characters, write (?:a|{character})")
        self.at += 1
        return character
