"""Which properties Graph v1.0 declares, by collection: ``$select`` of any other is an error.

Source: Microsoft's OpenAPI description and CSDL of Graph v1.0, 2026-08. The sandbox's objects hold some of them.
"""

from __future__ import annotations

from collections.abc import Mapping


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ORGANIZATION = _names(
    """
    assignedPlans businessPhones city country countryLetterCode createdDateTime defaultUsageLocation
    deletedDateTime displayName id marketingNotificationEmails mobileDeviceManagementAuthority
    onPremisesLastSyncDateTime onPremisesSyncEnabled partnerTenantType postalCode preferredLanguage
    privacyProfile provisionedPlans securityComplianceNotificationMails
    securityComplianceNotificationPhones state street technicalNotificationMails tenantType
    verifiedDomains
    """
)
_POLICY = _names(
    """
    appliesTo definition deletedDateTime description displayName id isOrganizationDefault
    """
)
_CONDITIONAL_ACCESS = _names(
    """
    conditions createdDateTime deletedDateTime description displayName grantControls id
    modifiedDateTime sessionControls state templateId
    """
)
_PRINCIPAL = _names(
    """
    accountEnabled addIns alternativeNames appDescription appDisplayName appId applicationTemplateId
    appManagementPolicies appOwnerOrganizationId appRoleAssignmentRequired appRoles
    claimsMappingPolicies createdByAppId customSecurityAttributes deletedDateTime description
    disabledByMicrosoftStatus displayName federatedIdentityCredentials homepage
    homeRealmDiscoveryPolicies id info isDisabled keyCredentials loginUrl logoutUrl notes
    notificationEmailAddresses oauth2PermissionScopes owners passwordCredentials
    preferredSingleSignOnMode preferredTokenSigningKeyThumbprint replyUrls
    resourceSpecificApplicationPermissions samlSingleSignOnSettings servicePrincipalNames
    servicePrincipalType signInAudience tags tokenEncryptionKeyId tokenIssuancePolicies
    tokenLifetimePolicies verifiedPublisher
    """
)
_APPLICATION = _names(
    """
    addIns api appId applicationTemplateId appManagementPolicies appRoles authenticationBehaviors
    certification createdByAppId createdDateTime defaultRedirectUri deletedDateTime description
    disabledByMicrosoftStatus displayName federatedIdentityCredentials groupMembershipClaims
    homeRealmDiscoveryPolicies id identifierUris info isDeviceOnlyAuthSupported isDisabled
    isFallbackPublicClient keyCredentials logo managerApplications nativeAuthenticationApisEnabled
    notes oauth2RequirePostResponse optionalClaims owners parentalControlSettings
    passwordCredentials publicClient publisherDomain requestSignatureVerification
    requiredResourceAccess samlMetadataUrl serviceManagementReference
    servicePrincipalLockConfiguration signInAudience spa tags tokenEncryptionKeyId
    tokenIssuancePolicies tokenLifetimePolicies uniqueName verifiedPublisher web
    """
)

DECLARED: Mapping[str, frozenset[str]] = {
    "organization": _ORGANIZATION | {"directorySizeQuota"},
    "policies/tokenLifetimePolicies": _POLICY,
    "Collection(microsoft.graph.tokenLifetimePolicy)": _POLICY,
    "identity/conditionalAccess/policies": _CONDITIONAL_ACCESS,
    "servicePrincipals": _PRINCIPAL,
    "applications": _APPLICATION,
    "directoryObjects": _PRINCIPAL | _APPLICATION,
}
"""By the collection's name in ``@odata.context``. ``directorySizeQuota`` stands in a documented example alone."""
