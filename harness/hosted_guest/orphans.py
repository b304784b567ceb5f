"""Twelve children, each leaving a child that outlives it and some a dead one besides: nobody gets children that it did not make."""

import os
import time

r, w = os.pipe()
for i in range(12):
    if os.fork() == 0:
        parent = os.getpid()
        if os.fork() == 0:
            end = time.monotonic() + 30
            os.close(r)
            while os.getppid() == parent and time.monotonic() < end:
                time.sleep(0.01)
            os._exit(0)
        if i % 3 == 0:
            if os.fork() == 0:
                os._exit(4)
            time.sleep(0.02)
        os._exit(7)
os.close(w)
print(sorted(os.wait()[1] for _ in range(12)) == [7 << 8] * 12)
print(os.read(r, 1))  # the last of them has ended
try:
    os.wait()
except ChildProcessError:
    print("no more children")
