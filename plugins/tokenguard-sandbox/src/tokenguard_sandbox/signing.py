"""The tenant's signature: tokens that it makes, and tokens that it is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from tokenguard_sandbox.answers import RefusedError

GRAPH_AUDIENCE = "https://graph.microsoft.com"


class Signer:
    """Signs the tenant's tokens, and knows its own."""

    def __init__(self) -> None:
        self._key: RSAPrivateKey = generate_private_key(65537, 2048)
        self._id = uuid4().hex

    def sign(self, claims: Mapping[str, Any]) -> str:
        return jwt.encode(dict(claims), self._key, "RS256", {"kid": self._id})

    def read(self, token: str, moment: float) -> dict[str, Any]:
        """The claims of a token for Graph; raises `RefusedError` (401) for any other."""
        if not token:
            raise RefusedError(401)
        try:
            # The clock is the sandbox's, not the library's.
            options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
            claims: dict[str, Any] = jwt.decode(token, self._key.public_key(), ["RS256"], options)
        except jwt.InvalidSignatureError:
            raise RefusedError(401, "Access token validation failure. Invalid signature.") from None
        except jwt.InvalidTokenError:
            raise RefusedError(401, "CompactToken parsing failed with error code: 80049217") from None
        if claims["aud"] != GRAPH_AUDIENCE:
            raise RefusedError(401, "Access token validation failure. Invalid audience.")
        if claims["exp"] <= moment:
            raise RefusedError(401, "Lifetime validation failed, the token is expired.")
        return claims

    def keys(self) -> dict[str, Any]:
        """The public half, as a JSON Web Key Set."""
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**key, "kid": self._id, "use": "sig", "alg": "RS256"}]}
