"""What a message is, what a channel is, and one adapter per messenger; knows nothing of the rest."""
