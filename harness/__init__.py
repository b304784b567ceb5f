"""Scarlet's test harness: boots machines, runs command lines in them, compares with real Linux."""
