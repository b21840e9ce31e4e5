"""Gives each picture to our engine, sharp and libvips in turn, and prints a table of what it took and what came out."""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile

from likeness import likeness, pixels, reference

HERE = pathlib.Path(__file__).parent
# Task, folder of its pictures, what it is, and how a result is made without any short cut (none: nothing comes out).
TASKS = {
    "t1-fast": ("jpg", "JPEG to 800 wide, JPEG q80, fast", 800),
    "t1-hq": ("jpg", "JPEG to 800 wide, JPEG q80, hq", 800),
    "t2": ("png", "PNG to 800 wide, PNG", 800),
    "t3": ("jpg", "JPEG to 1600 wide, WebP q80", 1600),
    "t4": ("jpg", "JPEG rotated 90, blurred by 2, full size, JPEG q80", "t4"),
    "t5": ("jpg", "JPEG to 800 wide, AVIF of like size, everyone at the least effort", 800),
    "t6": ("jpg", "size, format, colours, density, orientation of a JPEG", None),
    "t6-all": ("jpg", "the same; ours also reads all values of EXIF, GPS, XMP, IPTC and profile", None),
}


class Peer:
    """A process that does one task."""

    def __init__(self, name, command):
        self.name = name
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.times = {}

    def take(self, picture, target=""):
        self.child.stdin.write(f"{picture}\t{target}\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline()
        if not answer:
            sys.exit(f"{self.name} ended at {picture}")
        return int(float(answer)) / 1e6

    def peak_mb(self):
        status = pathlib.Path(f"/proc/{self.child.pid}/status")
        if not status.exists():
            return float("nan")
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def stop(self):
        self.child.stdin.close()
        self.child.wait()


def main():
    arguments = argparse.ArgumentParser()
    for name in ["--ours", "--sharp", "--pictures"]:
        arguments.add_argument(name, required=True)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("tasks", nargs="*", default=list(TASKS))
    given = arguments.parse_args()
    print(f"{'task':8}{'program':9}{'CPU ms':>9}{'ratio':>7}{'bytes':>10}{'PSNR':>7}{'SSIM':>8}{'peak MB':>9}")
    for task in given.tasks:
        folder, title, how = TASKS[task]
        pictures = sorted((pathlib.Path(given.pictures) / folder).iterdir())
        compare(task, title, how, pictures, given)


def compare(task, title, how, pictures, given):
    peers = [
        Peer("ours", [given.ours, "--serve", task]),
        Peer("sharp", ["node", given.sharp, task]),
        Peer("libvips", [sys.executable, str(HERE / "vips_peer.py"), task]),
    ]
    with tempfile.TemporaryDirectory() as folder:
        made = {peer.name: [] for peer in peers}
        for picture in pictures:
            # The first time warms up and shows the result.
            targets = {peer.name: pathlib.Path(folder) / f"{peer.name}-{picture.name}" for peer in peers}
            for peer in peers:
                peer.take(picture, targets[peer.name])
            for round_ in range(given.rounds):
                for peer in peers[round_ % 3 :] + peers[: round_ % 3]:
                    # What takes microseconds is asked for many times: the first time measures what the others left behind.
                    times = [peer.take(picture) for _ in range(20 if how is None else 1)]
                    peer.times.setdefault(picture, []).extend(times)
            if how is not None:
                expected = pixels(reference(picture, how))
                for name, path in targets.items():
                    made[name].append((path.stat().st_size, *likeness(path, expected)))
                    path.unlink()
        print(f"-- {title}; {len(pictures)} pictures, {given.rounds} rounds")
        means = {peer.name: statistics.mean(time for times in peer.times.values() for time in times) for peer in peers}
        for peer in peers:
            ratio = means[peer.name] / means["ours"]
            row = f"{task:8}{peer.name:9}{means[peer.name]:9.2f}{ratio:7.2f}"
            if made[peer.name]:
                size, psnr, ssim = (statistics.mean(column) for column in zip(*made[peer.name]))
                row += f"{size:10.0f}{psnr:7.2f}{ssim:8.4f}"
            else:
                row += f"{'':25}"
            print(f"{row}{peer.peak_mb():9.0f}", flush=True)
            peer.stop()


main()
