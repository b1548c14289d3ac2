"""Throwaway worlds on the fake tdx."""
