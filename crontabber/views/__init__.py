"""SHOW: state in, text out."""
