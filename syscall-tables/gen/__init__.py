"""Compiler for the .sct system call tables; see ../README.md for the language."""
