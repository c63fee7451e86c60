"""Definitions of policies, as people have written them, and what is made of them."""

import json
from datetime import timedelta

from hypothesis import strategies as st

from tokenguard.entra.definition import RETIRED


def policy(**settings: object) -> str:
    return json.dumps({"TokenLifetimePolicy": {"Version": 1, **settings}})


def lifetime(text: object) -> str:
    return policy(AccessTokenLifetime=text)


EIGHT_HOURS = timedelta(hours=8)

READABLE = [
    ([lifetime("8:00:00")], EIGHT_HOURS, ("8:00:00 -> 08:00:00",)),
    ([lifetime("00:90:00")], timedelta(minutes=90), ("00:90:00 -> 01:30:00",)),
    ([lifetime("0.08:00:00")], EIGHT_HOURS, ("0.08:00:00 -> 08:00:00",)),
    (['{"TokenLifetimePolicy":{"AccessTokenLifetime":"08:00:00"}}'], EIGHT_HOURS, ("no Version -> Version 1",)),
    ([policy(AccessTokenLifetime="08:00:00", Version="1")], EIGHT_HOURS, ("Version '1' -> Version 1",)),
    ([policy(AccessTokenLifetime="08:00:00", Version=1.0)], EIGHT_HOURS, ("Version 1.0 -> Version 1",)),
    (
        ['{"tokenlifetimepolicy":{"VERSION":1,"accessTokenLifetime":"08:00:00"}}'],
        EIGHT_HOURS,
        (
            "tokenlifetimepolicy -> TokenLifetimePolicy",
            "VERSION -> Version",
            "accessTokenLifetime -> AccessTokenLifetime",
        ),
    ),
    (
        [lifetime("08:00:00"), lifetime("08:00:00")],
        EIGHT_HOURS,
        ("2 strings -> one string", "Version 2 times -> once", "AccessTokenLifetime 2 times -> once"),
    ),
    (
        ['{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"08:00:00","AccessTokenLifetime":"08:00:00"}}'],
        EIGHT_HOURS,
        ("AccessTokenLifetime 2 times -> once",),
    ),
    (
        ['{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"08:00:00","accesstokenlifetime":"8:00:00"}}'],
        EIGHT_HOURS,
        (
            "accesstokenlifetime -> AccessTokenLifetime",
            "8:00:00 -> 08:00:00",
            "AccessTokenLifetime 2 times -> once",
        ),
    ),
]
"""Strings, the lifetime that they set, and what is spelt otherwise than documented."""

ESCAPED = [
    (lifetime("08:00:00").replace('"', '\\"'), "is no JSON object as it stands: its quotes are escaped"),
    (json.dumps(lifetime("08:00:00")), "is no JSON object as it stands: it is a JSON string that holds JSON"),
    (policy(AccessTokenLifetime="08:00:00", MaxInactiveTime="\t").replace("\\t", "\t"), "control characters"),
]
"""Strings that are JSON only once they are unescaped, and what is said of them."""

UNREADABLE = [
    *(([string], problem) for string, problem in ESCAPED),
    ([""], "'' is not JSON"),
    (["8 hours"], "'8 hours' is not JSON"),
    (["null"], "it is no object"),
    (["[]"], "it is no object"),
    ([lifetime("08:00:00")[:-1]], "is not JSON"),
    (["[" * 100_000], "nested too deeply"),
    (['{"TokenLifetimePolicy":NaN}'], "NaN is not JSON"),
    ([None], "it is no text"),
    (["{}"], "has no TokenLifetimePolicy"),
    (['{"Version":1,"AccessTokenLifetime":"08:00:00"}'], "AccessTokenLifetime stands outside TokenLifetimePolicy"),
    (['{"TokenLifetimePolicy":"08:00:00"}'], "TokenLifetimePolicy is '08:00:00', not an object"),
    (['{"TokenLifetimePolicy":null}'], "TokenLifetimePolicy is null, not an object"),
    ([policy(TokenLifetimePolicy={})], "TokenLifetimePolicy stands inside TokenLifetimePolicy"),
    ([lifetime("until-revoked")], "AccessTokenLifetime is 'until-revoked', not a lifetime"),
    ([lifetime(28800)], "AccessTokenLifetime is 28800, not a lifetime"),
    ([lifetime(None)], "AccessTokenLifetime is null, not a lifetime"),
    ([lifetime([])], "AccessTokenLifetime is a list, not a lifetime"),
    ([lifetime({})], "AccessTokenLifetime is an object, not a lifetime"),
    ([lifetime("PT8H")], "AccessTokenLifetime is 'PT8H', not a lifetime"),
    ([policy(AccessTokenLifetime="08:00:00", Version=2)], "Version is 2; Microsoft documents 1 only"),
    ([policy(AccessTokenLifetime="08:00:00", Version=True)], "Version is true; Microsoft documents 1 only"),
    ([policy(AccessTokenLifetime="08:00:00", Version=None)], "Version is null; Microsoft documents 1 only"),
    ([lifetime("08:00:00"), lifetime("01:00:00")], "is given as 08:00:00 and as 01:00:00"),
    ([lifetime("08:00:00"), "rubbish"], "'rubbish' is not JSON"),
    ([lifetime("08:00:00"), policy()], "1 of 2 TokenLifetimePolicy set no AccessTokenLifetime"),
    ([policy(MaxInactiveTime="1.00:00:00"), lifetime("08:00:00")], "1 of 2 TokenLifetimePolicy set no Access"),
    (
        ['{"TokenLifetimePolicy":{"AccessTokenLifetime":"08:00:00"},"TokenLifetimePolicy":{}}'],
        "1 of 2 TokenLifetimePolicy set no AccessTokenLifetime",
    ),
    (
        ['{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"01:00:00","AccessTokenLifetime":"08:00:00"}}'],
        "is given as 01:00:00 and as 08:00:00",
    ),
    (
        ['{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"01:00:00","accesstokenlifetime":"08:00:00"}}'],
        "is given as 01:00:00 and as 08:00:00",
    ),
]
"""Strings, and the problem with them."""

names = st.sampled_from(["TokenLifetimePolicy", "Version", "AccessTokenLifetime", "accesstokenlifetime", *RETIRED, "X"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["08:00:00", "1:0:0", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(), inner, max_size=4),
    max_leaves=8,
)
strings = st.text() | values.map(json.dumps) | st.dictionaries(names, values, max_size=5).map(lambda d: policy(**d))
anything = st.lists(strings | values, max_size=3)
"""Whatever can stand in the place of the strings of a definition."""
