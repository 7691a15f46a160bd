"""The roof: command line, settings as a whole, wiring and the demo."""
