"""What all rivals share: the flags and the phase timer."""
import argparse
import os
import sys
import time

T0 = time.perf_counter()
LEVEL = 1  # of zstd, in every rival: speed is what is compared


def args(**more):
    """The flags, and those that only one rival has: their names and what argparse is to know of them."""
    ap = argparse.ArgumentParser()
    ap.add_argument("--in", dest="src", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--email", choices=["plain", "siv", "rowwise"], default="siv",
                    help="plain: base64, no encryption; siv: AES-SIV, batched; rowwise: AES-SIV as users write it")
    ap.add_argument("--memory", type=int, help="bytes; for those that have a limit")
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    for name, what in more.items():
        ap.add_argument("--" + name, **what)
    a = ap.parse_args()
    a.out = os.path.abspath(a.out)
    os.makedirs(a.out, exist_ok=True)
    return a


class Phases:
    """Times on stderr; 'start' is imports and set-up since the program began."""

    def __init__(self, name):
        self.name, self.t = name, time.perf_counter()
        self.phases = [("start", self.t - T0)]

    def __call__(self, label):
        now = time.perf_counter()
        self.phases.append((label, now - self.t))
        self.t = now

    def done(self):
        print(self.name, "|", ", ".join(f"{k} {v:.2f}" for k, v in self.phases),
              f"| total {time.perf_counter() - T0:.2f} s", file=sys.stderr, flush=True)
