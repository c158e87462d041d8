"""Converts profiles of other image builders to debate profiles, and back."""
