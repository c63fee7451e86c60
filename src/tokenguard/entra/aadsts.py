"""What to do about the errors of Microsoft's token service that people meet most.

Source: Microsoft Entra, "authentication and authorization error codes".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_CODE = re.compile(r"AADSTS(\d+)")

_HINTS = {
    "7000215": "AZURE_CLIENT_SECRET must be the value of the secret, not its id; make a new one if the value is lost",
    "7000222": "the client secret has expired: add a new one to the application, or use a certificate or federation",
    "7000112": "the application is disabled in this tenant: enable its service principal",
    "700016": "check AZURE_CLIENT_ID, and that the application was added to the tenant in AZURE_TENANT_ID",
    "700027": "upload the certificate in AZURE_CLIENT_CERTIFICATE_PATH to the application, and check that it is valid",
    "700024": "the federated token is too old or this machine's clock is wrong: get a new token",
    "70021": "add a federated credential with this issuer, subject and audience to the application",
    "700211": "add a federated credential with this issuer to the application",
    "700212": "set the audience of the application's federated credential to api://AzureADTokenExchange",
    "700213": "add a federated credential with this subject (repository, branch or environment) to the application",
    "90002": "check AZURE_TENANT_ID, and that --cloud names the cloud where the tenant is",
    "900023": "AZURE_TENANT_ID is neither a tenant's id nor one of its domains",
    "50034": "the account is not in this tenant: sign in with one that is, or check AZURE_TENANT_ID",
    "50076": "the account must use multifactor authentication: pass --auth browser",
    "50079": "the account must set up multifactor authentication: pass --auth browser",
    "53000": "Conditional Access asks for a compliant device: run from one, or as an application",
    "53003": "a Conditional Access policy blocks this sign-in: see the sign-in log of the tenant",
    "65001": "nobody has consented to the permissions: an administrator must grant them",
    "70043": "the session has ended: sign in again, e.g. with `az login`",
    "700082": "the session has ended: sign in again, e.g. with `az login`",
    "500014": "the service principal of what the token was asked for is disabled in this tenant: enable it",
    "500011": "this tenant does not know Microsoft Graph by that address: check --cloud and TOKENGUARD_GRAPH_URL",
}


_CHAIN = re.compile(r"^\t(\w+): (.*)", re.MULTILINE)
"""The credentials that azure-identity's default chain tried, a line each, with what became of each."""
_TRIED_IN_VAIN = "Authentication failed: "
"""How azure-identity begins where a credential was there and did not do, rather than being set up nowhere."""
_UNKNOWN_AUTHORITY = "Unable to get authority configuration"
"""What MSAL says, without a code, when the token service does not know the tenant, or is none."""

_BROKEN = re.compile(r"HTTP Error: 5\d\d|JSON is invalid|Expecting value|Connection broken")
"""What azure-identity makes of an answer that is no answer of a token service."""


def hint_for(message: str) -> str:
    """What to do about the AADSTS code in `message`; empty where there is none, or none that we know."""
    if _UNKNOWN_AUTHORITY in message:
        return _HINTS["90002"]
    if _BROKEN.search(message):
        return "what came is no answer of a token service: check AZURE_AUTHORITY_HOST and HTTPS_PROXY, or try later"
    found = _CODE.search(message)
    return _HINTS.get(found[1], "") if found else ""


def shorten(message: str) -> str:
    """`message` from its code on, without the trace that Microsoft adds for its own support."""
    found = _CODE.search(message)
    if not found and (tried := _CHAIN.findall(message)):
        return _chain(tried)
    text = message[found.start() :] if found else message
    return re.split(r"\s(?:Trace ID|Correlation ID|Timestamp):|\s*\n|\. Authority would", text)[0].strip()


def _chain(tried: Sequence[tuple[str, str]]) -> str:
    """What became of a default chain: why the one failed that could have worked, else which were tried."""
    name, said = tried[-1]  # the chain ends at the first that did more than find nothing
    if said.startswith(_TRIED_IN_VAIN):
        return f"{name}: {said.removeprefix(_TRIED_IN_VAIN)}"
    reason = f": {said}" if len(tried) == 1 else ""
    return f"found nothing to sign in with; tried {', '.join(name for name, _ in tried)}{reason}"
