"""Runs each program over the same pictures in turn, and prints what it took and what came out."""

import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from likeness import likeness, pixels, reference

# What it is, width, format as sharp calls it, ending.
TASKS = [("JPEG to 800 wide, JPEG q80", 800, "jpeg", "jpg"), ("JPEG to 1600 wide, WebP q80", 1600, "webp", "webp")]
CORES = len(os.sched_getaffinity(0))


def commands(given, files, out, width, format_, ending):
    vips_options = "[Q=80,strip]"
    thumbnail = ["vipsthumbnail", "--size", f"{width}x10000000>", "-o", f"{out}/%s.{ending}{vips_options}"]
    return {
        "image-tool batch": [given.ours, "batch", *files, "--out", out, "--resize", f"{width}x", "--format", format_,
                             "--quality", "80", "--json"],
        "vipsthumbnail": [*thumbnail, *files],
        f"xargs -P {CORES} vipsthumbnail": ["xargs", "-a", f"{out}.list", "-P", str(CORES), "-n", "4", *thumbnail],
        "sharp": ["node", given.sharp, str(width), format_, out, *files],
    }


def run(command):
    """Seconds by the clock, seconds of CPU."""
    before, started = os.times(), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.monotonic() - started, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def main():
    arguments = argparse.ArgumentParser()
    for name in ["--ours", "--sharp", "--pictures"]:
        arguments.add_argument(name, required=True)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    files = sorted(str(path) for path in pathlib.Path(given.pictures).iterdir() if path.suffix in (".jpg", ".jpeg"))
    for title, width, format_, ending in TASKS:
        print(f"-- {title}; {len(files)} pictures, {given.rounds} rounds, {CORES} cores")
        print(f"{'program':26}{'wall ms':>9}{'ratio':>7}{'CPU ms':>9}{'ratio':>7}{'bytes':>10}{'PSNR':>7}{'SSIM':>8}")
        with tempfile.TemporaryDirectory() as room:
            compare(given, files, pathlib.Path(room), width, format_, ending)


def compare(given, files, room, width, format_, ending):
    names = list(commands(given, files, "", width, format_, ending))
    took = {name: [] for name in names}
    outs = {name: room / str(index) for index, name in enumerate(names)}
    for round_ in range(given.rounds + 1):
        for name in names[round_ % len(names):] + names[:round_ % len(names)]:
            out = outs[name]
            subprocess.run(["rm", "-rf", out], check=True)
            out.mkdir()
            pathlib.Path(f"{out}.list").write_text("".join(f'"{file}"\n' for file in files))
            spent = run(commands(given, files, str(out), width, format_, ending)[name])
            # The first round warms up.
            if round_ > 0:
                took[name].append(spent)
    expected = [pixels(reference(file, width)) for file in files]
    walls, cpus = ({name: statistics.mean(times[which] for times in took[name]) for name in names} for which in (0, 1))
    for name in names:
        made = [outs[name] / f"{pathlib.Path(file).stem}.{ending}" for file in files]
        psnr, ssim = (statistics.mean(c) for c in zip(*(likeness(path, one) for path, one in zip(made, expected))))
        size = statistics.mean(path.stat().st_size for path in made)
        wall, cpu = walls[name] * 1000 / len(files), cpus[name] * 1000 / len(files)
        ratios = walls[name] / walls[names[0]], cpus[name] / cpus[names[0]]
        print(f"{name:26}{wall:9.1f}{ratios[0]:7.2f}{cpu:9.1f}{ratios[1]:7.2f}{size:10.0f}{psnr:7.2f}{ssim:8.4f}", flush=True)


main()
