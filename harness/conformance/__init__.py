"""Scripts whose output on Scarlet must be the bytes that real Linux gave."""
