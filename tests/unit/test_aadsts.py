import pytest

from tokenguard.entra.aadsts import hint_for, shorten

SECRET = (
    "Authentication failed: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the value. "
    "Trace ID: 1b2c Correlation ID: 3d4e Timestamp: 2026-11-23 10:00:00Z"
)
CHAIN = """DefaultAzureCredential failed to retrieve a token from the included credentials.
Attempted credentials:
\tManagedIdentityCredential: ManagedIdentityCredential authentication unavailable.
\tAzureCliCredential: Azure CLI not found on path
To mitigate this issue, please refer to the guidelines."""
SESSION = """DefaultAzureCredential failed to retrieve a token from the included credentials.
Attempted credentials:
\tAzureCliCredential: ERROR: AADSTS700082: The refresh token has expired due to inactivity.
Trace ID: 1"""
UNREACHABLE = """DefaultAzureCredential failed to retrieve a token from the included credentials.
Attempted credentials:
\tEnvironmentCredential: EnvironmentCredential authentication unavailable.
\tManagedIdentityCredential: Authentication failed: Connection refused
To mitigate this issue, please refer to the guidelines."""
ALONE = """DefaultAzureCredential failed to retrieve a token from the included credentials.
Attempted credentials:
\tAzureCliCredential: Please run 'az login' to set up an account
To mitigate this issue, please refer to the guidelines."""
NO_TENANT = "Unable to get authority configuration for https://sts/x. Authority would typically be in a format of https"


@pytest.mark.parametrize(
    ("message", "short"),
    [
        (
            SECRET,
            "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the value.",
        ),
        (CHAIN, "found nothing to sign in with; tried ManagedIdentityCredential, AzureCliCredential"),
        (UNREACHABLE, "ManagedIdentityCredential: Connection refused"),
        (ALONE, "found nothing to sign in with; tried AzureCliCredential: Please run 'az login' to set up an account"),
        (SESSION, "AADSTS700082: The refresh token has expired due to inactivity."),
        (NO_TENANT, "Unable to get authority configuration for https://sts/x"),
        ("Azure CLI not found on path", "Azure CLI not found on path"),
        ("", ""),
    ],
)
def test_an_answer_of_the_token_service_is_shortened_to_what_helps(message, short):
    assert shorten(message) == short


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (SECRET, "not its id"),
        (SESSION, "az login"),
        (NO_TENANT, "AZURE_TENANT_ID"),
        ("Authentication failed: HTTP Error: 503", "no answer of a token service"),
        ("AADSTS500014: The service principal for resource 'x' is disabled.", "asked for is disabled"),
        ("AADSTS9: x", ""),
        ("down", ""),
    ],
)
def test_known_codes_have_a_hint(message, hint):
    assert hint in hint_for(message)
    assert bool(hint) is bool(hint_for(message))
