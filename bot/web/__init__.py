"""The webhook door, health, and the shell that pages share."""
