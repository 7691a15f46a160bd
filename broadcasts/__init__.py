"""Topics that contacts subscribe to, and what is sent to those who did."""
