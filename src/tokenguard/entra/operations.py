"""The writes that a fix of Entra can make, as values: fixers propose them, the writer carries them out.

===============  ==========================================  =======================================================
kind             target                                      before, after
===============  ==========================================  =======================================================
createPolicy     ``{"policy": "new:..."}``                   None, the policy's content
updatePolicy     ``{"policy": id}``                          content, content
deletePolicy     ``{"policy": id}``                          content, None; carried out only while nothing holds it
assign           ``{"servicePrincipal": id}`` or             None, ``{"policy": id}``; an object holds one policy at
                 ``{"application": id}``                     most, so what it holds is the state that is compared
unassign         the same                                    ``{"policy": id}``, None
===============  ==========================================  =======================================================

The content of a policy is `CONTENT`, all four always: what is left out would be Graph's to choose. Ids are lower case;
a policy that an earlier operation creates is called by the same ``new:`` name in the states of later ones.
"""

from __future__ import annotations

from dataclasses import replace

from tokenguard.changes import NEW, Operation

CREATE_POLICY = "createPolicy"
UPDATE_POLICY = "updatePolicy"
DELETE_POLICY = "deletePolicy"
ASSIGN = "assign"
UNASSIGN = "unassign"

CONTENT = ("displayName", "description", "definition", "isOrganizationDefault")

_INVERSE = {
    CREATE_POLICY: DELETE_POLICY,
    DELETE_POLICY: CREATE_POLICY,
    UPDATE_POLICY: UPDATE_POLICY,
    ASSIGN: UNASSIGN,
    UNASSIGN: ASSIGN,
}
_BACK = "take back: "


def reverse(operation: Operation) -> Operation:
    """The operation that takes `operation` back; a policy that was deleted comes back under another id."""
    target = operation.target
    if operation.kind == DELETE_POLICY:
        target = {"policy": NEW + target["policy"]}
    words = operation.words.removeprefix(_BACK) if operation.words.startswith(_BACK) else _BACK + operation.words
    return replace(
        operation,
        kind=_INVERSE[operation.kind],
        target=target,
        before=operation.after,
        after=operation.before,
        words=words,
    )
