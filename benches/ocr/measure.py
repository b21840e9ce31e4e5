"""Draws pages of known text, has them read, and prints how many characters were wrong and how long it took."""

import argparse
import json
import os
import random
import statistics
import subprocess
import time
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

TEXT = [
    "The quick brown fox jumps over the lazy dog",
    "Invoice 2048 of 17 March 2026, net 30 days",
    "Total amount: 1,349.50 EUR (incl. 19% VAT)",
    "Contact: office@example.com, +49 30 123456",
    "Pack my box with five dozen liquor jugs!",
]
OTHER_FONTS = ["DejaVuSansMono.ttf", "LiberationSerif-Regular.ttf"]


def page(font, size, ink=(20, 20, 20), paper=(250, 250, 250)):
    face = ImageFont.truetype(font, size)
    step = int(size * 1.5)
    width = int(max(face.getlength(line) for line in TEXT)) + 4 * size
    image = Image.new("RGB", (width, step * len(TEXT) + 2 * size), paper)
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(TEXT):
        draw.text((2 * size, size + row * step), line, font=face, fill=ink)
    return image


def noisy(image, strength):
    source = random.Random(1)
    raw = bytes(max(0, min(255, int(value + source.gauss(0, strength)))) for value in image.tobytes())
    return Image.frombytes("RGB", image.size, raw)


def pages(fonts):
    """Group and picture."""
    for font in fonts:
        for size in (12, 16, 24, 40, 72):
            yield f"{size} px", page(font, size)
        for angle in (-5, 2):
            yield "aslant", page(font, 30).rotate(angle, expand=True, fillcolor=(250, 250, 250), resample=Image.BICUBIC)
        for angle in (90, 180, 270):
            yield "turned", page(font, 30).rotate(angle, expand=True)
        for strength in (15, 40):
            yield "noise", noisy(page(font, 24), strength)
        yield "light on dark", page(font, 24, (240, 230, 120), (40, 50, 110))


def edits(one, other):
    row = list(range(len(other) + 1))
    for y, a in enumerate(one):
        before, row[0] = row[0], y + 1
        for x, b in enumerate(other):
            before, row[x + 1] = row[x + 1], min(before + (a != b), row[x + 1] + 1, row[x] + 1)
    return row[-1]


def plain(text):
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def timed(command):
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stderr}")
    return (time.perf_counter() - start) * 1000, done.stdout


def main():
    parser = argparse.ArgumentParser()
    for name in ("--ours", "--room", "--font"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    room = Path(given.room)
    readers = {
        "image-tool": lambda path: [given.ours, "extract-text", path],
        "tesseract --psm 3": lambda path: ["tesseract", path, "-", "--psm", "3"],
        "tesseract --psm 1": lambda path: ["tesseract", path, "-", "--psm", "1"],
    }
    wanted = "\n".join(TEXT)
    errors, times = {}, {}
    drawn = list(pages([given.font, *OTHER_FONTS]))
    for index, (group, image) in enumerate(drawn):
        path = str(room / f"page-{index}.png")
        image.save(path)
        for name, command in readers.items():
            took, text = timed(command(path))
            rate = edits(wanted, plain(text)) / len(wanted)
            errors.setdefault(group, {}).setdefault(name, []).append(rate)
            errors.setdefault("all", {}).setdefault(name, []).append(rate)
            times.setdefault(name, []).append(took)
    print(f"{len(drawn)} pages, {len(wanted)} characters each. Mean character error rate:\n")
    print("| pages | " + " | ".join(readers) + " |\n|---|" + "---|" * len(readers))
    for group, rates in errors.items():
        if group != "all":
            print(f"| {group} | " + " | ".join(f"{statistics.mean(rates[name]):.3f}" for name in readers) + " |")
    print("| **all** | " + " | ".join(f"{statistics.mean(errors['all'][name]):.3f}" for name in readers) + " |")
    print("| ms a page, median | " + " | ".join(f"{statistics.median(times[name]):.0f}" for name in readers) + " |")
    compare(given.ours, room)


class Client:
    """MCP over stdin and stdout."""

    def __init__(self, program, folder):
        around = {**os.environ, "DATA_DIR": str(folder / "data"), "ALLOWED_DIRS": str(folder)}
        self.process = subprocess.Popen([program, "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=around, stderr=subprocess.DEVNULL)
        self.number = 0
        about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        self.ask("initialize", about)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def ask(self, method, params):
        self.number += 1
        self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        while True:
            answer = json.loads(self.process.stdout.readline())
            if answer.get("id") == self.number:
                return answer["result"]

    def tool(self, name, arguments):
        return self.ask("tools/call", {"name": name, "arguments": arguments})

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def compare(program, room):
    """Two screens that differ by a box, at three sizes."""
    print("\nA comparison through MCP over stdio, heat map stored, without its preview:\n\n| pixels | ms, median of 5 |\n|---|---|")
    client = Client(program, room)
    for side in (800, 1600, 3200):
        old = page(OTHER_FONTS[0], side // 40).resize((side, side * 3 // 4))
        new = old.copy()
        ImageDraw.Draw(new).rectangle((side // 2, side // 2, side // 2 + 99, side // 2 + 39), fill=(30, 110, 220))
        for name, image in (("a", old), ("b", new)):
            image.save(room / f"{name}-{side}.png")
        took = []
        for _ in range(5):
            start = time.perf_counter()
            arguments = {"image_a": str(room / f"a-{side}.png"), "image_b": str(room / f"b-{side}.png"), "return": "link"}
            facts = client.tool("compare_images", arguments)["structuredContent"]
            took.append((time.perf_counter() - start) * 1000)
            assert facts["verdict"] == "similar" and len(facts["regions"]) >= 1, facts
        print(f"| {side} × {side * 3 // 4} | {statistics.median(took):.0f} |")
    client.end()


if __name__ == "__main__":
    main()
