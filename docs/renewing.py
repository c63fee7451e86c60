"""Work for hours with tokens that live an hour: ask the credential before each call, and keep no token."""

from __future__ import annotations

from azure.core.credentials import TokenCredential


def authorization(credential: TokenCredential, resource: str) -> dict[str, str]:
    """The header for one call to `resource`, e.g. ``https://contoso.crm4.dynamics.com``.

    The credential answers from its memory, and asks Entra for a new token while there are still five minutes left.
    """
    token = credential.get_token(f"{resource}/.default")
    return {"Authorization": f"Bearer {token.token}"}
