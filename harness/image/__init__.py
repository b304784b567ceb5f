"""Boot images: a cpio (newc) writer with page-aligned file data, and the manifests that fill it."""
