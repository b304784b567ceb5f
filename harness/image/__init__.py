"""The harness's own small archives: a cpio (newc) writer with page-aligned file data, and folders laid over a root."""
