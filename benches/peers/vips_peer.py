"""libvips as its documentation says to use it: reads lines `INPUT<tab>OUTPUT`, does the task, answers with nanoseconds."""

import sys
import time

import pyvips

pyvips.cache_set_max(0)
WIDE = 10_000_000


def thumbnail(path, width):
    return pyvips.Image.thumbnail(path, width, height=WIDE, size="down")


TASKS = {
    "t1-fast": lambda path: thumbnail(path, 800).jpegsave_buffer(Q=80, keep="none"),
    "t1-hq": lambda path: thumbnail(path, 800).jpegsave_buffer(Q=80, keep="none"),
    "t2": lambda path: thumbnail(path, 800).pngsave_buffer(keep="none"),
    "t3": lambda path: thumbnail(path, 1600).webpsave_buffer(Q=80, keep="none"),
    "t4": lambda path: pyvips.Image.new_from_file(path)
    .autorot().rot90().gaussblur(2).jpegsave_buffer(Q=80, keep="none"),
    "t5": lambda path: thumbnail(path, 800).heifsave_buffer(Q=50, effort=0, compression="av1", keep="none"),
    "t6": lambda path: pyvips.Image.new_from_file(path).get_fields(),
    "t6-all": lambda path: pyvips.Image.new_from_file(path).get_fields(),
}

task = TASKS[sys.argv[1]]
for line in sys.stdin:
    source, _, target = line.rstrip("\n").partition("\t")
    before = time.process_time_ns()
    made = task(source)
    spent = time.process_time_ns() - before
    if target and isinstance(made, bytes):
        with open(target, "wb") as file:
            file.write(made)
    print(spent, flush=True)
