"""How an administrator gives an application a permission of Microsoft Graph: commands that are ready to run.

Sources: Microsoft's permission data for Graph v1.0, 2026-08-07, for the ids; the references of ``az rest``, ``az ad app
permission grant``, ``New-MgServicePrincipalAppRoleAssignment`` and ``New-MgOauth2PermissionGrant`` for the commands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tokenguard.entra.clouds import CLOUDS
from tokenguard.entra.microsoft import GRAPH
from tokenguard.entra.reading import GUID
from tokenguard.examination import Grant

APP_ROLES: Mapping[str, str] = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "Application.ReadWrite.OwnedBy": "18a4783c-866b-4cc7-a460-3d5e5662c884",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "Policy.ReadWrite.ApplicationConfiguration": "be74164b-cff1-491c-8741-e671cb536e13",
}
"""The ids of application permissions; a person's consent goes by the name."""

_ENVIRONMENTS = {"global": "Global", "usgov": "USGov", "usdod": "USGovDoD", "china": "China"}


def grant(permission: str, *, cloud: str, client: str, delegated: bool) -> Grant:
    """The commands that give `permission` to the application `client`; for `delegated`, to whoever signs in to it.

    `client` comes from a token, so it goes into a command only where it is a GUID.
    """
    client = client if re.fullmatch(GUID, client) else "APP_ID"
    connect = f"Connect-MgGraph -Environment {_ENVIRONMENTS[cloud]} -Scopes"
    found = "; ".join(
        f"${name} = (Get-MgServicePrincipal -Filter \"appId eq '{app_id}'\").Id"
        for name, app_id in (("client", client), ("graph", GRAPH))
    )
    if delegated:
        return Grant(
            permission,
            f"az ad app permission grant --id {client} --api {GRAPH} --scope {permission}",
            f"{connect} DelegatedPermissionGrant.ReadWrite.All,Application.Read.All; {found}; "
            "New-MgOauth2PermissionGrant -ClientId $client -ConsentType AllPrincipals -ResourceId $graph "
            f"-Scope {permission}",
        )
    role = APP_ROLES[permission]
    looked_up = "; ".join(
        f"{name}=$(az ad sp show --id {app_id} --query id --output tsv)"
        for name, app_id in (("client", client), ("graph", GRAPH))
    )
    body = f'{{\\"principalId\\":\\"$client\\",\\"resourceId\\":\\"$graph\\",\\"appRoleId\\":\\"{role}\\"}}'
    return Grant(
        permission,
        f"{looked_up}; az rest --method POST --url {CLOUDS[cloud].root}/servicePrincipals/$client/appRoleAssignments"
        f' --headers Content-Type=application/json --body "{body}"',
        f"{connect} AppRoleAssignment.ReadWrite.All,Application.Read.All; {found}; "
        "New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $client -PrincipalId $client "
        f"-ResourceId $graph -AppRoleId {role}",
    )
