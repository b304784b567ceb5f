"""One module per product. Each has `emit(unit) -> {file name: text}`; PRODUCTS gives their order and names."""
from __future__ import annotations

from importlib import import_module

from .unit import Unit

PRODUCTS: dict[str, str] = {
    "kerr": "kernel error codes and their texts (kerr.h, kerr.c)",
    "errno": "map from kernel errors to the ABI's (NS_errno.h, .c)",
    "consts": "numbers, flags and enum constants (NS_consts.h, NS_numbers_user.h)",
    "types": "structs with layout assertions (NS_types.h)",
    "checks": "the same against the system's headers (NS_layout_check.c, NS_number_check.c)",
    "handlers": "typed handler prototypes (NS_handlers.h)",
    "dispatch": "C dispatch (NS_dispatch.c)",
    "trace": "descriptors for the in-kernel tracer (NS_trace.h, .c)",
    "support": "support matrix and call reference (NS_support.md, .json, NS_calls.md)",
    "decode": "decoder tables for the harness (NS_decode.json)",
    "stubs": "user-side call stubs (NS_stubs.S, .h)",
    "tests": "negative tests from the templates (NS_tests.json)",
    "fuzz": "fuzz descriptions (NS_fuzz.txt)",
}


def emit(product: str, unit: Unit) -> dict[str, str]:
    return import_module(f"{__package__}.{product}").emit(unit)
