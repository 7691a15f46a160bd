"""Answers questions from a knowledge base, or knows that it can't."""
