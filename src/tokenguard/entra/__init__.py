"""The built-in adapter: everything that knows Microsoft Entra and Microsoft Graph."""
