"""Conversations that need a person: who is asked, and when someone will answer."""
