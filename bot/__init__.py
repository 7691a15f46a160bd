"""The conversation: tables, database, inbox, dialog, outbox, sender and the web shell that pages share."""
