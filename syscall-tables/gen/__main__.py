"""`python3 syscall-tables/gen ...`"""
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from gen.cli import main  # noqa: E402

sys.exit(main())
