"""Build a boot image: `python3 -m harness.image OUT MANIFEST`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.image import cpio, tree


def main() -> int:
    """Command line entry."""
    parser = argparse.ArgumentParser(prog="harness.image", description="build a boot image")
    parser.add_argument("out", type=Path)
    parser.add_argument("manifest", type=Path)
    args = parser.parse_args()
    try:
        data = cpio.archive(tree.from_manifest(args.manifest))
    except (tree.ManifestError, cpio.CpioError) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    args.out.parent.mkdir(parents=True, exist_ok=True)
    part = args.out.with_name(args.out.name + ".part")
    part.write_bytes(data)
    part.replace(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
