"""A plugin for tokenguard: how often Conditional Access makes people sign in again."""
