"""Cleaning and shaping of untrusted text."""
