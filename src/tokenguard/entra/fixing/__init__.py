"""How findings about Entra are mended: the operations that there are, and the fixers that propose them.

An operation says whose state it changes (`target`), from what (`before`) to what (`after`). So one target is one thing
that can be in one state, and to undo an operation is to swap the two states.

=================  ===========================================  ==================================  ==================
kind               target                                       before                              after
=================  ===========================================  ==================================  ==================
``createPolicy``   ``{"policy": "new:NAME"}``                   None                                the policy's state
``updatePolicy``   ``{"policy": ID}``                           the policy's state                  the policy's state
``deletePolicy``   ``{"policy": ID}``                           the policy's state                  None
``assign``         ``{KIND: OBJECT ID}``                        None                                ``{"policy": ID}``
``unassign``       ``{KIND: OBJECT ID}``                        ``{"policy": ID}``                  None
=================  ===========================================  ==================================  ==================

- KIND is ``servicePrincipal`` or ``application``; the id is the object id. Its state is which policy it holds, None
  where it holds none: Entra lets an object hold one.
- The state of a policy has four keys, always all of them, see `tokenguard.entra.fixing.operations.policy_state`:
  ``displayName``, ``description``, ``definition`` and ``isOrganizationDefault``.
- Ids are in lower case. The id of a policy that is yet to be created is ``new:`` and its name, in `target` as in the
  states; the id that Graph assigns takes its place once there is one.
- The reverse of ``createPolicy`` is ``deletePolicy``, that of ``assign`` is ``unassign``, and an update's is an update.
"""
