// sharp as its documentation says to use it: reads lines `INPUT<tab>OUTPUT`, does the task, answers with nanoseconds of CPU.
import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import sharp from "sharp";

sharp.concurrency(1);
sharp.cache(false);

const within = (width, more = {}) => ({ width, withoutEnlargement: true, ...more });
const tasks = {
  "t1-fast": (file) => sharp(file).autoOrient().resize(within(800)).jpeg({ quality: 80 }),
  "t1-hq": (file) => sharp(file).autoOrient().resize(within(800, { fastShrinkOnLoad: false })).jpeg({ quality: 80 }),
  t2: (file) => sharp(file).autoOrient().resize(within(800)).png(),
  t3: (file) => sharp(file).autoOrient().resize(within(1600)).webp({ quality: 80 }),
  t4: (file) => sharp(file).autoOrient().rotate(90).blur(2).jpeg({ quality: 80 }),
  t5: (file) => sharp(file).autoOrient().resize(within(800)).avif({ quality: 50, effort: 0 }),
};
const task = process.argv[2];

for await (const line of createInterface({ input: process.stdin })) {
  const [input, output] = line.split("\t");
  const before = process.cpuUsage();
  const result = task.startsWith("t6") ? await sharp(input).metadata() : await tasks[task](input).toBuffer();
  const spent = process.cpuUsage(before);
  if (output && !task.startsWith("t6")) await writeFile(output, result);
  console.log((spent.user + spent.system) * 1000);
}
