"""Reads of training; scope is in the WHERE."""
